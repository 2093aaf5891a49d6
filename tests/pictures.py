"""Small pictures and videos for the tests of inference, and what a picture file was written with."""
import io
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
