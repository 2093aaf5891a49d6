"""Files of dense pose that are not what they should be: detections, charts, annotations, tables of a body, caches."""
import base64
import io
import json
import os
import struct
import zipfile
import zlib
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from attack import Attack
from data_attacks import giant, postscript
from dense_bodies import body_tables, write_body
from hostile_pickles import as_pickle, call
from PIL import Image
from scipy.io import savemat

from mmqanet.evaluation.dense_pose.result_files import pack_charts
from mmqanet.functional.rle import encode_rle

COMMAND = 'evaluate-densepose --no-progress --pred {dir}/pred.json --gt {dir}/gt.json --body {dir}/body'
CHARTS = np.ones((3, 40, 30), np.uint8)
DEEP = '[' * 100_000


def evil(marker):
    return as_pickle(call('builtins', 'open', str(marker), 'w'))


def person(**changes):
    charts, uv, _, _ = body_tables()
    mask = encode_rle(np.ones((256, 256), bool))
    return dict(dict(
        id=5, image_id=1, category_id=1, bbox=[10, 5, 30, 40], area=1200, iscrowd=0, dp_masks=[mask], dp_x=[100.0],
        dp_y=[90.0], dp_I=[int(charts[0])], dp_U=[uv[0, 0]], dp_V=[uv[0, 1]]), **changes)


def truth(*people, **image):
    return dict(images=[dict(dict(id=1, file_name='a.jpg', width=80, height=60), **image)], annotations=list(people))


def detection(**changes):
    return dict(dict(image_id=1, category_id=1, bbox=[10, 5, 30, 40], score=0.9, **pack_charts(CHARTS)), **changes)


def without_charts():
    return {key: value for key, value in detection().items() if not key.startswith('uv_')}


def png(pixels, **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, 'PNG', **options)
    return buffer.getvalue()


def packed(content, shape=(3, 4, 4)):
    return detection(uv_data=base64.b64encode(content).decode(), uv_shape=list(shape))


def bomb(side):
    """A PNG of so many black rows and columns in few bytes."""
    packer = zlib.compressobj(9)
    rows = b''.join(packer.compress(bytes(1 + 3 * side)) for _ in range(side)) + packer.flush()

    def chunk(kind, body):
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))

    header = chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + header + chunk(b'IDAT', rows) + chunk(b'IEND', b'')


DETECTIONS = {
    'deep': lambda m: DEEP,
    'an object': lambda m: {},
    'numbers': lambda m: [3],
    'text as score': lambda m: [detection(score='0.9')],
    'no score': lambda m: [dict(image_id=1, bbox=[1, 1, 2, 2])],
    'score that is none': lambda m: [detection(score=float('nan'))],
    'list as image': lambda m: [detection(image_id=[1])],
    'another image': lambda m: [detection(image_id=7)],
    'list as category': lambda m: [detection(category_id=[1])],
    'endless box': lambda m: [detection(bbox=[0, 0, float('inf'), 1])],
    'negative box': lambda m: [detection(bbox=[0, 0, -3, 4])],
    'no charts': lambda m: [without_charts()],
    'number as charts': lambda m: [detection(uv_data=3)],
    'list as charts': lambda m: [detection(uv_data=['a'])],
    'nothing as charts': lambda m: [detection(uv_data=None)],
    'charts no base64': lambda m: [detection(uv_data='é' * 40)],
    'charts a pickle': lambda m: [packed(evil(m))],
    'charts postscript': lambda m: [packed(postscript(m))],
    'charts giant': lambda m: [packed(giant(), (3, 100_000, 100_000))],
    'charts cut': lambda m: [packed(png(np.ones((40, 30, 3), np.uint8))[:-30], (3, 40, 30))],
    'charts grey': lambda m: [packed(png(np.ones((4, 4), np.uint8)))],
    'charts deep': lambda m: [packed(png(np.ones((4, 4), np.uint16)))],
    'charts transparent': lambda m: [packed(png(np.ones((4, 4, 4), np.uint8)))],
    'charts beyond 24': lambda m: [packed(png(np.full((4, 4, 3), 200, np.uint8)))],
    'shape of a text': lambda m: [detection(uv_shape='3 40 30')],
    'shape of another': lambda m: [detection(uv_shape=[3, 40, 31])],
    'shape a number': lambda m: [detection(uv_shape=3)],
}
HARMLESS_DETECTIONS = {
    'huge box': lambda m: [detection(bbox=[0, 0, 1e18, 1e18])],
    'charts a bomb': lambda m: [packed(bomb(2500), (3, 2500, 2500))],
    'far box': lambda m: [detection(bbox=[-1e18, 1e18, 5, 5])],
    'none': lambda m: [],
}


