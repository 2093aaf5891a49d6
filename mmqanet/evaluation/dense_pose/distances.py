"""Geodesic distances between the vertices of a mesh, a gigabyte and more of them, mapped from a file.

A file holds the lower triangle row by row: the distance of vertices i > j stands at i (i - 1) / 2 + j.
"""
import io
import os
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import PathLike, check_file, write_bytes
from mmqanet.utils.temporary import remove_temporary, temporary_path

VARIABLE = 'Pdist_matrix'
PIECE = 2**22  # numbers that are copied at a time


@dataclass(frozen=True, eq=False)
class Distances:
    """Distances of N vertices.

    Attributes:
        packed (np.ndarray): (N (N - 1) / 2,) floating, in memory or mapped from a file.
        num_vertices (int): N.
    """

    packed: np.ndarray
    num_vertices: int

    def __post_init__(self) -> None:
        if len(self.packed) != triangle(self.num_vertices):
            raise InputError(f'distances: {len(self.packed):,} of them, but {self.num_vertices} vertices have '
                             f'{triangle(self.num_vertices):,}')

    def between(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Vertices (...) each → float64 distances (...); infinite where one is negative, 0 from a vertex to itself."""
        high, low = np.maximum(a, b).astype(np.int64), np.minimum(a, b).astype(np.int64)
        found = np.full(np.shape(a), np.inf)
        found[(high == low) & (low >= 0)] = 0
        apart = (high != low) & (low >= 0)
        found[apart] = self.packed[high[apart] * (high[apart] - 1) // 2 + low[apart]]
        return found


@dataclass(frozen=True)
class DistanceFile:
    """Where distances lie uncompressed in a file, which all processes map.

    Attributes:
        path, dtype, offset, num_vertices: offset in bytes of the first number.
    """

    path: str
    dtype: str
    offset: int
    num_vertices: int

    def map(self) -> Distances:
        """The distances, read from the file as they are needed."""
        size = triangle(self.num_vertices)
        try:
            packed = np.memmap(self.path, self.dtype, 'r', self.offset, (size,)) if size else np.empty(0, self.dtype)
        except (OSError, ValueError) as error:
            raise DataError(f'{self.path}: cannot be mapped ({error})') from None
        return Distances(packed, self.num_vertices)


def triangle(num_vertices: int) -> int:
    """How many distances ``num_vertices`` have."""
    return num_vertices * (num_vertices - 1) // 2


def find_distances(path: PathLike, *, num_vertices: int, cache: PathLike | None = None) -> DistanceFile:
    """The distances of an HDF5 file (MATLAB 7.3) that holds them as ``Pdist_matrix``.

    An uncompressed file is used as it is. A compressed one is unpacked into a temporary file, which goes with the process.

    Args:
        path: of the file.
        num_vertices: N.
        cache: a ``.npy`` for a float16 copy: it is made where it is not there yet, and read instead of the file.

    Raises:
        DataError: a file is missing, broken, of another mesh, or would have other files read.
        InputError: h5py is not installed.
    """
    if cache is not None and os.path.lexists(cache):
        check_file(cache)
        return _read_cache(Path(cache), num_vertices)
    check_file(path)
    with _open_hdf5(path) as file:
        data = _dataset(file, path)
        if data.size != triangle(num_vertices):
            raise DataError(f'{path}: {data.size:,} distances, but {num_vertices} vertices have '
                            f'{triangle(num_vertices):,}')
        if cache is not None:
            _write_cache(data, Path(cache), path)
            return _read_cache(Path(cache), num_vertices)
        if data.id.get_offset() is not None:
            return DistanceFile(os.path.abspath(path), data.dtype.str, data.id.get_offset(), num_vertices)
        return _unpack(data, num_vertices, path)


def write_distances(path: PathLike, square: np.ndarray) -> None:
    """Write all distances (N, N) of a mesh as :func:`find_distances` reads them.

    Raises:
        InputError: h5py is not installed. DataError: the file cannot be written.
    """
    packed = np.asarray(square, dtype=np.float32)[np.tril_indices(len(square), -1)]
    content = io.BytesIO()
    with _h5py(path).File(content, 'w') as file:
        file[VARIABLE] = packed[:, None]
    write_bytes(path, content.getvalue())


def _h5py(path: PathLike) -> Any:
    try:
        import h5py
    except ImportError:
        raise InputError(f"{path}: HDF5 files need the package h5py: pip install '.[densepose]'") from None
    return h5py


def _open_hdf5(path: PathLike) -> Any:
    h5py = _h5py(path)
    try:
        return h5py.File(path, 'r')
    except OSError as error:
        raise DataError(f'{path}: cannot be read as HDF5 ({str(error).splitlines()[0]})') from None


def _dataset(file: Any, path: PathLike) -> Any:
    """The numbers, which lie in this file: HDF5 would open whatever other files it names."""
    h5py = _h5py(path)
    if not isinstance(file.get(VARIABLE, getlink=True), h5py.HardLink):
        raise DataError(f'{path}: holds no row of numbers called {VARIABLE}')
    data = file[VARIABLE]
    if not isinstance(data, h5py.Dataset) or data.dtype.kind != 'f' or not data.shape or data.size != max(data.shape):
        raise DataError(f'{path}: holds no row of numbers called {VARIABLE}')
    if data.external or data.is_virtual:
        raise DataError(f'{path}: {VARIABLE} lies in another file, which is not opened')
    return data


def _pieces(data: Any, path: PathLike) -> Iterator[np.ndarray]:
    """The numbers of a data set of the file ``path``, some at a time."""
    by_row = data.shape[0] == data.size
    for start in range(0, data.size, PIECE):
        try:
            part = data[start:start + PIECE] if by_row else data[0, start:start + PIECE]
        except OSError as error:
            raise DataError(f'{path}: cannot be read as HDF5 ({str(error).splitlines()[0]})') from None
        yield np.asarray(part).ravel()


def _unpack(data: Any, num_vertices: int, source: PathLike) -> DistanceFile:
    unpacked = temporary_path(Path(tempfile.gettempdir()), prefix='mmqanet-distances-')
    try:
        with unpacked.open('xb') as file:
            for piece in _pieces(data, source):
                file.write(piece.tobytes())
    except OSError as error:
        remove_temporary(unpacked)
        raise DataError(f'{source}: cannot be unpacked to {unpacked.parent} ({error.strerror})') from None
    except BaseException:
        remove_temporary(unpacked)
        raise
    found = DistanceFile(str(unpacked), data.dtype.str, 0, num_vertices)
    weakref.finalize(found, remove_temporary, unpacked)
    return found


def _write_cache(data: Any, cache: Path, source: PathLike) -> None:
    partial = temporary_path(cache.parent, suffix='.part')
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with partial.open('wb') as file:
            np.lib.format.write_array_header_1_0(file, dict(descr='<f2', fortran_order=False, shape=(data.size,)))
            for piece in _pieces(data, source):
                file.write(piece.astype('<f2').tobytes())
        partial.replace(cache)
    except OSError as error:
        raise DataError(f'{cache}: cannot be written ({error.strerror})') from None
    finally:
        remove_temporary(partial)


def _read_cache(cache: Path, num_vertices: int) -> DistanceFile:
    try:
        mapped = np.lib.format.open_memmap(cache, mode='r')
    except Exception as error:  # numpy raises many kinds for broken files
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f'{cache}: not readable as .npy ({reason})') from None
    if mapped.shape != (triangle(num_vertices),) or mapped.dtype.kind != 'f':
        raise DataError(f'{cache}: {mapped.dtype} {mapped.shape}, but {num_vertices} vertices have '
                        f'{triangle(num_vertices):,} distances: a cache of another body')
    return DistanceFile(os.path.abspath(cache), mapped.dtype.str, mapped.offset, num_vertices)
