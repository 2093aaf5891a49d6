"""What can be parsed, and that each kind of file comes out as the picture that people see."""
import io
import struct
import zlib
from collections import deque

import numpy as np
import pytest
from pictures import picture, save, save_video
from PIL import Image

from mmqanet.apis.inputs import Picture, find_inputs
from mmqanet.apis.videos import Video
from mmqanet.errors import DataError, InputError


def names(inputs):
    return [item.name for item in inputs]


def read(given, **options):
    item, = find_inputs(given, **options)
    frame, = item.frames()
    return frame.image


def encoded(image, form='PNG', **options):
    buffer = io.BytesIO()
    image.save(buffer, format=form, **options)
    return buffer.getvalue()


def test_a_folder_keeps_its_structure_and_leaves_out_what_is_no_picture(tmp_path):
    for name in ('b.png', 'a.jpg', 'sub/c.PNG', 'sub/deep/d.png', '.hidden/e.png', 'out/f.png'):
        save(tmp_path / name, picture())
    (tmp_path / 'notes.txt').write_text('no picture')
    (tmp_path / 'clip.mp4').write_bytes(b'')
    assert names(find_inputs(tmp_path)) == ['a', 'b', 'clip']
    assert isinstance(find_inputs(tmp_path)[2], Video)
    found = find_inputs([tmp_path], recursive=True, outside=tmp_path / 'out')
    assert names(found) == ['a', 'b', 'clip', 'sub/c', 'sub/deep/d']
    for around in (tmp_path / 'sub', tmp_path):
        assert names(find_inputs(tmp_path / 'sub', outside=around)) == ['c']


@pytest.mark.parametrize(('name', 'kind'), [
    *((f'a{suffix}', Picture) for suffix in (
        '.jpg', '.jpeg', '.jfif', '.jpe', '.mpo', '.png', '.webp', '.bmp', '.tif', '.tiff', '.gif', '.ppm', '.pgm', '.pnm',
        '.jp2', '.avif', '.heic', '.HEIC', '.heif', '.tga')),
    *((f'a{suffix}', Video) for suffix in (
        '.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv', '.3gp', '.flv', '.ogv', '.ts', '.MTS',
        '.m2ts'))])
def test_what_is_usually_called_a_picture_or_a_video_is_one(tmp_path, name, kind):
    """In a folder and by its name; what it holds shows at its turn."""
    (tmp_path / name).write_bytes(b'G' * 400)  # a transport stream begins so
    for given in (tmp_path, tmp_path / name):
        item, = find_inputs(given)
        assert type(item) is kind


@pytest.mark.parametrize('content', [b'export const a = 1;\n', b''])
def test_programs_that_are_called_like_videos_are_left_out_of_a_folder(tmp_path, content):
    save(tmp_path / 'b.png', picture())
    (tmp_path / 'a.ts').write_bytes(content)
    told = []
    assert names(find_inputs(tmp_path, tell=told.append)) == ['b']
    assert told == [f'{tmp_path}: left out 1 file of another kind (.ts 1)']
    (tmp_path / 'a.ts').write_bytes(bytes(4) + b'G' * 400)  # with a time before each packet, as cameras write it
    assert names(find_inputs(tmp_path)) == ['a', 'b']


def test_equal_names_are_told_apart_by_their_suffix(tmp_path):
    for name in ('a.jpg', 'a.png', 'b.png', 'sub/a.png'):
        save(tmp_path / name, picture())
    assert names(find_inputs(tmp_path, recursive=True)) == ['a.jpg', 'a.png', 'b', 'sub/a']


def test_an_empty_folder_is_named(tmp_path):
    save(tmp_path / 'sub/a.png', picture())
    with pytest.raises(InputError, match=rf'{tmp_path}: no pictures or videos in this folder; .*recursive'):
        find_inputs(tmp_path)
    with pytest.raises(InputError, match=r'no pictures or videos in this folder$'):
        find_inputs(tmp_path, recursive=True, outside=tmp_path / 'sub')


def test_paths_bytes_and_arrays_hold_the_same_picture(tmp_path):
    path = save(tmp_path / 'a.png', picture())
    for given in (path, str(path), path.read_bytes(), picture()):
        assert (read(given) == picture()).all()
    assert (read(picture()[..., ::-1], rgb=True) == picture()).all()
    assert names(find_inputs([path, picture(), 3])) == ['a', '1', 'camera3']


@pytest.mark.parametrize('given', [3.5, None, [None], True, [[1]], (b for b in (1.5,))])
def test_other_types_are_refused(given):
    with pytest.raises(InputError, match=r'input 0 is a \w+'):
        find_inputs(given)


@pytest.mark.parametrize('image', [picture()[0, :, 0], picture()[..., :2], picture().astype(float), picture()[:0]])
def test_arrays_of_another_kind_are_refused(image):
    with pytest.raises(InputError, match=r'image 0 must be \(H, W, 3\) or \(H, W\) uint8'):
        read(image)


def test_grey_alpha_palette_and_16_bit_files_become_plain_colour():
    grey = picture()[..., 0]
    same = np.repeat(grey[..., None], 3, axis=2)
    assert (read(encoded(Image.fromarray(grey))) == same).all()
    assert (read(encoded(Image.fromarray(grey.astype(np.uint16) * 257))) == same).all()
    rgba = np.dstack([picture(), np.full((90, 70), 255, np.uint8)])
    assert (read(encoded(Image.fromarray(rgba))) == picture()[..., ::-1]).all()
    palette = Image.fromarray(picture()).quantize(16)
    assert (read(encoded(palette)) == np.array(palette.convert('RGB'))[..., ::-1]).all()


@pytest.mark.parametrize(('orientation', 'turned'), [(3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a, -1)),
                                                     (8, np.rot90), (2, lambda a: a[:, ::-1])])