def npy(header, body=b''):
    text = header.encode('latin1') + b'\n'
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(text)) + text + body


def npy_of(kind, shape, body=b''):
    return npy(repr(dict(descr=kind, fortran_order=False, shape=shape)), body)


def archive(content, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', **options) as file:
        file.writestr('det000.npy', content)
    return buffer.getvalue()


def saved(array, **options):
    buffer = io.BytesIO()
    np.savez(buffer, det000=array, **options)
    return buffer.getvalue()


def flipped(content, offset, value):
    return content[:offset] + value + content[offset + len(value):]


def marked(content, flag=None, method=None):
    """A ZIP archive whose entries say that they are encrypted, or packed in another way."""
    central = content.index(b'PK\x01\x02')
    for start, flags, methods in ((0, 6, 8), (central, 8, 10)):
        if flag is not None:
            content = flipped(content, start + flags, struct.pack('<H', flag))
        if method is not None:
            content = flipped(content, start + methods, struct.pack('<H', method))
    return content


WHOLE_NPY = npy_of('|u1', (3, 4, 4), bytes(48))
ARRAYS = {
    'empty': lambda m: b'',
    'an array': lambda m: WHOLE_NPY,
    'a pickle': evil,
    'a pickle inside': lambda m: archive(evil(m)),
    'objects': lambda m: saved(np.array([[{1: 2}]], dtype=object)),
    'objects by header': lambda m: archive(npy_of('|O', (1,), evil(m))),
    'code in the header': lambda m: archive(npy(f"{{'descr': open({str(m)!r}, 'w'), 'fortran_order': False, 'shape': ()}}")),
    'deep header': lambda m: archive(npy("{'descr': " + '(' * 5000)),
    'header no text': lambda m: archive(npy('{"descr": "\0\0')),
    'header of half a token': lambda m: archive(npy("{'descr': '''")),
    'shape of exabytes': lambda m: archive(npy_of('|u1', (3, 9999999, 99999999))),
    'shape beyond': lambda m: archive(npy_of('|u1', (3, 9999999999999999999))),
    'negative shape': lambda m: archive(npy_of('|u1', (-3, 4, 4), bytes(48))),
    'unknown type': lambda m: archive(npy_of('evil', (3, 4, 4), bytes(48))),
    'another version': lambda m: archive(flipped(WHOLE_NPY, 6, b'\x09')),
    'short': lambda m: archive(WHOLE_NPY[:-5]),
    'encrypted': lambda m: marked(archive(WHOLE_NPY), flag=1),
    'packed otherwise': lambda m: marked(archive(WHOLE_NPY), method=97),
    'packed badly': lambda m: marked(archive(WHOLE_NPY), method=8),
    'another sum': lambda m: flipped(archive(WHOLE_NPY), archive(WHOLE_NPY).index(b'PK\x01\x02') + 16, b'evil'),
    'cut': lambda m: archive(WHOLE_NPY)[:-30],
    'floats': lambda m: saved(np.ones((3, 4, 4))),
    'texts': lambda m: saved(np.full((3, 4, 4), 'evil')),
    'flat': lambda m: saved(np.ones((4, 4), np.uint8)),
    'fields': lambda m: saved(np.zeros((3, 4, 4), [('a', 'u1')])),
    'beyond 24': lambda m: saved(np.full((3, 4, 4), 99, np.uint8)),
    'a text': lambda m: archive(b'evil'),
}

TRUTHS = {
    'deep': lambda m: DEEP,
    'nobody': lambda m: truth(),
    'points a text': lambda m: truth(person(dp_x='100')),
    'points of texts': lambda m: truth(person(dp_x=['100'])),
    'endless points': lambda m: truth(person(dp_x=[float('inf')])),
    'digits': lambda m: json.dumps(truth(person(dp_x=[123]))).replace('123', '9' * 5000),
    'huge points': lambda m: json.dumps(truth(person(dp_x=[123]))).replace('123', '9' * 4000),
    'charts beyond': lambda m: truth(person(dp_I=[99])),
    'charts between': lambda m: truth(person(dp_I=[1.5])),
    'fields of other lengths': lambda m: truth(person(dp_y=[])),
    'no area': lambda m: truth({key: value for key, value in person().items() if key != 'area'}),
    'masks a text': lambda m: truth(person(dp_masks='x')),
    'masks of numbers': lambda m: truth(person(dp_masks=[3])),
    'masks of a list': lambda m: truth(person(dp_masks=[[1]])),
    'too many masks': lambda m: truth(person(dp_masks=[[]] * 20)),
    'mask without counts': lambda m: truth(person(dp_masks=[dict(size=[256, 256])])),
    'counts a number': lambda m: truth(person(dp_masks=[dict(size=[256, 256], counts=3)])),
    'counts of numbers': lambda m: truth(person(dp_masks=[dict(size=[256, 256], counts=[65536])])),
    'counts without end': lambda m: truth(person(dp_masks=[dict(size=[256, 256], counts='o' * 300_000)])),
    'size of texts': lambda m: truth(person(dp_masks=[dict(size=['256', '256'], counts='0')])),
    'size of a number': lambda m: truth(person(dp_masks=[dict(size=9, counts='0')])),
    'size of floats': lambda m: truth(person(dp_masks=[dict(size=[256.0, 256.0], counts='PPP2')])),
    'mask of exabytes': lambda m: truth(person(dp_masks=[rle_of(2**30, 2**30)])),
    'mask of gigabytes': lambda m: truth(person(dp_masks=[rle_of(2**17, 2**17)])),
    'huge box': lambda m: truth(person(bbox=[0, 0, 1e9, 1e9])),
    'wide box': lambda m: truth(person(bbox=[0, 0, 3e5, 3e5])),
    'huge image': lambda m: truth(person(), height=10**9, width=10**9),
    'wide image': lambda m: truth(person(), height=10**6, width=10**5),
    'polygons a text': lambda m: truth(person(), other(segmentation='evil')),
    'polygons of texts': lambda m: truth(person(), other(segmentation=[['a', 'b', 'c', 'd', 'e', 'f']])),
    'polygons a number': lambda m: truth(person(), other(segmentation=3)),
    'polygons short': lambda m: truth(person(), other(segmentation=[[1, 2]])),
    'runs beyond the image': lambda m: truth(person(), other(segmentation=rle_of(2**30, 2**30))),
    'runs of numbers': lambda m: truth(person(), other(segmentation=dict(size=[60, 80], counts=[-5, 4805]))),
    'runs without size': lambda m: truth(person(), other(segmentation=dict(counts='0'))),
    'regions of texts': lambda m: truth(person(), ignore_regions_x=['abc'], ignore_regions_y=['def']),
    'regions a number': lambda m: truth(person(), ignore_regions_x=3, ignore_regions_y=3),
    'regions uneven': lambda m: truth(person(), ignore_regions_x=[[1, 2, 3]], ignore_regions_y=[]),
    'regions without end': lambda m: truth(person(), ignore_regions_x=[[1, 1e300, 2]], ignore_regions_y=[[1, 2, 3]]),
}


def other(**changes):
    return dict(dict(id=6, image_id=1, category_id=1, bbox=[1, 1, 4, 4], area=16), **changes)


def rle_of(height, width):
    """An empty mask of so many pixels in few characters."""
    number, text = height * width, ''
    while number or not text:
        group, number = number & 31, number >> 5
        more = bool(number) or bool(group & 16)
        text += chr(group + 32 * more + 48)
        if more and not number:
            text += '0'
            break
    return dict(size=[height, width], counts=text)


def tables(**changes):
    """The variables of the two small files of a body."""
    charts, uv, vertex, _ = body_tables()
    return dict(dict(U_subdiv=uv[:, :1], V_subdiv=uv[:, 1:], Part_ID_subdiv=charts[None].astype(np.uint8),
                     index=vertex[:, None] + 1.0), **changes)


def objects(*values):
    found = np.empty(len(values), object)
    found[:] = values
    return found


COUNT = len(body_tables()[0])
TABLES = {
    'nothing': dict(index=np.zeros((0, 1))),
    'all of nothing': {name: np.zeros((0, 1)) for name in ('U_subdiv', 'V_subdiv', 'Part_ID_subdiv', 'index')},
    'texts': dict(index='evil'),
    'cells': dict(index=objects('a', 1.0)),
    'structures': dict(index=dict(a=1)),
    'endless': dict(index=np.full((COUNT, 1), np.inf)),
    'huge': dict(index=np.full((COUNT, 1), 1e300)),
    'negative': dict(index=np.full((COUNT, 1), -5.0)),
    'zeros': dict(index=np.zeros((COUNT, 1))),
    'between': dict(index=np.full((COUNT, 1), 60.5)),
    'far': dict(index=np.full((COUNT, 1), 2.0**31)),
    'short': dict(U_subdiv=np.ones((3, 1))),
    'square': dict(U_subdiv=np.ones((9, 9))),
    'complex': dict(U_subdiv=np.full((COUNT, 1), 1j)),
    'no numbers in UV': dict(V_subdiv=np.full((COUNT, 1), np.nan)),
    'charts beyond': dict(Part_ID_subdiv=np.full((1, COUNT), 77)),
    'charts of 0': dict(Part_ID_subdiv=np.zeros((1, COUNT))),
    'huge UV': dict(U_subdiv=np.full((COUNT, 1), 1e308)),
}
TRIANGLE = 60 * 59 // 2


def hdf5(fill, marker, path):
    import h5py

    path.unlink()
    with h5py.File(path, 'w') as file:
        fill(file, path)


def numbers(count=TRIANGLE):
    return np.ones((count, 1), np.float32)


def external_link(file, path):
    import h5py

    hdf5(lambda inner, _: inner.create_dataset('Pdist_matrix', data=numbers()), None, touched(path.with_name('other.h5')))
    file['Pdist_matrix'] = h5py.ExternalLink(str(path.with_name('other.h5')), '/Pdist_matrix')


def external_group(file, path):
    import h5py

    hdf5(lambda inner, _: inner.create_dataset('Pdist_matrix', data=numbers()), None, touched(path.with_name('other.h5')))
    file['group'] = h5py.ExternalLink(str(path.with_name('other.h5')), '/')
    file['Pdist_matrix'] = h5py.SoftLink('/group/Pdist_matrix')


def external_storage(file, path, *, compact=False):
    path.with_name('secret').write_bytes(numbers().tobytes())
    file.create_dataset('Pdist_matrix', (TRIANGLE, 1), 'f4', external=[(str(path.with_name('secret')), 0, 4 * TRIANGLE)])


def virtual(file, path):
    import h5py

    hdf5(lambda inner, _: inner.create_dataset('x', data=numbers()), None, touched(path.with_name('other.h5')))
    layout = h5py.VirtualLayout((TRIANGLE, 1), 'f4')
    layout[:] = h5py.VirtualSource(str(path.with_name('other.h5')), 'x', (TRIANGLE, 1))
    file.create_virtual_dataset('Pdist_matrix', layout)


def touched(path):
    path.touch()
    return path


def references(file, path):
    import h5py

    file.create_dataset('Pdist_matrix', (TRIANGLE, 1), h5py.ref_dtype)


def damaged_pieces(file, path):
    data = file.create_dataset('Pdist_matrix', (TRIANGLE, 1), 'f4', chunks=(TRIANGLE, 1), compression='gzip')
    data.id.write_direct_chunk((0, 0), b'evil' * 10)


FILLS = {
    'external link': external_link,
    'external group': external_group,
    'external storage': external_storage,
    'virtual': virtual,
    'references': references,
    'damaged pieces': damaged_pieces,
    'a group': lambda file, path: file.create_group('Pdist_matrix'),
    'another name': lambda file, path: file.create_dataset('x', data=numbers()),
    'a circle': lambda file, path: file.__setitem__('Pdist_matrix', __import__('h5py').SoftLink('/Pdist_matrix')),
    'nowhere': lambda file, path: file.__setitem__('Pdist_matrix', __import__('h5py').SoftLink('/x/y')),
    'texts': lambda file, path: file.create_dataset('Pdist_matrix', data=['evil'] * 5),
    'one number': lambda file, path: file.create_dataset('Pdist_matrix', data=1.0),
    'nothing': lambda file, path: file.create_dataset('Pdist_matrix', dtype='f4', data=__import__('h5py').Empty('f4')),
    'too few': lambda file, path: file.create_dataset('Pdist_matrix', data=numbers(7)),
    'square': lambda file, path: file.create_dataset('Pdist_matrix', data=np.ones((60, 60), 'f4')),
    'terabytes': lambda file, path: file.create_dataset('Pdist_matrix', (2**40, 1), 'f4', chunks=(2**20, 1)),
    'fields': lambda file, path: file.create_dataset('Pdist_matrix', data=np.zeros((TRIANGLE, 1), [('a', 'f4')])),
}
BYTES = {
    'empty': lambda m: b'',
    'text': lambda m: b'evil',
    'signature alone': lambda m: b'\x89HDF\r\n\x1a\n',
    'zeros': lambda m: b'\x89HDF\r\n\x1a\n' + bytes(4000),
    'pickle': evil,
}
CACHES = {
    'pickle': evil,
    'objects': lambda m: npy_of('|O', (TRIANGLE,), evil(m)),
    'code': lambda m: npy(f"{{'descr': open({str(m)!r}, 'w'), 'fortran_order': False, 'shape': ()}}"),
    'deep': lambda m: npy("{'descr': " + '(' * 5000),
    'exabytes': lambda m: npy_of('<f2', (999999999999999999,)),
    'beyond': lambda m: npy_of('<f2', (int('9' * 30),)),
    'short': lambda m: npy_of('<f2', (TRIANGLE,), bytes(8)),
    'of another body': lambda m: npy_of('<f2', (3,), bytes(6)),
    'empty': lambda m: b'',
    'archive': lambda m: archive(WHOLE_NPY),
}


def write_text(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def good_files(folder):
    (folder / 'body').mkdir()
    for name, content in good_contents().items():
        (folder / name).write_bytes(content)


@cache
def good_contents():
    with TemporaryDirectory() as made:
        write_body(Path(made))
        body = {f'body/{path.name}': path.read_bytes() for path in Path(made).iterdir()}
    return body | {'gt.json': json.dumps(truth(person())).encode(), 'pred.json': json.dumps([detection()]).encode()}


def with_json(name, content, path, marker):
    good_files(path.parent)
    write_text(path.with_name(name), content(marker))


def with_arrays(content, path, marker):
    good_files(path.parent)
    write_text(path.with_name('pred.json'), [without_charts()])
    path.with_name('pred_uv.npz').write_bytes(content(marker))


def with_tables(changes, path, marker):
    good_files(path.parent)
    found = tables(**changes)
    savemat(path.parent / 'body/SMPL_SUBDIV_TRANSFORM.mat', dict(index=found.pop('index')))
    savemat(path.parent / 'body/SMPL_subdiv.mat', found)


def with_distances(fill, path, marker):
    good_files(path.parent)
    hdf5(fill, marker, path.parent / 'body/Pdist_matrix.mat')


def with_bytes(content, path, marker):
    good_files(path.parent)
    (path.parent / 'body/Pdist_matrix.mat').write_bytes(content(marker))


def with_cache(content, path, marker):
    good_files(path.parent)
    path.write_bytes(content(marker))


def with_special(name, kind, path, marker):
    """A file that is a pipe, a folder, or a link to itself."""
    good_files(path.parent)
    place = path.parent / name
    place.unlink(missing_ok=True)
    if name.endswith('.npz'):
        write_text(path.with_name('pred.json'), [without_charts()])
    dict(pipe=os.mkfifo, folder=os.mkdir, link=lambda place: os.symlink(place.name, place))[kind](place)


def with_good_files(path, marker):
    good_files(path.parent)
    os.link(path.parent / 'gt.json', path.parent / 'second name.json')
    (path.parent / 'pred_uv.npz').write_bytes(saved(CHARTS))


#: Outputs that would take the place of something.
OUTPUTS = {
    'json over pred': '--json {dir}/pred.json',
    'json over gt': '--json {dir}/gt.json',
    'json over gt by another name': "--json '{dir}/second name.json'",
    'json over charts': '--json {dir}/pred_uv.npz',
    'json over a table': '--json {dir}/body/SMPL_subdiv.mat',
    'json over the other table': '--json {dir}/body/SMPL_SUBDIV_TRANSFORM.mat',
    'json over distances': '--json {dir}/body/Pdist_matrix.mat',
    'json over a folder': '--json {dir}/body',
    'json below a file': '--json {dir}/gt.json/x',
    'json over the cache': '--json {dir}/out/x.npy --cache {dir}/out/x.npy',
    'cache over pred': '--cache {dir}/pred.json',
    'cache below a file': '--cache {dir}/gt.json/x.npy',
}


SAYS = {'json over a folder': '--json', 'json below a file': '--json', 'cache over pred': '--cache'}


def attacks():
    def attack(kind, name, make, *, action=COMMAND, says='', passes=False):
        return Attack(kind, name, f'command {action}', make, passes, says=says, needs='h5py')

    for name, content in DETECTIONS.items():
        yield attack('dense pose detections', name, partial(with_json, 'pred.json', content), says='pred.json')
    for name, content in HARMLESS_DETECTIONS.items():
        yield attack('dense pose detections', name, partial(with_json, 'pred.json', content), passes=True)
    for name, content in ARRAYS.items():
        yield attack('arrays of charts', name, partial(with_arrays, content), says='pred')
    for kind in ('pipe', 'folder', 'link'):
        yield attack('arrays of charts', kind, partial(with_special, 'pred_uv.npz', kind), says='pred')
        yield attack('distances of a body', kind, partial(with_special, 'body/Pdist_matrix.mat', kind), says='Pdist_matrix')
        yield attack('tables of a body', kind, partial(with_special, 'body/SMPL_subdiv.mat', kind), says='SMPL_subdiv')
    for name, content in TRUTHS.items():
        yield attack('dense pose annotations', name, partial(with_json, 'gt.json', content), says='gt.json')
    for name, changes in TABLES.items():
        yield attack('tables of a body', name, partial(with_tables, changes), says='body')
    for name, fill in FILLS.items():
        yield attack('distances of a body', name, partial(with_distances, fill), says='Pdist_matrix')
    for name, content in BYTES.items():
        yield attack('distances of a body', f'bytes {name}', partial(with_bytes, content), says='Pdist_matrix')
    for name, content in CACHES.items():
        yield attack('caches of distances', f'{name}.npy', partial(with_cache, content), says=f'{name}.npy',
                     action=COMMAND + " --cache '{path}'")
    for name, options in OUTPUTS.items():
        yield attack('outputs of dense pose', name, with_good_files, action=f'{COMMAND} {options}', says=SAYS.get(name, '.'))
