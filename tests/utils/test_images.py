"""That each kind of file comes out as the picture that people see."""
import io
import os
import struct

import numpy as np
import pytest
from pictures import jpeg_quality, picture
from PIL import Image, ImageOps

from mmqanet.datasets.transforms import loading
from mmqanet.errors import DataError
from mmqanet.utils import images
from mmqanet.utils.images import decode_image, encode_jpeg, encode_png, plain_colour, read_image, write_picture


def encoded(image, form='PNG', **options):
    buffer = io.BytesIO()
    image.save(buffer, format=form, **options)
    return buffer.getvalue()


def grey_values(image, form='TIFF', **options):
    pixels = decode_image(encoded(image, form, **options), where='x')
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def test_training_reads_through_the_same_function():
    assert loading.read_image is images.read_image


RAMP = np.linspace(0, 255, 256).reshape(16, 16)


@pytest.mark.parametrize('pixels', [
    RAMP.astype(np.int32), (RAMP * 257).astype(np.int32), (RAMP * 2**23).astype(np.int32), RAMP.astype(np.float32),
    (RAMP / 255).astype(np.float32), (RAMP * 257).astype(np.float32), (RAMP * 1e6).astype(np.float32),
    (RAMP * 257).astype(np.uint16), RAMP.astype(np.uint8)], ids=lambda pixels: f'{pixels.dtype} to {pixels.max():g}')
def test_deep_tiffs_keep_their_brightness(pixels):
    assert np.abs(grey_values(Image.fromarray(pixels)).astype(float) - RAMP).max() <= 1


def test_unsigned_32_bit_tiffs_are_not_read_as_negative():
    pixels = (RAMP * (2**32 - 1) / 255).astype(np.uint32)
    entries = [(256, 4, 1, 16), (257, 4, 1, 16), (258, 3, 1, 32), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
               (277, 3, 1, 1), (278, 4, 1, 16), (279, 4, 1, pixels.nbytes), (339, 3, 1, 1)]
    table = struct.pack('<H', len(entries)) + b''.join(struct.pack('<HHII', *entry) for entry in entries) + bytes(4)
    content = b'II*\0' + struct.pack('<I', 8 + pixels.nbytes) + pixels.tobytes() + table
    assert np.abs(decode_image(content, where='x')[..., 0].astype(float) - RAMP).max() <= 1


def test_dark_16_bit_pictures_stay_dark_and_nan_is_black():
    assert grey_values(Image.fromarray(np.full((4, 4), 200, np.uint16)), 'PNG').max() == 0
    pixels = np.full((4, 4), 0.5, np.float32)
    pixels[0] = np.nan
    assert grey_values(Image.fromarray(pixels)).tolist() == [[0] * 4] + [[128] * 4] * 3


def test_a_turned_deep_tiff_is_turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.arange(12, dtype=np.int32).reshape(3, 4)
    assert (grey_values(Image.fromarray(pixels), exif=exif) == np.rot90(pixels, -1)).all()


def transparent():
    rgba = np.full((4, 4, 4), 200, np.uint8)
    rgba[..., 3] = 255
    rgba[:, 2:, 3] = 0
    rgba[:, 1, 3] = 128
    return Image.fromarray(rgba)


@pytest.mark.parametrize(('image', 'form', 'options'), [
    (transparent(), 'PNG', {}), (transparent(), 'WEBP', dict(lossless=True, exact=True)), (transparent(), 'TIFF', {}),
    (transparent().convert('LA'), 'PNG', {})])
def test_what_is_transparent_shows_the_paper(image, form, options):
    row = decode_image(encoded(image, form, **options), where='x')[0, :, 0]
    assert row.tolist() == [200, pytest.approx(227, abs=1), 255, 255]