def test_pictures_are_turned_upright(orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert (read(encoded(Image.fromarray(picture()), exif=exif)) == turned(picture())[..., ::-1]).all()


def test_broken_files_are_named(tmp_path):
    whole = encoded(Image.fromarray(picture()), 'JPEG')
    for name, content in (('text.jpg', b'no picture'), ('cut.jpg', whole[:len(whole) // 2]), ('empty.png', b'')):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=rf'{name}: not readable as an image'):
            read(tmp_path / name)
    with pytest.raises(DataError, match=r'none\.jpg: no such file'):
        read(tmp_path / 'none.jpg')
    with pytest.raises(DataError, match=r'image 0: not readable as an image'):
        read(whole[:40])


def test_a_picture_that_would_fill_the_memory_is_refused_unread(tmp_path):
    header = b'IHDR' + struct.pack('>IIBBBBB', 20_000, 20_000, 8, 2, 0, 0, 0)
    chunk = struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header))
    (tmp_path / 'huge.png').write_bytes(b'\x89PNG\r\n\x1a\n' + chunk + struct.pack('>I', 9) + b'IDAT')
    with pytest.raises(DataError, match=r'huge\.png: not readable as an image \(.*400000000 pixels') as caught:
        read(tmp_path / 'huge.png')
    assert '\n' not in str(caught.value)


def test_a_video_is_read_frame_by_frame(tmp_path):
    video, = find_inputs(save_video(tmp_path / 'v.avi'))
    frames = list(video.frames())
    assert [frame.index for frame in frames] == list(range(6))
    assert [round(frame.image.mean(), -1) for frame in frames] == [20, 30, 40, 50, 60, 70]
    assert frames[0].fps == 10
    assert [frame.seconds for frame in frames] == pytest.approx([index / 10 for index in range(6)])
    assert video.count() == 6
    short, = find_inputs(tmp_path / 'v.avi', max_frames=2)
    assert len(list(short.frames())) == short.count() == 2


def test_a_video_that_breaks_off_gives_its_frames_and_then_says_so(tmp_path, capfd):
    path = save_video(tmp_path / 'v.avi', frames=30)
    content = path.read_bytes()
    path.write_bytes(content[:len(content) * 9 // 10])
    video, = find_inputs(path)
    frames, seen = video.frames(), []
    with pytest.raises(DataError, match=r'v\.avi: the video breaks off after \d+ of 30 frames'):
        deque(map(seen.append, (frame.index for frame in frames)))
    assert seen == list(range(len(seen)))
    assert 5 < len(seen) < 30
    assert not capfd.readouterr().err  # the decoder keeps its own comments to itself


@pytest.mark.parametrize(('content', 'message'), [(b'no video', 'not readable as a video'), (None, 'no such file')])
def test_what_is_no_video_is_named(tmp_path, content, message):
    path = tmp_path / 'v.mp4'
    if content:
        path.write_bytes(content)
    video, = find_inputs(path)
    with pytest.raises(DataError, match=rf'v\.mp4: {message}'):
        next(video.frames())
    assert video.count() == 0


def test_a_picture_is_not_opened_before_its_turn(tmp_path):
    assert isinstance(find_inputs(tmp_path / 'none.png')[0], Picture)


def test_images_of_pillow_open_files_grey_arrays_and_iterators_are_read(tmp_path):
    image = picture()
    path = save(tmp_path / 'a.png', image)
    upright = Image.fromarray(image[..., ::-1])
    with path.open('rb') as file:
        given = [upright, file, io.BytesIO(path.read_bytes()), bytearray(path.read_bytes()), memoryview(path.read_bytes())]
        found = find_inputs(iter(given))
        assert names(found) == ['0', '1', '2', '3', '4']
        for item in found:
            assert np.array_equal(item.read(), image)
    for kind in (bytes, bytearray, memoryview):  # alone, they are no iterables of numbers of cameras
        assert np.array_equal(read(kind(path.read_bytes())), image)
    grey = np.repeat(image[..., :1], 3, axis=2)
    assert np.array_equal(read(image[..., 0]), grey)
    assert np.array_equal(read(image[..., :1]), grey)


class NoFile:
    def read(self, size):
        raise AttributeError('no bytes here')


class Endless(io.RawIOBase):
    def readable(self):
        return True

    def readinto(self, buffer):
        return len(buffer)


@pytest.mark.parametrize(('make', 'message'), [
    (lambda path: path.open(encoding='latin-1'), "opened for reading text; open it with 'rb'"),
    (lambda path: io.BytesIO(b'abc'), 'no known format'), (lambda path: NoFile(), 'image 0: not readable'),
    (lambda path: Endless(), 'image 0: more than 1,000 bytes')])
def test_what_cannot_be_read_of_an_open_file_is_named(tmp_path, make, message):
    item, = find_inputs(make(save(tmp_path / 'a.png', picture())), max_bytes=1000)
    with pytest.raises((DataError, InputError), match=message):
        item.read()


def test_broken_and_closed_images_of_pillow_are_named(tmp_path):
    content = encoded(Image.fromarray(picture()))
    closed = Image.open(io.BytesIO(content))
    closed.close()
    for image in (closed, Image.open(io.BytesIO(content[:len(content) // 2]))):
        with pytest.raises(DataError, match='image 0: not readable as an image'):
            read(image)


@pytest.mark.parametrize('number', [10**30, -10**30, 2**31])
def test_numbers_that_no_camera_can_have_are_refused(number):
    with pytest.raises(InputError, match='input 0 is a int'):
        find_inputs(number)


def test_a_name_with_a_nul_is_of_no_file():
    item, = find_inputs('a\0b.png')
    with pytest.raises(DataError, match='no file can have this name'):
        item.read()
