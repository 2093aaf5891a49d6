"""Pictures: from a file, the bytes of one or a Pillow image to BGR pixels, as people see them, and back into files.

Whatever is wrong with a picture becomes a ``DataError`` that names it.
"""
import io
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from mmqanet.errors import DataError
from mmqanet.utils.files import MAX_FILE_BYTES, PathLike, read_bytes, write_bytes
from mmqanet.utils.formats import known_formats

HEIF_BRANDS = (b'heic', b'heix', b'hevc', b'heim', b'heis', b'hevm', b'hevs', b'mif1', b'msf1')
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90}  # by the EXIF orientation
ORIENTATION = 0x0112
BAND = 128  # rows that are copied at a time: few stay in the processor's caches, and a large picture never lies there twice


def read_image(path: PathLike, *, max_bytes: int | None = MAX_FILE_BYTES) -> np.ndarray:
    """The picture of a file, as :func:`decode_image` gives it; a file of more than ``max_bytes`` is refused unread."""
    return decode_image(read_bytes(path, limit=max_bytes), where=path)


def decode_image(content: bytes, *, where: object) -> np.ndarray:
    """A picture (H, W, 3) uint8 BGR, as :func:`plain_colour` makes it from the file's first frame.

    Decoded by Pillow, because OpenCV fills the missing half of a truncated file with grey and says nothing.

    Args:
        content: of the file; a format of ``mmqanet.utils.formats``. HEIC needs the package pillow-heif.
        where: what errors call it.

    Raises:
        DataError: not a whole picture, or one of so many pixels (Pillow's limit, 179 million) that memory is at stake.
    """
    _know_heif(content, where=where)
    try:
        with Image.open(io.BytesIO(content), formats=known_formats()) as image:
            return plain_colour(image)
    except UnidentifiedImageError:
        raise DataError(f'{where}: not readable as an image (no known format)') from None
    except MemoryError:
        raise DataError(f'{where}: not enough memory to read this picture') from None
    except Exception as error:  # Pillow raises many kinds for broken files
        raise DataError(f'{where}: not readable as an image ({error})') from None


def plain_colour(image: Image.Image) -> np.ndarray:
    """(H, W, 3) uint8 BGR of a Pillow image: turned as its EXIF tag says, on white where it is transparent.

    Grey and palettes become plain colour. Deep pixels become 8 bits: 16-bit ones by their upper half; 32-bit integers and
    floats by the range that they use, 0 to 1 (floats), to 255, to 65,535, or else to their own maximum.
    """
    image.load()
    turn = TURNS.get(exif_orientation(image))
    if image.mode.startswith(('I', 'F')):
        image = Image.fromarray(_eight_bits(image))
    if turn is not None:
        image = image.transpose(turn)
    if image.has_transparency_data:
        image = image.convert('RGBA')
        paper = Image.new('RGB', image.size, 'white')
        paper.paste(image, mask=image.getchannel('A'))
        image = paper
    return _bgr(image if image.mode == 'RGB' else image.convert('RGB'))


def exif_orientation(image: Image.Image) -> int:
    """How an image is stored, 2 to 8 of the EXIF standard; 1 is upright, and so is an image that does not say.

    Of the EXIF block nothing but the orientation is read: another entry may be odd.
    """
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a block that cannot be read at all, which viewers pass over
        return 1
    return found if found in TURNS else 1


def _eight_bits(image: Image.Image) -> np.ndarray:
    """(H, W) uint8 of a grey image with more bits."""
    pixels = np.asarray(image)
    if image.mode != 'F' and (image.mode != 'I' or image.format != 'TIFF'):  # 16 bits, whatever Pillow keeps them in
        return (pixels.clip(0, 65535) // 257).astype(np.uint8)
    if image.mode == 'I' and getattr(image, 'tag_v2', {}).get(339, (1,))[0] == 1:  # its SampleFormat: unsigned
        pixels = pixels.view(np.uint32)
    values = np.nan_to_num(pixels.astype(np.float64), nan=0, posinf=0, neginf=0).clip(0, None)
    largest = values.max(initial=0)
    limits = (1.0, 255.0, 65535.0) if image.mode == 'F' else (255.0, 65535.0)
    white = next((limit for limit in limits if largest <= limit), largest)
    return (values * (255 / white)).round().astype(np.uint8)


def _bgr(image: Image.Image) -> np.ndarray:
    """The pixels of an RGB image."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, BAND):
        rows = image.crop((0, top, image.width, min(top + BAND, image.height)))
        cv2.cvtColor(np.asarray(rows), cv2.COLOR_RGB2BGR, dst=pixels[top:top + BAND])
    return pixels


def _know_heif(content: bytes, *, where: object) -> None:
    """Teach Pillow HEIC, the format of phones, when a file of it comes."""
    if content[4:8] != b'ftyp' or content[8:12] not in HEIF_BRANDS or 'HEIF' in Image.OPEN:
        return
    try:
        import_module('pillow_heif').register_heif_opener()
    except ImportError:
        raise DataError(f"{where}: HEIC pictures need the package pillow-heif (pip install 'mmqanet[heif]')") from None


def encode_jpeg(image: np.ndarray, *, quality: int = 92) -> bytes:
    """(H, W, 3) uint8 BGR → the bytes of a JPEG file; ``quality`` is in [0, 100]."""
    return cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def encode_png(image: np.ndarray) -> bytes:
    """(H, W, 3) uint8 BGR → the bytes of a PNG file."""
    return cv2.imencode('.png', image)[1].tobytes()


def write_picture(path: PathLike, image: np.ndarray) -> None:
    """Write (H, W, 3) uint8 BGR as PNG, or as JPEG for any other suffix; the file is whole or absent."""
    write_bytes(path, encode_png(image) if Path(path).suffix.lower() == '.png' else encode_jpeg(image))
