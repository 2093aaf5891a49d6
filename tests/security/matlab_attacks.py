"""Annotations as MATLAB files that say more than they hold."""
import io
import struct
import zlib
from functools import partial

import numpy as np
from attack import Attack
from hostile_pickles import as_pickle, call, write
from scipy.io import savemat

CELL, STRUCTURE, NUMBERS = 1, 2, 9
FLAGS, SHAPE, NAME = 6, 5, 1  # types of the elements that open an array


def element(kind, body):
    return struct.pack('<II', kind, len(body)) + body + bytes(-len(body) % 8)


def array(klass, shape, *elements, flags=0):
    head = element(FLAGS, struct.pack('<II', klass | flags, 0)) + element(SHAPE, struct.pack(f'<{len(shape)}i', *shape))
    return element(14, head + element(NAME, b'anno') + b''.join(elements))


def file(*elements):
    return b'MATLAB 5.0 MAT-file'.ljust(124) + struct.pack('<H', 0x0100) + b'IM' + b''.join(elements)


def packed(content):
    return struct.pack('<II', 15, len(content)) + content


def saved(**variables):
    buffer = io.BytesIO()
    savemat(buffer, variables)
    return buffer.getvalue()


NUMBER = element(2, b'\1')
NO_FIELDS = element(SHAPE, struct.pack('<i', 0)) + element(NAME, b'')
SPARSE = element(5, struct.pack('<i', 2**30)) + element(5, bytes(40)) + NUMBER
FIELDS = element(SHAPE, struct.pack('<i', 8)) + element(NAME, b'mask'.ljust(8, b'\0'))
MATRIX = array(NUMBERS, (1, 1), NUMBER)
CONTENTS = {
    'milliards of entries': lambda marker: file(array(STRUCTURE, (1, 2**31 - 1), FIELDS)),
    'milliards of cells': lambda marker: file(array(CELL, (2**16, 2**15))),
    'milliards packed': lambda marker: file(packed(zlib.compress(array(CELL, (2**16, 2**15))))),
    'a bomb': lambda marker: file(packed(zlib.compress(array(NUMBERS, (2**14, 2**15), element(2, bytes(2**29))), 1))),
    'complex without the second half': lambda marker: file(array(NUMBERS, (1, 1), NUMBER, flags=0x800), MATRIX),
    'numbers of no type': lambda marker: file(array(NUMBERS, (1, 1), element(10, b'\1'))),
    'numbers of a type behind the table': lambda marker: file(array(NUMBERS, (1, 1), element(0xFFFF, b'\1'))),
    'an array of no class': lambda marker: file(array(77, (1, 1), NUMBER)),
    'cells that are missing': lambda marker: file(array(CELL, (1, 3), MATRIX)),
    'a structure without names': lambda marker: file(array(STRUCTURE, (1, 1), NO_FIELDS)),
    'a sparse matrix': lambda marker: file(array(5, (9, 9), SPARSE)),
    'a function': lambda marker: file(array(16, (1, 1), MATRIX)),
    'negative sides': lambda marker: file(array(NUMBERS, (-1, -1), NUMBER)),
    'nested': lambda marker: nested(3000),
    'cut': lambda marker: saved(anno=np.ones((9, 9)))[:-40],
    'another variable': lambda marker: saved(other=1),
    'HDF5': lambda marker: b'\x89HDF\r\n\x1a\n' + bytes(600),
    'a pickle': lambda marker: as_pickle(call('builtins', 'open', str(marker), 'w')),
}


def nested(depth):
    content = MATRIX
    for _ in range(depth):
        content = array(CELL, (1, 1), content)
    return file(content)


def with_content(name, path, marker):
    write(path, CONTENTS[name](marker))


def attacks():
    for name in CONTENTS:
        yield Attack('files of MATLAB', f'{name}.mat', 'matlab', partial(with_content, name))
