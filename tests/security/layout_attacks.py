"""Archives of data sets, folders to convert them to, and submissions to pack, that are not what they should be."""
import io
import os
from functools import partial

import numpy as np
from attack import MIXED, Attack
from data_attacks import giant, postscript
from hostile_pickles import as_pickle, call, write
from PIL import Image

TOOLS = 'tools/dataset_converters'
LAPA = f'{TOOLS}/lapa.py {{dir}}/src {{out}} --workers 0 --boxes landmarks'
HELEN = f'{TOOLS}/helen.py {{dir}}/src {{out}} --workers 0'
CELEB = f'{TOOLS}/celebamask_hq.py {{dir}}/src {{out}} --workers 0'
IBUG = f'{TOOLS}/ibugmask.py {{dir}}/src {{out}} --workers 0'
VIP = f'{TOOLS}/vip.py {{dir}}/src {{out}} --workers 0'


def picture(labels, kind='PNG'):
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(labels, np.uint8)).save(buffer, kind)
    return buffer.getvalue()


FACE = picture(np.ones((8, 8)))
PHOTO = picture(np.full((8, 8, 3), 99), 'JPEG')
POINTS = b'2\n1 1\n6 6\n'


def evil(marker):
    return as_pickle(call('builtins', 'open', str(marker), 'w'))


def put(folder, files):
    """Write files; instead of bytes the kind of a special one may be given."""
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            write(place, content)
        elif content == 'pipe':
            os.mkfifo(place)
        elif content == 'folder':
            place.mkdir()
        else:
            place.symlink_to(place.name if content == 'circle' else content)


def lapa(**changes):
    files = {f'{split}/{kind}/a.{suffix}': content for split in ('train', 'val', 'test')
             for kind, suffix, content in (('images', 'jpg', PHOTO), ('labels', 'png', FACE), ('landmarks', 'txt', POINTS))}
    return files | {f'train/{name}': content for name, content in changes.items()}


def helen(listing=b'1 , a\n', **masks):
    files = dict.fromkeys(('exemplars.txt', 'tuning.txt', 'testing.txt'), b'1 , a\n') | {'exemplars.txt': listing}
    return files | {'images/a.jpg': PHOTO} | {
        f'labels/a/a_lbl{label:02d}.png': masks.get(f'm{label}', picture(np.full((8, 8), 10 * (label == 1))))
        for label in range(11)}


def celeb(mapping=b'idx orig_idx orig_file\n0 5 a.jpg\n', **masks):
    return {'CelebA-HQ-img/0.jpg': PHOTO, 'CelebA-HQ-to-CelebA-mapping.txt': mapping,
            'CelebAMask-HQ-mask-anno/0/00000_skin.png': picture(np.full((8, 8), 255)),
            **{f'CelebAMask-HQ-mask-anno/0/00000_{part}.png': content for part, content in masks.items()}}


def vip(listing=b'v/1\n', **files):
    found = {'Images/v/1.jpg': PHOTO, 'secret.jpg': PHOTO}
    for split in ('train', 'val', 'test'):
        found[f'lists/{split}_id.txt'] = b'v/1\n'
    for kind in ('Category_ids', 'Human_ids', 'Instance_ids'):
        found[f'Annotations/{kind}/v/1.png'] = FACE
    return found | {'Annotations/Instance_ids/v/1.txt': b'1 1 1\n', 'lists/train_id.txt': listing} | files


MAPS = {
    'postscript': lambda m: postscript(m),
    'pickle': evil,
    'giant': lambda m: giant(),
    'empty': lambda m: b'',
    'labels beyond': lambda m: picture(np.full((8, 8), 99)),
    'nobody': lambda m: picture(np.zeros((8, 8))),
    'another size': lambda m: picture(np.ones((9, 9))),
    'pipe': lambda m: 'pipe',
    'folder': lambda m: 'folder',
    'circle': lambda m: 'circle',
    'device': lambda m: '/dev/zero',
}
LANDMARKS = {
    'none': b'', 'text': b'evil', 'bytes': b'\xff\xfe', 'no number': b'2\nnan 1\n1 1\n', 'endless': b'2\n1e999 1\n1 1\n',
    'far': b'2\n1e308 1\n-1e308 1\n', 'too few': b'9\n1 1\n', 'negative': b'-1\n', 'digits': b'9' * 5000 + b'\n1 1\n',
    'uneven': b'2\n1 1\n1\n', 'code': b'__import__("evil")\n', 'pipe': 'pipe', 'device': '/dev/zero'}
LISTS = {
    'outwards': b'1 , ../../victim\n', 'absolute': b'1 , /etc/passwd\n', 'null': b'1 , a\0b\n', 'dots': b'1 , ..\n',
    'bytes': b'\xff\xfe\xff\n', 'long': b'1 , ' + b'a' * 5000 + b'\n', 'escape': b'1 , \x1b[2Ja\n', 'pipe': 'pipe',
    'folder': 'folder', 'circle': 'circle'}
