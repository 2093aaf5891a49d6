"""The pickle inside a checkpoint, read as data: which names it may use, and what each of them does here.

``torch.load(weights_only=True)`` resolves names from a list of its own: tensors, their storages and types, ``OrderedDict``,
``set``, ``bytes``. That list is the base. What mmengine saves needs three names more, for numpy arrays and scalars and for
the history of a log. None of them reaches the real thing: numpy makes a pointer of any bytes that a file calls an array of
objects. Stand-ins keep what the file says, and :func:`plain` makes real arrays of it once it is checked.
"""
import threading
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging.history_buffer import HistoryBuffer
from torch import Tensor
from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals

_NUMBERS = {f'{kind}{size}' for kind, sizes in (('f', (2, 4, 8)), ('i', (1, 2, 4, 8)), ('u', (1, 2, 4, 8)), ('b', (1,)))
            for size in sizes}
_STATISTICS = ('mean', 'max', 'min', 'current')
_LOCK = threading.Lock()  # torch keeps the list of names for the whole process


class NotData(ValueError):
    """A file would need more than data to be read."""


class _Dtype:
    """Stands in for ``numpy.dtype``: a number of a known size, in either byte order."""

    def __init__(self, code: Any = None, *_: Any) -> None:
        if code not in _NUMBERS:
            raise NotData(f'an array of type {code!r}')
        self.code, self.order = code, '='

    def __setstate__(self, state: tuple) -> None:
        order = state[1]
        if order not in ('<', '>', '|', '='):
            raise NotData(f'byte order {order!r}')
        self.order = order

    def read(self, content: Any) -> np.ndarray:
        if not isinstance(content, bytes | bytearray):
            raise NotData(f'an array out of a {type(content).__name__}')
        dtype = np.dtype(f'{self.order}{self.code}')
        return np.frombuffer(content, dtype).astype(dtype.newbyteorder('='))


class _Array:
    """Stands in for ``numpy.ndarray``; filled by its state alone."""

    def __init__(self, *arguments: Any) -> None:
        if arguments:
            raise NotData('a call of numpy.ndarray')

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, is_fortran, content = state
        if type(dtype) is not _Dtype:
            raise NotData('an array of an unknown type')
        self.value = dtype.read(content).reshape(shape, order='F' if is_fortran else 'C')


class _History:
    """Stands in for mmengine's ``HistoryBuffer``."""

    def __setstate__(self, state: dict) -> None:
        values, counts = (state[key].value.astype(float) for key in ('_log_history', '_count_history'))
        if values.ndim != 1 or values.shape != counts.shape:
            raise NotData('a log history that is no pair of lists')
        self.value = HistoryBuffer(values, counts, max_length=int(state['max_length']))


def _array(*_: Any) -> _Array:
    """Stands in for numpy's ``_reconstruct``, whose arguments say nothing that the state does not."""
    return _Array()


def _scalar(dtype: Any, content: Any) -> np.generic:
    """Stands in for numpy's ``scalar``."""
    if type(dtype) is not _Dtype:
        raise NotData('a number of an unknown type')
    value, = dtype.read(content)
    return value


def _method(owner: Any, name: Any) -> None:
    """Stands in for ``getattr``: a log history names its own methods, which it knows anyway."""
    if owner is not _History or name not in _STATISTICS:
        raise NotData(f'getattr of {str(name)[:60]!r}')


def _bytes(*arguments: Any) -> bytes:
    """Stands in for ``bytes``, which Python's pickle calls for an empty array alone."""
    if arguments:
        raise NotData('a call of bytes')
    return b''


_NAMES: list[Any] = [
    (_Dtype, 'numpy.dtype'), (_Array, 'numpy.ndarray'), (_History, 'mmengine.logging.history_buffer.HistoryBuffer'),
    (_method, 'builtins.getattr'), (_bytes, 'builtins.bytes'), (slice, 'builtins.slice'),
    *((function, f'numpy.{core}.multiarray.{name}') for core in ('core', '_core')
      for function, name in ((_array, '_reconstruct'), (_scalar, 'scalar'))),
]


def read_pickle(path: Path, map_location: Any) -> Any:
    """What a file of ``torch.save`` holds, in plain containers.

    Raises:
        NotData: it names something that is no data. Others: it is broken; torch raises many kinds.
    """
    with _LOCK:
        others = get_safe_globals()  # of other packages, for their own files
        clear_safe_globals()
        add_safe_globals(_NAMES)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                content = torch.load(path, map_location=map_location, weights_only=True)
        finally:
            clear_safe_globals()
            add_safe_globals(others)
    return plain(content)


def plain(node: Any, _done: dict[int, Any] | None = None) -> Any:
    """The same data in new containers of the exact built-in types, arrays and histories in place of their stand-ins.

    Raises:
        NotData: something inside is no data, is a tensor of an uncommon kind, or contains itself.
    """
    done = {} if _done is None else _done
    key = id(node)
    if key in done:
        if done[key] is NotData:
            raise NotData('a container that contains itself')
        return done[key]
    done[key] = NotData  # until it is made
    done[key] = result = _plain(node, done)
    return result


def _plain(node: Any, done: dict[int, Any]) -> Any:
    kind = type(node)
    if node is None or kind in (bool, int, float, complex, str, bytes, bytearray, torch.dtype, torch.device, slice):
        return node
    if isinstance(node, np.generic):
        return node
    if kind in (Tensor, torch.nn.Parameter):
        return _checked_tensor(node)
    if kind in (_Array, _History):
        return node.value
    if kind in (list, set):
        return kind(plain(item, done) for item in node)
    if kind in (tuple, torch.Size):
        return tuple(plain(item, done) for item in node)
    if isinstance(node, dict):  # an OrderedDict or Counter too
        result = {plain(key, done): plain(value, done) for key, value in node.items()}
        if kind is not OrderedDict:
            return result
        ordered = OrderedDict(result)
        metadata = node.__dict__.get('_metadata')  # versions of the layers, which nn.Module writes
        if metadata is not None:
            ordered._metadata = plain(metadata, done)  # type: ignore[attr-defined]
        return ordered
    raise NotData(f'a {kind.__name__}')


def _checked_tensor(tensor: Tensor) -> Tensor:
    """The tensor without attributes and hooks, if it is a dense one whose numbers are all in the file."""
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_nested or tensor.device.type == 'meta':
        raise NotData('a tensor that is not dense')
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise NotData(f'a tensor {tuple(tensor.shape)} of which the file holds a part')
    return Tensor.detach(tensor)