@pytest.mark.parametrize('mode', ['P', 'L', 'RGB'])
def test_transparent_colours_show_the_paper(mode):
    image = Image.fromarray(np.array([[0, 90, 180, 255]], np.uint8)).convert(mode)
    key = {'P': image.getpixel((1, 0)), 'L': 90, 'RGB': (90, 90, 90)}[mode]
    assert decode_image(encoded(image, transparency=key), where='x')[0, :, 0].tolist() == [0, 255, 180, 255]


def exif(*entries):
    body, tail, start = b'', b'', 14 + 12 * len(entries)
    for tag, kind, count, value in sorted(entries):
        place = value.ljust(4, b'\0') if len(value) <= 4 else struct.pack('<I', start + len(tail))
        tail += value if len(value) > 4 else b''
        body += struct.pack('<HHI', tag, kind, count) + place
    return b'Exif\0\0II*\0' + struct.pack('<IH', 8, len(entries)) + body + bytes(4) + tail


@pytest.mark.parametrize('odd', [
    (0x011A, 10, 1, struct.pack('<ii', -1, 0)), (0x010F, 5, 1, struct.pack('<II', 7, 1)), (0x0100, 2, 4, b'abc\0'),
    (0x0100, 9, 1, struct.pack('<i', -5)), (0x8769, 4, 1, struct.pack('<I', 2**31)), (0x0132, 99, 1, b'\xff' * 4)])
@pytest.mark.parametrize('form', ['JPEG', 'PNG', 'WEBP'])
def test_a_turned_photo_with_an_odd_entry_is_turned(odd, form):
    turned = exif((0x0112, 3, 1, struct.pack('<H', 6)), odd)
    content = encoded(Image.new('RGB', (60, 40)), form, exif=turned)
    assert decode_image(content, where='x').shape == (60, 40, 3)


def test_a_block_that_is_no_exif_turns_nothing():
    content = encoded(Image.new('RGB', (60, 40)), 'JPEG', exif=b'Exif\0\0no such thing')
    assert decode_image(content, where='x').shape == (40, 60, 3)


@pytest.mark.parametrize('orientation', range(1, 9))
def test_every_orientation_is_turned_as_pillow_does(orientation):
    block = Image.Exif()
    block[0x0112] = orientation
    content = encoded(Image.fromarray(picture(20, 30)), exif=block)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    assert (decode_image(content, where='x')[..., ::-1] == expected).all()


@pytest.mark.parametrize('form', ['JPEG', 'PNG', 'WEBP', 'BMP', 'GIF', 'TIFF', 'PPM', 'JPEG2000', 'TGA'])
def test_formats_of_pixels_are_read(form):
    content = encoded(Image.new('RGB', (30, 20), (200, 100, 50)), form)
    assert np.abs(decode_image(content, where='x')[5, 5].astype(int) - (50, 100, 200)).max() <= 3


def test_of_a_pair_of_pictures_the_first_is_read():
    """As 3D cameras write them, in one file (MPO)."""
    first, second = (Image.new('RGB', (30, 20), colour) for colour in ((200, 100, 50), (0, 0, 0)))
    content = encoded(first, 'MPO', save_all=True, append_images=[second])
    assert Image.open(io.BytesIO(content)).format == 'MPO'
    assert np.abs(decode_image(content, where='x').astype(int) - (50, 100, 200)).max() <= 3


@pytest.mark.parametrize('form', ['EPS', 'PDF', 'ICNS', 'PCX', 'IM', 'SPIDER'])
def test_other_formats_are_not_opened(form):
    image = Image.new('F' if form == 'SPIDER' else 'RGB', (32, 32))
    with pytest.raises(DataError, match='not readable as an image'):
        decode_image(encoded(image, form), where='x')


def test_heic_without_its_package_says_which(monkeypatch):
    def refuse(name, *args):
        raise ImportError(name)

    monkeypatch.setattr(images, 'import_module', refuse)
    monkeypatch.setattr(images.Image, 'OPEN', {key: value for key, value in Image.OPEN.items() if key != 'HEIF'})
    with pytest.raises(DataError, match=r'IMG_1\.HEIC: HEIC pictures need the package pillow-heif'):
        decode_image(b'\0\0\0\x18ftypheic', where='IMG_1.HEIC')