MAPPINGS = {
    'empty': b'', 'text': b'\nevil evil\n', 'digits': b'\n' + b'9' * 5000 + b' 5\n', 'pipe': 'pipe',
    'digits of originals': b'\n0 ' + b'9' * 5000, 'large': b'\n' + b'9' * 300 + b' 5\n', 'negative': b'\n-1 5\n',
    'other digits': '\n٣ 5\n'.encode(), 'bytes': b'\xff\n\xfe 3\n'}
FRAMES = {
    'outwards': b'../secret\n', 'further outwards': b'../../victim\n', 'no video': b'1\n', 'deep': b'a/b/c\n',
    'null': b'v/\0\n', 'absolute': b'/etc\n', 'long': b'v/' + b'a' * 5000 + b'\n', 'escape': b'v/\x1b[2J\n',
    'bytes': b'\xff/\xfe\n', 'pipe': 'pipe', 'lost': b'v/9\n'}
CLAIMS = {
    'text': b'evil', 'deep': b'[' * 100_000, 'list': b'[]', 'number': b'3', 'of another': b'{"converter": "CIHP"}',
    'pipe': 'pipe', 'circle': 'circle', 'folder': 'folder'}
#: What lies already in the folder to convert to.
OWNERS = {
    'report of somebody': {'report.txt': b'mine'},
    'annotations of somebody': {'annotations/LaPa_train.json': b'mine'},
    'pictures of somebody': {'Training/Images/a.jpg': b'mine'},
}
SUBMISSION = {
    'global_parsing/v/a.png': FACE, 'instance_parsing/v/a.png': FACE, 'instance_parsing/v/a.txt': b'1 0.5\n',
    'instance_segmentation/v/a.png': FACE, 'instance_segmentation/v/a.txt': b'0.5 0 0 8 8\n'}
PACK = 'pack-submission {dir}/src --track 2'
PACKS = {
    'over a map': (f'{PACK} --out {{dir}}/src/global_parsing/v/a.png', False),
    'over a table': (f'{PACK} --out {{dir}}/src/instance_parsing/v/a.txt', False),
    'over the list': (f'{PACK} --list {{dir}}/list --out {{dir}}/list', False),
    'over the list by another name': (f'{PACK} --list {{dir}}/list --out {{dir}}/link', False),
    'over a folder': (f'{PACK} --out {{dir}}/src', False),
    'below a file': (f'{PACK} --out {{dir}}/list/x.zip', False),
    'list a pipe': (f'{PACK} --list {{dir}}/pipe --out {{out}}/x.zip', False),
    'list nowhere': (f'{PACK} --list {{dir}}/nowhere --out {{out}}/x.zip', False),
    'list of bytes': (f'{PACK} --list {{dir}}/bytes --out {{out}}/x.zip', False),
    'list of others': (f'{PACK} --list {{dir}}/others --out {{out}}/x.zip', False),
    'no folder': ('pack-submission {dir}/list --track 2 --out {out}/x.zip', False),
    'from before 1980': (f'{PACK} --out {{out}}/x.zip', True),
}
EVALUATE = 'evaluate --pred {dir}/src --gt {dir}/gt --num-classes 3 --rank 2 --no-progress'
EVALUATIONS = {
    'rank of one': (f'{EVALUATE.replace("--rank 2", "--rank 3")}', False),
    'rank without its metrics': (f'{EVALUATE} --metrics mIoU', False),
    'classes beyond': (EVALUATE.replace('3 --rank', '999999 --rank'), False),
    'json over a map': (f'{EVALUATE} --json {{dir}}/src/global_parsing/v/a.png', False),
    'json over the truth': (f'{EVALUATE} --json {{dir}}/gt/Category_ids/v/a.png', False),
    'json over the truth by a link': (f'{EVALUATE} --json {{dir}}/maps/v/a.png', False),
    'json over the names': (f'{EVALUATE} --class-names {{dir}}/names --json {{dir}}/names', False),
    'json over the names by a link': (f'{EVALUATE} --class-names {{dir}}/names --json {{dir}}/same names', False),
    'json over a folder': (f'{EVALUATE} --json {{dir}}/src', False),
    'json below a file': (f'{EVALUATE} --json {{dir}}/names/x', False),
    'plots in a file': (f'{EVALUATE} --plots {{dir}}/names', False),
    'plots among the maps': (f'{EVALUATE} --plots {{dir}}/src/global_parsing', False),
    'names a pipe': (f'{EVALUATE} --class-names {{dir}}/pipe', False),
    'names of escapes': (f'{EVALUATE} --class-names {{dir}}/escapes', True),
    'no truth': (EVALUATE.replace('{dir}/gt', '{dir}/names'), False),
}
MEMBERS = {
    'a map that is none': {'global_parsing/v/a.png': evil},
    'a map a pipe': {'global_parsing/v/a.png': lambda m: 'pipe'},
    'a map a circle': {'global_parsing/v/a.png': lambda m: 'circle'},
    'a map a device': {'global_parsing/v/a.png': lambda m: '/dev/zero'},
    'a map of the system': {'global_parsing/v/a.png': lambda m: '/etc/passwd'},
    'a table of the system': {'instance_parsing/v/a.txt': lambda m: '/etc/passwd'},
    'a name no text': {f'{kind}/v/\udcff{suffix}': lambda m: FACE for kind in
                       ('global_parsing', 'instance_parsing', 'instance_segmentation') for suffix in ('.png', '.txt')},
    'a frame too deep': {f'{kind}/v/w/a{suffix}': lambda m: FACE for kind in
                         ('global_parsing', 'instance_parsing', 'instance_segmentation') for suffix in ('.png', '.txt')},
}


