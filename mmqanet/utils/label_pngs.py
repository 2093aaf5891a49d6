"""Label maps as PNG files, written without the search for filters that photos want: run lengths alone suit them."""
import struct
import zlib

import numpy as np

SIGNATURE = b'\x89PNG\r\n\x1a\n'
GREY, PALETTE = 0, 3  # colour types of the format


def encode_label_map(labels: np.ndarray, *, palette: np.ndarray | None = None) -> bytes:
    """A label map → the bytes of a PNG file of 8 bits, or of 16 where a label passes 255.

    Args:
        labels: (H, W) of integers from 0 to 65,535, with pixels.
        palette: (256, 3) uint8 RGB, the colours that viewers show labels of 8 bits in; grey ones by default.
    """
    height, width = labels.shape
    wide = labels.max() > 255
    pixels = np.ascontiguousarray(labels, dtype='>u2' if wide else np.uint8).view(np.uint8)
    rows = np.zeros((height, 1 + pixels.shape[1]), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = pixels
    packer = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
    header = struct.pack('>2I5B', width, height, 16 if wide else 8, GREY if palette is None else PALETTE, 0, 0, 0)
    colours = b'' if palette is None else _chunk(b'PLTE', palette.tobytes())
    content = _chunk(b'IDAT', packer.compress(rows.data) + packer.flush())
    return b''.join([SIGNATURE, _chunk(b'IHDR', header), colours, content, _chunk(b'IEND', b'')])


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))
