"""Pictures that would run a program, and tables, lists and files of tensors that would break what reads them."""
import io
import json
import struct
import zipfile
import zlib
from functools import partial

import numpy as np
from attack import Attack
from hostile_pickles import as_pickle, call, write
from PIL import Image

PIPE = """%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 9 9
%%EndComments
(%pipe%touch {marker}) (w) file closefile
showpage
%%EOF
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>x</script><image href="file:///etc/passwd"/></svg>'
STUBS = {
    'fits': b'SIMPLE  =                    T' + b' ' * 2850,
    'grib': b'GRIB' + bytes(100),
    'bufr': b'BUFR' + bytes(100),
    'hdf5': b'\x89HDF\r\n\x1a\n' + bytes(100),
    'wmf': b'\xd7\xcd\xc6\x9a\x00\x00' + bytes(60),
    'emf': b'\x01\x00\x00\x00' + bytes(100),
    'psd': b'8BPS\x00\x01' + bytes(60),
    'dds': b'DDS ' + bytes(124),
    'icns': b'icns\x00\x00\x00\x08',
    'xbm': b'#define x_width 9\n',
    'pdf': b'%PDF-1.4\n',
    'mpeg': b'\x00\x00\x01\xb3' + bytes(60),
    'xpm': b'/* XPM */',
    'pcx': b'\x0a\x05\x01\x08' + bytes(124),
}


def postscript(marker):
    return PIPE.format(marker=marker).encode()


def png(size=(4, 4)):
    buffer = io.BytesIO()
    Image.new('RGB', size).save(buffer, 'PNG')
    return buffer.getvalue()


def giant():
    """A PNG whose header promises 10^10 pixels."""
    header = struct.pack('>IIBBBBB', 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = b'IHDR' + header
    return b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + chunk + struct.pack('>I', zlib.crc32(chunk)) + png()[33:]


def pictures(marker):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, 'w') as file:
        file.writestr('a.png', png())
    evil = as_pickle(call('os', 'system', f'touch {marker}'))
    binary = (
        b'\xc5\xd0\xd3\xc6'
        + (32).to_bytes(4, 'little')
        + len(postscript(marker)).to_bytes(4, 'little')
        + bytes(20)
        + postscript(marker)
    )
    return {
        'postscript.eps': postscript(marker),
        'postscript.png': postscript(marker),
        'postscript.jpg': postscript(marker),
        'postscript.tif': postscript(marker),
        'postscript.ps': postscript(marker),
        'binary.eps': binary,
        'binary.png': binary,
        'drawing.svg': SVG.encode(),
        'drawing.png': SVG.encode(),
        'archive.png': archive.getvalue(),
        'pickle.png': evil,
        'cut.png': png()[:-20],
        'giant.png': giant(),
        'empty.png': b'',
        'python.jpg': b'import evil',
        'npy.png': b'\x93NUMPY\x01\x00' + evil,
        **{f'{name}.png': content for name, content in STUBS.items()},
    }


DEEP = '[' * 100_000
BOXES = {
    'deep': DEEP,
    'deep object': '{"a":' * 50_000,
    'number': '3',
    'null': 'null',
    'list': '[[0, 0, 1, 1]]',
    'text': '"a.jpg"',
    'cut': '{"a.jpg": [',
    'texts': '{"a.jpg": [["0", "x", 1, 1]]}',
    'three numbers': '{"a.jpg": [[0, 0, 1]]}',
    'rows of other lengths': '{"a.jpg": [[0, 0, 1, 1], [1]]}',
    'nan': '{"a.jpg": [[NaN, 0, 1, 1]]}',
    'infinite': '{"a.jpg": [[0, 0, 1e999, 1]]}',
    'digits': '{"a.jpg": [[0, 0, ' + '9' * 5000 + ', 1]]}',
    'digits beyond floats': '{"a.jpg": [[0, 0, ' + '9' * 400 + ', 1]]}',
    'object': '{"a.jpg": {"a": 1}}',
    'bytes': '\udcff\udcfe',
    'coco without id': '{"images": [{}], "annotations": []}',
    'coco of numbers': '{"images": 3, "annotations": 4}',
    'coco of another image': json.dumps(
        dict(
            images=[dict(id=1, file_name='a.jpg', height=4, width=4)],
            annotations=[dict(id=1, image_id=2, bbox=[0, 0, 1, 1], category_id=1)],
        )
    ),
}


def coco(**changes):
    content = dict(
        images=[dict(id=1, file_name='a.jpg', height=4, width=4)],
        annotations=[dict(id=1, image_id=1, bbox=[0, 0, 2, 2], category_id=1, parsing_id=1, area=4)],
    )
    for key, value in changes.items():
        kind, _, field = key.partition('_')
        if field:
            content[kind][0][field] = value
        else:
            content[kind] = value
    return json.dumps(content)


COCO = {
    'deep': DEEP,
    'list': '[]',
    'number': '3',
    'images': coco(images=3),
    'images of numbers': coco(images=[3]),
    'annotations': coco(annotations={}),
    'annotations of texts': coco(annotations=['a']),
    'outwards': coco(images_file_name='../../etc/passwd'),
    'absolute': coco(images_file_name='/etc/passwd'),
    'null in a name': coco(images_file_name='a\0b'),
    'no name': coco(images_file_name=''),
    'number as name': coco(images_file_name=3),
    'list as id': coco(images_id=[1]),
    'text as height': coco(images_height='4'),
    'text as image': coco(annotations_image_id='1'),
    'list as image': coco(annotations_image_id=[1]),
    'box of texts': coco(annotations_bbox=['a', 'b', 'c', 'd']),
    'box of three': coco(annotations_bbox=[1, 2, 3]),
    'nan box': coco(annotations_bbox=[float('nan'), 0, 1, 1]),
    'digits': coco().replace('"area": 4', '"area": ' + '9' * 5000),
    'digits beyond floats': coco().replace('"area": 4', '"area": ' + '9' * 400),
    'digits as id': coco().replace('"id": 1', '"id": ' + '9' * 400),
    'image beyond memory': coco(images_height=10**9, images_width=10**9),
    'text as parsing_id': coco(annotations_parsing_id='x'),
    'list as parsing_id': coco(annotations_parsing_id=[1]),
    'same id twice': coco(images=[dict(id=1, file_name='a.jpg', height=4, width=4)] * 2),
}

HUMANS = {
    'texts': 'a b c d e\n',
    'four': '1 2 3 4\n',
    'nan': 'nan 0 0 1 1\n',
    'infinite': '1 0 0 inf 1\n',
    'digits': f'0.5 0 0 {"9" * 30} 1\n',
    'many digits': f'0.5 0 0 {"9" * 6000} 1\n',
    'null': '0.5 0 \0 1 1\n',
    'bytes': '\udcff\udcfe',
    'too many': '0.5 0 0 1 1\n' * 3,
    'none': '',
    'long line': '1 ' * 500_000,
    'exponent': '0.5 0 0 1e400 1\n',
    'code': '__import__("evil") 0 0 1 1\n',
}

TENSORS = {
    'empty': b'',
    'short': b'\x01\x02',
    'header of exabytes': b'\xff' * 8 + b'{}',
    'no json': (8).to_bytes(8, 'little') + b'evilevil',
    'deep': (20_000).to_bytes(8, 'little') + b'[' * 20_000,
    'behind the end': None,
    'backwards': None,
    'negative': None,
    'unknown type': None,
    'no list': None,
    'pickle': None,
    'twice': None,
}


def tensors(name, marker):
    if TENSORS[name] is not None:
        return TENSORS[name]
    if name == 'pickle':
        return as_pickle(call('os', 'system', f'touch {marker}'))
    entry = dict(dtype='F32', shape=[2], data_offsets=[0, 8])
    entry |= {
        'behind the end': dict(data_offsets=[0, 8000]),
        'backwards': dict(data_offsets=[8, 0]),
        'negative': dict(shape=[-2]),
        'unknown type': dict(dtype='EVIL'),
        'no list': dict(shape='x'),
        'twice': {},
    }[name]
    header = json.dumps(dict(a=entry, **({'b': entry} if name == 'twice' else {}))).encode()
    return len(header).to_bytes(8, 'little') + header + bytes(8)


def text(content):
    return content.encode('utf-8', 'surrogateescape')


def with_picture(name, path, marker):
    write(path, pictures(marker)[name])


def with_text(content, path, marker):
    write(path, text(content))


def with_submission(lines, path, marker):
    """The files of one image with one person, and odd lines."""
    root = path.parent / path.stem
    for kind in ('global_parsing', 'instance_segmentation', 'instance_parsing'):
        (root / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ones((4, 4), np.uint8)).save(root / kind / 'a.png')
    (root / 'instance_segmentation/a.txt').write_bytes(text(lines))
    (root / 'instance_parsing/a.txt').write_text('1 0.5\n')


def with_tensors(name, path, marker):
    write(path, tensors(name, marker))


def attacks():
    for name in pictures('x'):
        yield Attack('pictures', f'label_map {name}', 'label_map', partial(with_picture, name))
        passes = name == 'cut.png'  # all its pixels are there
        yield Attack('pictures', f'picture {name}', 'picture', partial(with_picture, name), passes)
    for action, contents in (('boxes', BOXES), ('coco', COCO)):
        for name, content in contents.items():
            passes = (action, name) in (('boxes', 'nan'), ('boxes', 'infinite'))  # refused where they are used
            yield Attack(f'files of {action}', f'{action} {name}.json', action, partial(with_text, content), passes)
    for name, lines in HUMANS.items():
        yield Attack('submissions', f'submission {name}.txt', 'submission', partial(with_submission, lines))
    for name in TENSORS:
        yield Attack('files of tensors', f'{name}.safetensors', 'load', partial(with_tensors, name))
