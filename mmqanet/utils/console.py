"""What a command says: lines that a terminal shows as they are, on outputs that may be closed, full or without a reader."""
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmqanet.errors import printable


class SafeStream:
    """Standard output or error that never fails.

    A reader that has gone (``| head``) and an output that is closed or full stop nothing: the work goes on, and what cannot
    be said is dropped. ``lost`` tells why the output is incomplete, unless its reader went away.

    Args:
        stream: what is written to; ``None`` where the process has none.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.lost: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write text; the number of characters. Nothing happens where there is no stream."""
        if self.stream is not None:
            self._attempt(lambda: self._encodable(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream, where there is one."""
        if self.stream is not None:
            self._attempt(self.stream.flush)

    def _encodable(self, text: str) -> None:
        try:
            self.stream.write(text)
        except UnicodeEncodeError:
            encoding = getattr(self.stream, 'encoding', None) or 'ascii'
            self.stream.write(text.encode(encoding, 'backslashreplace').decode(encoding))

    def _attempt(self, write: Any) -> None:
        try:
            write()
        except BrokenPipeError:
            _discard(self.stream)
        except (OSError, ValueError) as error:  # a full disk; a closed file
            self.lost = self.lost or getattr(error, 'strerror', None) or str(error)
            _discard(self.stream)


def _discard(stream: Any) -> None:
    """Send what is still to come, also what the interpreter flushes at its end, to nowhere."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        pass


def say(text: str) -> None:
    """A line, or several, on standard output."""
    print(printable(text, keep='\n'), file=_safe(sys.stdout), flush=True)


def complain(text: str) -> None:
    """A line, or several, on standard error."""
    print(printable(text, keep='\n'), file=_safe(sys.stderr), flush=True)


def _safe(stream: Any) -> Any:
    return stream if isinstance(stream, SafeStream) else SafeStream(stream)


@contextmanager
def safe_output() -> Iterator[SafeStream]:
    """While this is open, printing never fails; gives standard output."""
    open_standard_files()
    before = sys.stdout, sys.stderr
    output, errors = _safe(sys.stdout), _safe(sys.stderr)
    sys.stdout, sys.stderr = output, errors
    try:
        yield output
    finally:
        output.flush()
        errors.flush()
        sys.stdout, sys.stderr = before


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
