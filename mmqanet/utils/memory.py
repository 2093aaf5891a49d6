"""A limit of memory, and when memory does not suffice: how that shows, and going on with less at a time."""
import errno
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import cv2
import torch

from mmqanet.errors import InputError

Items = TypeVar('Items', bound=Any)
Result = TypeVar('Result')
STACK = 2**23  # bytes that Linux reserves for a thread's
WORDS = (
    'out of memory', "can't allocate memory", 'not enough memory', 'ALLOC_FAILED', 'bad_alloc', "can't start new thread",
    'failed to map segment', 'could not create a primitive', 'could not execute a primitive')  # the last two: oneDNN


def limit_memory(most: int) -> None:
    """Let this process take so many bytes of memory at most: whatever would take more fails, as if the machine had no more.

    Counts what the process holds now, libraries included, and all that it asks for from now on (Linux, RLIMIT_DATA), also
    where it leaves some of that unused. The stacks of the threads that torch is about to start are not counted: they are
    hardly used, and without them the process would end. The memory of a GPU is not meant.

    Raises:
        InputError: the process holds more already, or the system does not say how much.
    """
    held, asked = _of_this_process('VmRSS'), _of_this_process('VmData')
    if held is None or asked is None:
        raise InputError('a limit of memory needs Linux')
    if most <= held:
        raise InputError(f'{most >> 20} MiB of memory are too little: {(held >> 20) + 1} are in use before the first '
                         'picture')
    import resource  # only systems of this kind have it

    stacks = torch.get_num_threads() * STACK
    resource.setrlimit(resource.RLIMIT_DATA, (asked + most - held + stacks, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def memory_left() -> int | None:
    """Bytes that this process may still ask for; ``None`` without a limit."""
    try:
        import resource
    except ImportError:
        return None
    most, asked = resource.getrlimit(resource.RLIMIT_DATA)[0], _of_this_process('VmData')
    return None if most == resource.RLIM_INFINITY or asked is None else max(most - asked, 0)


def _of_this_process(entry: str) -> int | None:
    """An entry of Linux's ``/proc/self/status``, in bytes; ``None`` elsewhere."""
    try:
        lines = Path('/proc/self/status').read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f'{entry}:')), None)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice: the system's, Python's, OpenCV's or torch's, of CPU or GPU."""
    if isinstance(error, cv2.error):
        return getattr(error, 'code', None) == cv2.Error.StsNoMem
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError | ImportError) and any(words in str(error) for words in WORDS))


def in_halves(function: Callable[[Items], list[Result]], items: Items, *,
              splits: Callable[[Exception], bool] = is_out_of_memory) -> list[Result]:
    """``function(items)``, or where memory does not suffice for that its results for each half of ``items``, and so on.

    Args:
        function: from several items to a list of as many results.
        items: what can be sliced, e.g. a list or a tensor.
        splits: whether an error is a reason to go on with halves.

    Raises:
        Exception: what ``function`` raises for a single item, or for another reason.
    """
    try:
        return function(items)
    except Exception as error:
        if len(items) < 2 or not splits(error):
            raise
    release_memory()  # here, where the error no longer holds what it met
    half = len(items) // 2
    return in_halves(function, items[:half], splits=splits) + in_halves(function, items[half:], splits=splits)


def release_memory() -> None:
    """Give back what nobody uses any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
