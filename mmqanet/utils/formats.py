"""Which formats of pictures are opened: those of pixels. Of Pillow's others one runs a program (PostScript)."""
from PIL import Image

#: By which files are known in folders.
IMAGE_SUFFIXES = (
    '.jpg', '.jpeg', '.jfif', '.jpe', '.jif', '.mpo', '.png', '.apng', '.webp', '.bmp', '.dib', '.tif', '.tiff', '.gif',
    '.ppm', '.pgm', '.pbm', '.pnm', '.pfm', '.jp2', '.j2k', '.jpx', '.avif', '.heic', '.heif', '.hif', '.tga')
#: In the order in which they are tried; TGA, which has no mark of its own, last.
FORMATS = ('JPEG', 'MPO', 'PNG', 'WEBP', 'BMP', 'DIB', 'GIF', 'TIFF', 'PPM', 'JPEG2000', 'AVIF', 'HEIF', 'TGA')


def known_formats() -> tuple[str, ...]:
    """Those of ``FORMATS`` that this Pillow knows."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)