def test_heic_is_read_where_its_package_is():
    heif = pytest.importorskip('pillow_heif')
    buffer = io.BytesIO()
    heif.from_pillow(Image.new('RGB', (64, 48), (200, 100, 50))).save(buffer)
    pixels = decode_image(buffer.getvalue(), where='x')
    assert np.abs(pixels.astype(int) - (50, 100, 200)).max() <= 4


def test_large_pictures_are_copied_in_bands_without_a_seam():
    pixels = picture(images.BAND + 3, 5)
    assert (plain_colour(Image.fromarray(pixels)) == pixels[..., ::-1]).all()


def test_pipes_folders_and_sparse_giants_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / 'pipe.jpg')
    with (tmp_path / 'giant.jpg').open('wb') as file:
        file.truncate(2**40)
    (tmp_path / 'self.jpg').symlink_to('self.jpg')
    (tmp_path / 'six.jpg').write_bytes(b'123456')
    messages = {'pipe.jpg': 'is no file but a pipe', 'giant.jpg': '1,099,511,627,776 bytes', '': 'is a folder',
                'self.jpg': 'Too many levels', 'x' * 300: 'File name too long', 'n\0.jpg': 'no file can have this name'}
    for name, message in messages.items():
        with pytest.raises(DataError, match=message):
            read_image(tmp_path / name)
    with pytest.raises(DataError, match='more than 5 are not read'):
        read_image(tmp_path / 'six.jpg', max_bytes=5)


def test_pillows_many_errors_are_one(monkeypatch):
    for error in (ValueError('odd'), SyntaxError('odd'), ZeroDivisionError('odd'), Image.DecompressionBombError('odd')):
        def fail(image, error=error):
            raise error

        monkeypatch.setattr(images, 'plain_colour', fail)
        with pytest.raises(DataError, match=r'^a\.png: not readable as an image \(odd\)$'):
            decode_image(encoded(Image.new('RGB', (3, 3))), where='a.png')


def test_too_little_memory_is_named(monkeypatch):
    def fail(image):
        raise MemoryError

    monkeypatch.setattr(images, 'plain_colour', fail)
    with pytest.raises(DataError, match=r'a\.png: not enough memory to read this picture'):
        decode_image(encoded(Image.new('RGB', (3, 3))), where='a.png')


def test_jpegs_are_of_quality_92_unless_asked(tmp_path):
    write_picture(tmp_path / 'a.jpg', picture())
    (tmp_path / 'b.jpg').write_bytes(encode_jpeg(picture()))
    (tmp_path / 'c.jpg').write_bytes(encode_jpeg(picture(), quality=60))
    assert [jpeg_quality(tmp_path / f'{name}.jpg') for name in 'abc'] == [92, 92, 60]


@pytest.mark.parametrize(('name', 'form'), [('a.png', 'PNG'), ('a.PNG', 'PNG'), ('a.jpg', 'JPEG'), ('a.JPEG', 'JPEG')])
def test_a_picture_is_written_in_the_format_of_its_suffix_and_the_colours_of_its_pixels(tmp_path, name, form):
    pixels = np.full((16, 24, 3), (30, 100, 250), np.uint8)  # blue, green, red
    write_picture(tmp_path / name, pixels)
    with Image.open(tmp_path / name) as image:
        assert image.format == form
        assert image.size == (24, 16)
        assert np.abs(np.array(image.convert('RGB')).astype(int) - (250, 100, 30)).max() <= 3
    assert (decode_image(encode_png(pixels), where='x') == pixels).all()


def test_every_row_of_a_tall_picture_has_its_channels_in_order():
    pixels = np.random.default_rng(0).integers(0, 256, (2 * images.BAND + 3, 7, 3), dtype=np.uint8)
    assert np.array_equal(decode_image(encoded(Image.fromarray(pixels)), where='x'), pixels[..., ::-1])
