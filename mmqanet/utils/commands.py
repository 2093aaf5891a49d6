"""How a command ends: one line for what is wrong, no traceback for a signal, and nothing half made is left behind."""
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from mmqanet.errors import MMQANetError, printable
from mmqanet.utils.console import safe_output
from mmqanet.utils.temporary import remove_temporaries

FAILED, INTERRUPTED, TERMINATED = 1, 130, 143  # exit statuses, the last two as shells report Ctrl-C and SIGTERM
SHARED = ('WORLD_SIZE', 'SLURM_NTASKS', 'OMPI_COMM_WORLD_SIZE')  # how many processes a launcher has started


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM, SIGHUP); unwinds like Ctrl-C."""


def run_command(work: Callable[[], int | None]) -> tuple[int, str]:
    """Run a command.

    Args:
        work: does what it is for, and gives its exit status; ``None`` is 0.

    Returns:
        tuple: the exit status: that of ``work``, 1 for an error that mmqanet raises on purpose, a missing file, too little
        memory or a standard output that cannot be written, 130 for Ctrl-C, 143 for SIGTERM. And one line on what is wrong,
        empty where nothing is.
    """
    status, problem = 0, ''
    with safe_output() as output:
        try:
            with signals_unwind():
                try:
                    status = work() or 0
                finally:
                    remove_temporaries()
        except MMQANetError as error:
            status, problem = FAILED, told(error)
        except Terminated:
            status = TERMINATED
        except KeyboardInterrupt:
            status = INTERRUPTED
        except FileNotFoundError as error:  # as the data sets of other packages raise it
            status, problem = FAILED, f'{error.filename}: no such file'
        except Exception as error:
            if not _is_out_of_memory(error):
                raise
            status, problem = FAILED, f'not enough memory ({str(error).splitlines()[0] if str(error) else "MemoryError"})'
    if output.lost and not status:
        status, problem = FAILED, f'standard output cannot be written ({output.lost})'
    return status, printable(problem, keep='\n')


def told(error: MMQANetError) -> str:
    """The message of an error; of one that a data loader's process handed on with its traceback, what it said there."""
    message = str(error)
    if message.startswith('Caught ') and 'Traceback' in message:
        return message.strip().splitlines()[-1].partition(': ')[2]
    return message


def _is_out_of_memory(error: Exception) -> bool:
    from mmqanet.utils.memory import is_out_of_memory  # it takes torch, which not every command needs

    return is_out_of_memory(error)


@contextmanager
def signals_unwind() -> Iterator[None]:
    """While this is open, SIGTERM and SIGHUP raise :class:`Terminated`, so that everything is tidied up as after Ctrl-C.

    Not where a launcher has started several processes: one that waits for the others could not unwind.
    """
    def stop(number: int, frame: FrameType | None) -> None:
        for name in before:
            signal.signal(name, signal.SIG_IGN)  # once is enough: the tidying up is not cut short
        raise Terminated(number)

    before = {}
    try:
        for name in ('SIGTERM', 'SIGHUP') if all(os.environ.get(key, '1') == '1' for key in SHARED) else ():
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
