"""Videos, records of earlier runs and folders of results that are not what they should be, at the command line."""
import io
import json
import os
import shutil
import struct
from functools import partial

import cv2
import numpy as np
from attack import MIXED, OUT, Attack
from data_attacks import giant, png, postscript
from hostile_pickles import as_pickle, call, write
from PIL import Image

PARSE = 'parse --checkpoint {dir}/good.pth --boxes image --device cpu --no-labels --no-legend'
TRACK = PARSE.replace('parse', 'parse --track --save people', 1)


def evil(marker):
    return as_pickle(call('builtins', 'open', str(marker), 'w'))


def film(folder, frames=3, size=(32, 48)):
    """The bytes of a video."""
    path = str(folder / 'whole.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*'MJPG'), 10, size[::-1])
    for index in range(frames):
        writer.write(np.full((*size, 3), 40 * index % 256, np.uint8))
    writer.release()
    content = (folder / 'whole.avi').read_bytes()
    os.unlink(path)
    return content


def beside(folder, text):
    """A text that names films, with these films beside it."""
    os.mkfifo(folder / 'pipe.avi')
    for name in ('other.avi', 'other.ts'):
        write(folder / name, film(folder))
    return text.encode()


def changed(content, mark, offset, value):
    place = content.index(mark) + offset
    return content[:place] + value + content[place + len(value):]


def animation(*sizes):
    buffer = io.BytesIO()
    first, *others = [Image.new('RGB', size, (9 * index, 0, 0)) for index, size in enumerate(sizes)]
    first.save(buffer, 'GIF', save_all=True, append_images=others)
    return buffer.getvalue()


PLAYLIST = '#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n'
VIDEOS = {
    'empty.mp4': lambda folder, marker: b'',
    'text.mp4': lambda folder, marker: b'evil',
    'pickle.avi': lambda folder, marker: evil(marker),
    'postscript.mp4': lambda folder, marker: postscript(marker),
    'picture.mp4': lambda folder, marker: giant(),
    'python.mkv': lambda folder, marker: b'import evil',
    'playlist.mp4': lambda folder, marker: PLAYLIST.format('file:///etc/passwd').encode(),
    'playlist.avi': lambda folder, marker: PLAYLIST.format('http://127.0.0.1:9/x.ts').encode(),
    'playlist of a film.mp4': lambda folder, marker: beside(folder, PLAYLIST.format('other.avi')),
    'playlist of a stream.mkv': lambda folder, marker: beside(folder, PLAYLIST.format('other.ts')),
    'parts of a film.mp4': lambda folder, marker: beside(folder, 'ffconcat version 1.0\nfile other.avi\n'),
    'parts of a pipe.avi': lambda folder, marker: beside(folder, 'ffconcat version 1.0\nfile pipe.avi\n'),
    'concat.mp4': lambda folder, marker: b'ffconcat version 1.0\nfile /etc/passwd\nfile /dev/zero\n',
    'description.mp4': lambda folder, marker: b'v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n',
    'dash.mp4': lambda folder, marker: b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    'boxes of exabytes.mp4': lambda folder, marker: struct.pack('>I4sQ', 1, b'ftyp', 2**62) + b'isom' * 4,
    'boxes of nothing.mp4': lambda folder, marker: struct.pack('>I4s', 0, b'moov') * 50,
    'reference.mov': lambda folder, marker: boxes((b'moov', boxes((b'rmra', boxes((b'rmda', boxes((
        b'rdrf', bytes(4) + b'url ' + struct.pack('>I', 12) + b'/etc/passwd\0')))))))),
    'cut.avi': lambda folder, marker: film(folder, 40)[:4000],
    'no frame.avi': lambda folder, marker: film(folder, 0),
}
HARMLESS = {
    'thousand frames a second.avi': lambda folder, marker: changed(film(folder), b'avih', 8, struct.pack('<I', 0)),
    'frames of a rate of none.avi': lambda folder, marker: changed(film(folder), b'strh', 28, bytes(8)),
    'a name %05d.avi': lambda folder, marker: film(folder),
    'file: a protocol.avi': lambda folder, marker: film(folder),
    "a name 'of quotes'.avi": lambda folder, marker: film(folder),
    'a name\x1b[2J\n.avi': lambda folder, marker: film(folder),
    'a name \udcff.avi': lambda folder, marker: film(folder),
    'sizes that change.gif': lambda folder, marker: animation((20, 30), (30, 20), (90, 90)),
}


def boxes(*parts):
    return b''.join(struct.pack('>I', 8 + len(body)) + kind + body for kind, body in parts)


def with_video(content, path, marker):
    write(path, content(path.parent, marker))


def with_special(kind, path, marker):
    dict(pipe=os.mkfifo, link=lambda place: os.symlink(place.name, place), folder=os.mkdir,
         device=lambda place: os.symlink('/dev/zero', place))[kind](path)


def part(**changes):
    rle = dict(size=[30, 20], counts='hb0')
    return dict(dict(label=1, name='x', quality=0.5, pixel_score=0.5, area=16, rle=rle), **changes)


def person(*parts, **changes):
    scores = dict(box=1.0, iou=0.5, pixel=0.5)
    return dict(dict(id=1, box=[0, 0, 4, 4], quality=0.5, scores=scores, parts=list(parts)), **changes)


def record(*people, **changes):
    return dict(dict(version=1, name='a', source='a.png', height=30, width=20, classes=['background', 'x'],
                     people=list(people), files={}), **changes)


#: Records that an earlier run seems to have left of a picture that cannot be read now.
RECORDS = {
    'no people': lambda: {key: value for key, value in record().items() if key != 'people'},
    'people a number': lambda: record(people=3),
    'people of numbers': lambda: record(3),
    'people of nothing': lambda: record({}),
    'no size': lambda: {key: value for key, value in record().items() if key not in ('height', 'width')},
    'size of texts': lambda: record(height='30', width='20'),
    'size of nothing': lambda: record(height=0, width=0),
    'size beyond memory': lambda: record(height=10**9, width=10**9),
    'no classes': lambda: {key: value for key, value in record().items() if key != 'classes'},
    'classes a text': lambda: record(classes='evil'),
    'no name of a source': lambda: record(source=None),
    'part without mask': lambda: record(person({key: value for key, value in part().items() if key != 'rle'})),
    'mask a number': lambda: record(person(part(rle=3))),
    'mask of others': lambda: record(person(part(rle=dict(size=[3, 3], counts='9')))),
    'mask beyond memory': lambda: record(person(part(rle=dict(size=[2**30, 2**30], counts='0')))),
    'mask of no runs': lambda: record(person(part(rle=dict(size=[30, 20], counts='evil')))),
    'empty mask': lambda: record(person(part(rle=dict(size=[30, 20], counts='hb0')))),
    'quality a text': lambda: record(person(part(quality='evil'))),
    'label beyond': lambda: record(person(part(label=10**6))),
    'label a text': lambda: record(person(part(label='evil'))),
    'nobody': lambda: record(person()),
    'files outside': lambda: record(files=dict(palette=['../../victim.pth'], people=['/etc/passwd'])),
    'files of numbers': lambda: record(files=dict(palette=[3])),
    'deep': lambda: '[' * 100_000,
    'numbers that are none': lambda: json.dumps(record(person(part(quality=float('nan'))))),
}


def with_record(make, path, marker):
    """A picture that is broken, one that is whole, and a record of the first."""
    folder = path.parent
    write(folder / 'a.png', b'evil')
    write(folder / 'b.png', png((20, 30)))
    (folder / 'out').mkdir()
    content = make()
    (folder / 'out/a.json').write_text(content if isinstance(content, str) else json.dumps(content))


def with_results(files, path, marker):
    """Files of the user where results are to be written."""
    folder = path.parent
    write(folder / 'a.avi', film(folder))
    for name in ('a.png', 'x/1.png', 'a_overlay.png', 'a_second.png', 'report.png'):
        (folder / name).parent.mkdir(exist_ok=True)
        write(folder / name, png((20, 30)))
    (folder / MIXED).mkdir()
    (folder / 'elsewhere').mkdir()
    shutil.copy(folder / 'a.avi', folder / 'elsewhere/a.mp4')
    for name, content in files.items():
        place = folder / MIXED / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if content is Ellipsis:
            place.symlink_to(folder / 'elsewhere')
        else:
            write(place, content)


MINE = b'mine'
RESULTS = {
    'into the folder of the video': (f'{TRACK} {{dir}}/elsewhere/a.mp4 --out {{dir}}/elsewhere', {}),
    'people elsewhere': (f'{TRACK} {{dir}}/a.avi --out {{dir}}/{MIXED}', {'people': ...}),
    'films and a picture of one name': (f'{PARSE} {{dir}}/a.avi {{dir}}/a.mp4 {{dir}}/a.png --out {{out}}', {}),
    'a film of no frames': (f'{TRACK} {{dir}}/a.avi --out {{out}} --max-frames 0', {}),
    'smooth without track': (f'{PARSE} {{dir}}/a.avi --out {{out}} --smooth', {}),
    'smooth a number that is none': (f'{TRACK} {{dir}}/a.avi --out {{out}} --smooth nan', {}),
    'lost without end': (f'{TRACK} {{dir}}/a.avi --out {{out}} --track-lost inf', {}),
    'out is a file': (f'{TRACK} {{dir}}/a.avi --out {{dir}}/a.png', {}),
    'out below a file': (f'{TRACK} {{dir}}/a.avi --out {{dir}}/a.png/x', {}),
    'over the checkpoint': (f'parse --checkpoint {{dir}}/{MIXED}/a.json --boxes image {{dir}}/a.avi --out {{dir}}/{MIXED}',
                            {'a.json': MINE}),
    'over the boxes': (f'{PARSE} --boxes {{dir}}/{MIXED}/a.json {{dir}}/a.png --out {{dir}}/{MIXED}', {'a.json': b'{}'}),
    'over the report': (f'{PARSE} --boxes {{dir}}/{MIXED}/report.html {{dir}}/a.png --save report --out {{dir}}/{MIXED}',
                        {'report.html': b'{}'}),
    'lines a folder': (f'{TRACK} {{dir}}/a.avi --out {{dir}}/{MIXED}', {'a.jsonl/x': MINE}),
    'record a folder': (f'{TRACK} {{dir}}/a.avi --out {{dir}}/{MIXED}', {'a.json/x': MINE}),
    'people a file': (f'{TRACK} {{dir}}/a.avi --out {{dir}}/{MIXED}', {'people': MINE}),
    'cut-out a folder': (f'{TRACK} {{dir}}/a.avi --out {{dir}}/{MIXED}', {'people/a/1.png/x': MINE}),
}
KEPT = {
    'cut-outs of somebody': (f'{TRACK} {{dir}}/a.avi --out {{dir}}/{MIXED}', {
        'people/a/9.png': MINE, 'people/b/1.png': MINE}),
    'parts of somebody': (f'{PARSE} {{dir}}/a.png --save parts people --out {{dir}}/{MIXED}', {
        'parts/a/9_x.png': MINE, 'people/a/7.png': MINE}),
    'a record that lists files of others': (f'{PARSE} {{dir}}/a.png --save people --out {{out}}', {
        f'../{OUT}/a.json': json.dumps(record(files=dict(
            people=['../x/1.png', 'people/../../x/1.png'],
            palette=['../a_second.png'], overlay=['/etc/passwd']))).encode()}),
}


def attacks():
    for name, content in VIDEOS.items():
        yield Attack('videos', name, f"command {TRACK} '{{path}}' --out {{out}}", partial(with_video, content))
    for index, (name, content) in enumerate(HARMLESS.items()):
        yield Attack('videos', name, f"command {TRACK} '{{path}}' --out {{out}} --smooth {index / 10}",
                     partial(with_video, content), passes=True)
    for kind in ('pipe', 'link', 'folder', 'device'):
        yield Attack('videos', f'{kind}.mp4', f"command {TRACK} '{{path}}' --out {{out}}", partial(with_special, kind))
    for name, make in RECORDS.items():
        line = f'{PARSE} {{dir}}/a.png {{dir}}/b.png --out {{out}} --resume --save coco labelstudio report'
        yield Attack('records of earlier runs', name, f'command {line}', partial(with_record, make), says='1 failed')
    for harmless, contents in ((False, RESULTS), (True, KEPT)):
        for name, (line, files) in contents.items():
            yield Attack('places of videos', name, f'command {line}', partial(with_results, files), passes=harmless)