def with_files(files, path, marker):
    put(path.parent / 'src', {name: content(marker) if callable(content) else content for name, content in files.items()})


def with_claim(content, path, marker):
    with_files(lapa(), path, marker)
    put(path.parent / MIXED, {'conversion.json': content})


def with_owner(files, path, marker):
    with_files(lapa(), path, marker)
    put(path.parent / MIXED, files)


def with_submission(files, path, marker):
    with_files(SUBMISSION | dict.fromkeys((), FACE), path, marker)
    for name, content in files.items():
        (path.parent / 'src' / name).unlink(missing_ok=True)
        put(path.parent / 'src', {name: content(marker)})
    folder = path.parent
    put(folder, {'list': b'v/a\n', 'link': 'list', 'pipe': 'pipe', 'bytes': b'\xff\xfe\n', 'others': b'v/b\n'})
    os.utime(folder / 'src/global_parsing/v/a.png', (0, 0), follow_symlinks=False)


def with_truth(path, marker):
    """Predictions of a frame, their truth, and files of class names."""
    with_files(SUBMISSION, path, marker)
    put(path.parent / 'gt', {f'{kind}/v/a.png': FACE for kind in ('Category_ids', 'Human_ids', 'Instance_ids')} | {
        'Instance_ids/v/a.txt': b'1 1 1\n'})
    put(path.parent, {'names': b'background\na\nb\n', 'pipe': 'pipe', 'escapes': b'background\n\x1b[2J\nb\n',
                      'maps': 'gt/Category_ids'})
    os.link(path.parent / 'names', path.parent / 'same names')


def attacks():
    def attack(kind, name, line, make, *, passes=False, says=''):
        return Attack(kind, name, f'command {line}', make, passes, says=says)

    for name, content in MAPS.items():
        says = '' if name in ('nobody', 'another size') else 'a.png'
        yield attack('archives of faces', f'LaPa {name}', LAPA, partial(with_files, lapa(**{'labels/a.png': content})),
                     says=says)
        yield attack('archives of faces', f'Helen {name}', HELEN, partial(with_files, helen(m3=content)),
                     passes=name in ('labels beyond', 'nobody'))
        yield attack('archives of faces', f'CelebAMask {name}', CELEB, partial(with_files, celeb(hair=content)), passes=True)
        yield attack('archives of faces', f'iBugMask {name}', IBUG, partial(
            with_files, {'train/a.jpg': PHOTO, 'test/a.jpg': PHOTO, 'test/a.png': FACE, 'train/a.png': content}), says=says)
    for name, content in LANDMARKS.items():
        yield attack('archives of faces', f'landmarks {name}', LAPA,
                     partial(with_files, lapa(**{'landmarks/a.txt': content})), says='a.txt')
    for name, content in LISTS.items():
        yield attack('archives of faces', f'list {name}', HELEN, partial(with_files, helen(content)))
    for name, content in MAPPINGS.items():
        yield attack('archives of faces', f'mapping {name}', CELEB, partial(with_files, celeb(content)))
    for name, content in FRAMES.items():
        yield attack('archives of videos', name, VIP, partial(with_files, vip(content)))
    for name, content in CLAIMS.items():
        yield attack('folders to convert to', f'claim {name}', LAPA.replace('{out}', f'{{dir}}/{MIXED}'),
                     partial(with_claim, content), says='conver')
    for name, files in OWNERS.items():
        yield attack('folders to convert to', name, LAPA.replace('{out}', f'{{dir}}/{MIXED}'), partial(with_owner, files))
    yield attack('folders to convert to', 'a file', LAPA.replace('{out}', '{dir}/src/train/labels/a.png'),
                 partial(with_files, lapa()))
    yield attack('folders to convert to', 'below a file', LAPA.replace('{out}', '{dir}/src/train/labels/a.png/x'),
                 partial(with_files, lapa()))
    for name, (line, passes) in PACKS.items():
        yield attack('submissions to pack', name, line, partial(with_submission, {}), passes=passes)
    for name, (line, passes) in EVALUATIONS.items():
        yield attack('evaluations by rank', name, line.replace('{dir}/same names', "'{dir}/same names'"), with_truth,
                     passes=passes)
    for name, files in MEMBERS.items():
        yield attack('submissions to pack', name, f'{PACK} --out {{out}}/x.zip', partial(with_submission, files))
