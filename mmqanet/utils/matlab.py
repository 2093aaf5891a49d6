"""Reading MATLAB files; whatever is wrong with one is a DataError that names it."""
import io
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmqanet.errors import DataError
from mmqanet.utils.files import read_bytes

HEADER, ORDER = 128, slice(126, 128)  # bytes of the header of level 5, and where it says the order of bytes
INT8, INT32, UINT32, MATRIX, COMPRESSED = 1, 5, 6, 14, 15  # types of elements
NUMBERS = {*range(1, 8), 9, 12, 13}
TEXTS = {*range(1, 5), 16, 17, 18}
CELL, STRUCTURE, CHARACTERS, NUMERIC = 1, 2, 4, range(6, 16)  # classes of arrays
COMPLEX = 0x800  # in the flags of an array
MOST_BYTES = 2**28  # of a variable, unpacked

Element = tuple[int, memoryview]


def read_mat(path: Path, variable: str) -> Any:
    """A variable of a MATLAB file (up to version 7): structures as dicts, arrays without dimensions of length 1.

    Raises:
        DataError: the file is missing or broken, or lacks the variable.
    """
    content = read_bytes(path)
    try:
        check_arrays(content)
        from scipy.io import loadmat  # here, as few commands read such files

        return loadmat(io.BytesIO(content), simplify_cells=True)[variable]
    except Exception as error:  # whatever a broken file makes scipy stumble over
        raise DataError(f'{path}: cannot be read as a MATLAB file with {variable} ({error})') from error


def check_arrays(content: bytes) -> None:
    """Raise ``ValueError`` unless the arrays of a file are cells, structures, texts and numbers that are whole.

    scipy takes a file at its word: it makes as many entries as one says, and looks types up beyond the end of its tables,
    which ends the process. The format is MathWorks' "MAT-File Format", level 5; files of other levels pass.
    """
    order = {b'IM': '<', b'MI': '>'}.get(content[ORDER])
    if order:
        _check_elements(memoryview(content)[HEADER:], order)


def _check_elements(data: memoryview, order: str) -> None:
    for kind, body in _elements(data, order):
        if kind == COMPRESSED:
            unpacking = zlib.decompressobj()
            unpacked = unpacking.decompress(body, MOST_BYTES)
            if unpacking.unconsumed_tail:
                raise ValueError(f'a variable unpacks to more than {MOST_BYTES:,} bytes')
            _check_elements(memoryview(unpacked), order)
        elif kind == MATRIX:
            _check_array(body, order)
        else:
            raise ValueError(f'an element of type {kind} where an array is expected')


def _check_array(body: memoryview, order: str) -> None:
    if not body:  # an entry that nothing was put in
        return
    (kind, flags), (shape_kind, shape), (name_kind, _), *rest = _elements(body, order)
    if (kind, shape_kind, name_kind) != (UINT32, INT32, INT8) or len(flags) != 8:
        raise ValueError('an array without flags, dimensions or name')
    flag = struct.unpack(f'{order}II', flags)[0]
    sides = struct.unpack(f'{order}{len(shape) // 4}i', shape)
    number, kinds = math.prod(sides), [kind for kind, _ in rest]
    if min(sides, default=0) < 0 or number > len(body):
        raise ValueError(f'an array of {" x ".join(map(str, sides))} entries in {len(body)} bytes')
    match flag & 0xFF:
        case klass if klass in NUMERIC:
            fits = len(rest) == (2 if flag & COMPLEX else 1) and set(kinds) <= NUMBERS
        case klass if klass == CHARACTERS:
            fits = len(rest) == 1 and kinds[0] in TEXTS
        case klass if klass == CELL:
            fits = kinds == [MATRIX] * number
        case klass if klass == STRUCTURE:
            fits = kinds[:2] == [INT32, INT8] and kinds[2:] == [MATRIX] * (number * _count_fields(rest, order))
        case klass:
            raise ValueError(f'an array of class {klass}')
    if not fits:
        raise ValueError('an array that is not whole')
    for kind, inner in rest:
        if kind == MATRIX:
            _check_array(inner, order)


def _count_fields(rest: list[Element], order: str) -> int:
    length, = struct.unpack(f'{order}i', rest[0][1])
    if length < 1 or len(rest[1][1]) % length:
        raise ValueError('a structure whose names have no length')
    return len(rest[1][1]) // length


def _elements(data: memoryview, order: str) -> Iterator[Element]:
    """Type and content of each element."""
    start = 0
    while start < len(data):
        kind, size = struct.unpack_from(f'{order}II', data, start)
        begin, step = start + 8, size if kind == COMPRESSED else size + -size % 8
        if kind >> 16:  # a small one: its size stands beside the type, its content in the place of the size
            kind, size, begin, step = kind & 0xFFFF, kind >> 16, start + 4, 0
        if size > (len(data) - begin if step else 4):
            raise ValueError('an element that breaks off')
        yield kind, data[begin:begin + size]
        start += 8 + step
