"""What the command says and how it ends: lines that a terminal shows as they are, no traceback for a signal."""
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from mmqanet.errors import printable

INTERRUPTED, TERMINATED = 130, 143  # exit statuses, as shells report Ctrl-C and SIGTERM


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM, SIGHUP); unwinds like Ctrl-C."""


class Console:
    """Standard output and error of one command.

    A reader that has gone (``| head``) and an output that is closed or full stop nothing: the work goes on, and what cannot
    be said is dropped. ``lost`` tells why the output is incomplete, unless its reader went away.
    """

    def __init__(self) -> None:
        self.lost: str | None = None

    def say(self, text: str) -> None:
        """A line, or several, on standard output."""
        self._write(sys.stdout, text)

    def complain(self, text: str) -> None:
        """A line, or several, on standard error."""
        self._write(sys.stderr, text)

    def _write(self, stream: TextIO | None, text: str) -> None:
        try:
            print(printable(text, keep='\n'), file=stream, flush=True)
        except UnicodeEncodeError:
            encoding = getattr(stream, 'encoding', None) or 'ascii'
            print(text.encode(encoding, 'backslashreplace').decode(encoding), file=stream, flush=True)
        except BrokenPipeError:
            _discard(stream)
        except (OSError, ValueError) as error:  # a full disk; a closed file
            if stream is sys.stdout:
                self.lost = self.lost or getattr(error, 'strerror', None) or str(error)
            _discard(stream)


console = Console()


def _discard(stream: TextIO | None) -> None:
    """Send what is still to come, also what the interpreter flushes at its end, to nowhere."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        pass


def open_standard_files() -> None:
    """Lead standard input, output and error to nowhere where the process was started without them.

    Otherwise the next file that is opened becomes one of them, and what a library prints ends in it.
    """
    for number, name in enumerate(('stdin', 'stdout', 'stderr')):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.dup(number), 'r' if number == 0 else 'w', encoding='utf-8'))


@contextmanager
def signals_unwind() -> Iterator[None]:
    """While this is open, SIGTERM and SIGHUP raise :class:`Terminated`, so that everything is tidied up as after Ctrl-C."""
    def stop(number: int, frame: FrameType | None) -> None:
        for name in before:
            signal.signal(name, signal.SIG_IGN)  # once is enough: the tidying up is not cut short
        raise Terminated(number)

    before = {}
    try:
        for name in ('SIGTERM', 'SIGHUP'):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    except ValueError:  # not the main thread: signals are somebody else's
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
