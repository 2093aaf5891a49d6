"""Checkpoints whose pickle has odd operators or pointers, and archives that are broken."""
import io
import tarfile
import zipfile
from functools import partial

from attack import Attack
from hostile_pickles import MAGIC, PROTO, Raw, Ref, as_legacy, as_pickle, as_zip, call, encoded, storage, tensor, write

HISTORY = Ref('mmengine.logging.history_buffer', 'HistoryBuffer')
NDARRAY, DTYPE = Ref('numpy', 'ndarray'), partial(call, 'numpy', 'dtype')


def operators(marker):
    """Other ways to the same end than calling a function by its name."""
    touch, system, strings = f'touch {marker}', Ref('os', 'system').code, encoded
    return {
        'STACK_GLOBAL': strings('os') + strings('system') + b'\x93' + strings((touch,)) + b'R',
        'INST': b'(' + strings(touch) + b'ios\nsystem\n',
        'OBJ': b'(' + system + strings(touch) + b'o',
        'NEWOBJ': Ref('subprocess', 'Popen').code + strings((['touch', str(marker)],)) + b'\x81',
        'NEWOBJ_EX': Ref('subprocess', 'Popen').code + strings((['touch', str(marker)],)) + b'}\x92',
        'EXT1': b'\x82\x01',
        'REDUCE of a text': strings('os.system') + strings((touch,)) + b'R',
        'REDUCE of a tensor': tensor(4).code + strings((touch,)) + b'R',
        'BUILD of a class': Ref('torch', 'Tensor').code + strings({'__call__': Ref('torch', 'Size')}) + b'b',
        'BUILD of a function': Ref('torch._utils', '_rebuild_tensor').code + strings({'__code__': 1}) + b'b',
        'BUILD of a dict': b'}' + strings({'__class__': Ref('torch', 'Size')}) + b'b',
        'BUILD slots': Ref('torch', 'Size').code + b')R' + strings((None, {'numel': 1})) + b'b',
        'BUILD of a history': HISTORY.code + b')\x81' + strings({'__class__': Ref('torch', 'Size'), 'max_length': 1}) + b'b',
        'NEWOBJ of a history': HISTORY.code + strings((Ref('torch', 'Size'),)) + b'\x81',
        'PERSID': b'Pos.system\n',
        'BINPERSID of a text': strings('os.system') + b'Q',
        'BINPERSID module': strings(('module', Ref('torch', 'Tensor'), 'a.py', 'import evil')) + b'Q',
        'BINPERSID negative': storage(-4).code,
        'memo out of range': b'h\x09',
        'empty stack': b'R',
        'no stop': b'',
        'long': b'\x8b\xff\xff\xff\x7f',
        'text of 4 GB': b'X\xff\xff\xff\xff',
        'frame': b'\x95' + b'\xff' * 8,
        'wrapper of a type': call(
            'torch._tensor', '_rebuild_from_type_v2', Ref('os', 'system'), Ref('torch', 'Tensor'), (touch,), {}
        ).code,
        'subclass': call(
            'torch._utils',
            '_rebuild_wrapper_subclass',
            Ref('torch', 'Tensor'),
            Ref('torch', 'float32'),
            (2,),
            (1,),
            0,
            Ref('torch', 'strided'),
            'cpu',
            False,
        ).code,
        'encode': call('_codecs', 'encode', 'evil', 'evil').code,
        'encode hex': call('_codecs', 'encode', touch, 'zlib').code,
        'getattr of a history': call('builtins', 'getattr', HISTORY, '__init__').code,
        'chain of getattr': call('builtins', 'getattr', call('builtins', 'getattr', HISTORY, 'mean'), '__globals__').code,
        'set of lists': call('builtins', 'set', [[1]]).code,
    }


