"""Small pictures and videos for the tests of inference, and what a picture file was written with."""
import io
import struct
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image


def picture(height: int = 90, width: int = 70, seed: int = 0) -> np.ndarray:
    """Random pixels, (height, width, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(path: Path, image: np.ndarray) -> Path:
    """Write BGR pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image[..., ::-1]).save(path)
    return path


def save_video(path: Path, *, frames: int = 6, height: int = 60, width: int = 44) -> Path:
    """Write a video of plain frames that become brighter."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, (width, height))
    for index in range(frames):
        writer.write(np.full((height, width, 3), 20 + 10 * index % 200, np.uint8))
    writer.release()
    return path


def save_uneven_video(path: Path, times: Sequence[int]) -> Path:
    """Write a video (MP4) whose frames are shown from these times on, in ms, as phones write them.

    OpenCV writes even times only, so its table of durations (``stts``) is written anew. The list of edits, which would cut
    the video to its old length, is made free space.
    """
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), 25, (44, 60))
    for index in range(len(times)):
        writer.write(np.full((60, 44, 3), 20 + 10 * index, np.uint8))
    writer.release()
    content = path.read_bytes()
    assert content.index(b'mdat') < content.index(b'moov')  # so that no place in the file changes that something names
    start = content.index(b'stts') - 4
    size, = struct.unpack_from('>I', content, start)
    ticks, = struct.unpack_from('>I', content, content.index(b'mdhd') + 16)  # a second
    durations = [*np.diff(times), 40]
    table = struct.pack('>4sII', b'stts', 0, len(times)) + b''.join(
        struct.pack('>II', 1, int(duration) * ticks // 1000) for duration in durations)
    grown = bytearray(content[:start] + struct.pack('>I', 4 + len(table)) + table + content[start + size:])
    for name in (b'moov', b'trak', b'mdia', b'minf', b'stbl'):
        place = content.index(name) - 4
        struct.pack_into('>I', grown, place, struct.unpack_from('>I', content, place)[0] + 4 + len(table) - size)
    path.write_bytes(bytes(grown).replace(b'edts', b'free'))
    return path


def jpeg_quality(path: Path) -> int:
    """The quality (1 to 100) that a JPEG was written with: the one of the same table of divisors."""
    with Image.open(path) as image:
        divisors = image.quantization[0]
    for quality in range(100, 0, -1):
        buffer = io.BytesIO()
        Image.new('L', (8, 8)).save(buffer, 'JPEG', quality=quality)
        with Image.open(buffer) as image:
            if image.quantization[0] == divisors:
                return quality
    raise AssertionError(f'{path}: a table of no quality')
