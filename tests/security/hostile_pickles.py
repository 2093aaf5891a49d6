"""Pickles that would do something, written operator by operator, and the files of torch around them."""
import io
import pickle
import zipfile
from pathlib import Path

PROTO = b'\x80\x02'
MAGIC, PROTOCOL = 0x1950a86a20f9469cfc6c, 1001  # of torch's files before zip


class Ref:
    """The name of something in a module, not yet looked up."""

    def __init__(self, module: str, name: str):
        self.code = b'c' + module.encode() + b'\n' + name.encode() + b'\n'


class Raw:
    """Operators as they are."""

    def __init__(self, code: bytes):
        self.code = code


def call(module: str, name: str, *arguments: object) -> Raw:
    """What calls a function as soon as it is read."""
    return Raw(Ref(module, name).code + encoded(arguments) + b'R')


def encoded(value: object) -> bytes:
    """Operators that make a value of containers, texts, numbers and what is hostile."""
    match value:
        case Ref() | Raw():
            return value.code
        case dict():
            return b'}(' + b''.join(encoded(key) + encoded(item) for key, item in value.items()) + b'u'
        case list():
            return b'](' + b''.join(map(encoded, value)) + b'e'
        case tuple():
            return b'(' + b''.join(map(encoded, value)) + b't'
        case str():
            text = value.encode('utf-8', 'surrogatepass')
            return b'X' + len(text).to_bytes(4, 'little') + text
        case bytes():
            return encoded(Raw(Ref('_codecs', 'encode').code + encoded((value.decode('latin1'), 'latin1')) + b'R'))
    return pickle.dumps(value, 2)[2:-1]  # a number, a bool or None


def as_zip(value: object, records: dict[str, bytes] | None = None) -> bytes:
    """A file of ``torch.save`` as it is written today."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as file:
        file.writestr('x/data.pkl', PROTO + encoded(value) + b'.')
        file.writestr('x/byteorder', b'little')
        for name, content in (records or {}).items():
            file.writestr(f'x/{name}', content)
        file.writestr('x/version', b'3\n')
    return buffer.getvalue()


def as_legacy(value: object) -> bytes:
    """A file of ``torch.save`` as it was written before zip."""
    parts = [MAGIC, PROTOCOL, dict(protocol_version=PROTOCOL, little_endian=True, type_sizes={})]
    return b''.join(pickle.dumps(part, 2) for part in parts) + PROTO + encoded(value) + b'.' + pickle.dumps([], 2)


def as_pickle(value: object) -> bytes:
    return PROTO + encoded(value) + b'.'


def storage(numel: int, *, key: str = '0', kind: str = 'FloatStorage') -> Raw:
    """A storage of so many numbers, kept in the record ``data/KEY``."""
    return Raw(encoded(('storage', Ref('torch', kind), key, 'cpu', numel)) + b'Q')


def tensor(numel: int, size: tuple = (4,), stride: tuple = (1,), offset: int = 0) -> Raw:
    empty = call('collections', 'OrderedDict')
    return call('torch._utils', '_rebuild_tensor_v2', storage(numel), offset, size, stride, False, empty)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