def pointers():
    """What would make numpy or torch read memory that is not theirs."""
    empty = call('collections', 'OrderedDict')
    made = call('numpy.core.multiarray', '_reconstruct', NDARRAY, (0,), b'b')
    new = call('numpy._core.multiarray', '_reconstruct', NDARRAY, (0,), b'b')

    def state(array, shape, dtype, content):
        return Raw(array.code + encoded((1, shape, dtype, False, content)) + b'b')

    return {
        'ndarray of objects': call('numpy', 'ndarray', (1,), 'O', b'\x10\x20\x30\x40\x50\x60\x70\x00'),
        'ndarray of objects by type': call('numpy', 'ndarray', (1,), DTYPE('O8'), b'A' * 8),
        'ndarray without end': call('numpy', 'ndarray', (2**40,), 'f8'),
        'dtype of objects': DTYPE('O8', False, True),
        'dtype with fields': DTYPE([('a', 'O', 8)]),
        'dtype by text': DTYPE('O,O'),
        'NEWOBJ of ndarray': Raw(NDARRAY.code + encoded(((1,), 'O', b'A' * 8)) + b'\x81'),
        'state of objects': state(made, (1,), DTYPE('O8', False, True), b'A' * 8),
        'state of a list': state(new, (1,), DTYPE('f8', False, True), [1]),
        'state too short': state(new, (1000,), DTYPE('f8', False, True), b'A' * 8),
        'state negative': state(made, (-5, -1), DTYPE('f8', False, True), b'A' * 8),
        'state overflow': state(made, (2**33, 2**33), DTYPE('f8', False, True), b'A' * 8),
        'dtype state': Raw(DTYPE('f8', False, True).code + encoded((3, '|', None, ('a',), {'a': (0, 1)}, 8, 1, 63)) + b'b'),
        'scalar of objects': call('numpy.core.multiarray', 'scalar', DTYPE('O8', False, True), b'A' * 8),
        'scalar too short': call('numpy._core.multiarray', 'scalar', DTYPE('f8', False, True), b'A'),
        'storage longer than its record': tensor(2**20, (2**20,)),
        'view behind the end': tensor(4, (4,), (1,), 2**20),
        'view with a wide stride': tensor(4, (4,), (2**40,)),
        'negative offset': tensor(4, (4,), (1,), -8),
        'negative size': tensor(4, (-4,)),
        'expanded to terabytes': tensor(4, (2**40,), (0,)),
        'no strides': tensor(4, (4,), ()),
        'storage of nothing': tensor(0, (4,)),
        'storage of another kind': storage(4, kind='QInt8Storage'),
        'nested': call('torch._utils', '_rebuild_nested_tensor', tensor(4), tensor(4), tensor(4), tensor(4)),
        'sparse': call(
            'torch._utils', '_rebuild_sparse_tensor', Ref('torch', 'sparse_coo'), (tensor(4), tensor(4), (2**40,), False)
        ),
        'quantized': call(
            'torch._utils',
            '_rebuild_qtensor',
            storage(4),
            0,
            (4,),
            (1,),
            (Ref('torch', 'per_tensor_affine'), 1.0, 0),
            False,
            empty,
        ),
        'meta': call('torch._utils', '_rebuild_meta_tensor_no_storage', Ref('torch', 'float32'), (2**40,), (1,), False),
        'UntypedStorage of terabytes': call('torch.storage', 'UntypedStorage', 2**50),
        'Tensor of terabytes': call('torch', 'Tensor', 2**50),
        'bytearray of terabytes': call('builtins', 'bytearray', 2**50),
        'bytes of terabytes': call('builtins', 'bytes', 2**50),
    }


def archives(marker):
    """Files that are no usual checkpoint."""
    evil = as_pickle(call('os', 'system', f'touch {marker}'))
    good = as_zip({'state_dict': {}})

    def zipped(*records, **options):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, 'w', **options) as file:
            for name, content in records:
                file.writestr(name, content)
        return buffer.getvalue()

    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode='w') as file:
        for name in ('storages', 'tensors', 'pickle', '../../evil'):
            info = tarfile.TarInfo(name)
            info.size = len(evil)
            file.addfile(info, io.BytesIO(evil))
    deep = PROTO + b']' * 60_000 + b'a' * 59_999 + b'.'
    version = ('x/version', b'3\n')
    return {
        'torch script': zipped(
            ('x/constants.pkl', evil), ('x/data.pkl', evil), ('x/code/__torch__.py', b'import os'), version
        ),
        'tar': tar.getvalue(),
        'two data.pkl': zipped(('x/data.pkl', as_pickle({})), ('x/data.pkl', evil), version),
        'no data.pkl': zipped(version),
        'no version': zipped(('x/data.pkl', evil)),
        'outwards': zipped(('../x/data.pkl', evil), version),
        'two roots': zipped(('a/data.pkl', as_pickle({})), ('b/data.pkl', evil), version),
        'odd byte order': zipped(('x/data.pkl', as_pickle({'a': tensor(4)})), ('x/byteorder', b'middle'), version),
        'odd version': zipped(('x/data.pkl', as_pickle({})), ('x/version', b'9' * 30)),
        'alignment': zipped(('x/data.pkl', as_pickle({'a': tensor(4)})), ('x/.storage_alignment', b'evil'), version),
        'deep': zipped(('x/data.pkl', deep), version),
        'deep legacy': deep,
        'cut': good[:-30],
        'cut early': good[:40],
        'no end': good[:-22],
        'zeros': bytes(100),
        'empty': b'',
        'text': b'hello',
        'elf': b'\x7fELF' + bytes(100),
        'python': b'import evil\n',
        'legacy cut': as_legacy({'a': 1})[:-9],
        'legacy of evil': as_legacy(Raw(evil[2:-1])),
        'magic of another': as_pickle(MAGIC + 1),
        'system information': as_pickle(MAGIC) + as_pickle(1001) + evil,
        'keys of storages': as_legacy({})[: -len(as_pickle([])) + 0] + evil,
        'list': as_zip([1]),
        'number': as_zip(3),
        'itself': zipped(('x/data.pkl', PROTO + b']q\x00h\x00a.'), version),
        'gzip': b'\x1f\x8b' + bytes(50),
        'onnx': b'\x08\x07\x12\x07pytorch',
        'hdf5': b'\x89HDF\r\n\x1a\n' + bytes(100),
        'comment': good + b'A' * 70_000,
    }


def with_operators(name, path, marker):
    write(path, as_zip({'state_dict': Raw(operators(marker)[name])}))


def with_pointer(value, path, marker):
    write(path, as_zip({'a': value}, {'data/0': bytes(16)}))


def as_archive(name, path, marker):
    write(path, archives(marker)[name])


def attacks():
    for name in operators('x'):
        yield Attack('operators of a pickle', f'{name}.pth', 'load', partial(with_operators, name), name == 'encode hex')
    for name, value in pointers().items():
        yield Attack('wild pointers', f'{name}.pth', 'load', partial(with_pointer, value), name == 'no strides')
    for name in archives('x'):
        passes = name in ('two data.pkl', 'comment')
        yield Attack('broken archives', f'{name}.pth', 'load', partial(as_archive, name), passes)
