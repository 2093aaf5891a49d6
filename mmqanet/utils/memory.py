"""When memory does not suffice: how that shows, and going on with less at a time."""
import errno
import gc
from collections.abc import Callable
from typing import Any, TypeVar

import cv2
import torch

Items = TypeVar('Items', bound=Any)
Result = TypeVar('Result')
WORDS = (
    'out of memory', "can't allocate memory", 'not enough memory', 'ALLOC_FAILED', 'bad_alloc', "can't start new thread",
    'failed to map segment', 'could not create a primitive', 'could not execute a primitive')  # the last two: oneDNN


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
