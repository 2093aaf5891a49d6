"""Reading and writing files: label maps (PNG), tables (TXT), bytes. What is wrong with one is a DataError that names it."""
import io
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmqanet.errors import DataError

PathLike = str | os.PathLike


def read_bytes(path: PathLike) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(f'{path}: no such file') from None
    except OSError as error:
        raise DataError(f'{path}: {error.strerror}') from None


def read_label_map(path: PathLike) -> np.ndarray:
    """The labels (H, W), as they lie in the file: palette indices, not colours; uint8 or int32 (16-bit files)."""
    content = read_bytes(path)
    try:
        with Image.open(io.BytesIO(content)) as image:
            labels = np.array(image)
    except Exception as error:  # Pillow raises many kinds for broken files
        raise DataError(f'{path}: not readable as a label map ({error})') from None
    if labels.ndim != 2 or labels.dtype.kind not in 'iub':
        raise DataError(f'{path}: a label map has one integer channel, this file holds {image.mode}')
    return labels if labels.dtype == np.uint8 else labels.astype(np.int32)


def write_label_map(path: PathLike, labels: np.ndarray) -> None:
    """Write a PNG of 8 bits, or of 16 where a label passes 255."""
    kind = np.uint8 if labels.max(initial=0) < 256 else np.uint16
    buffer = io.BytesIO()
    Image.fromarray(labels.astype(kind)).save(buffer, format='PNG')
    write_bytes(path, buffer.getvalue())


def write_bytes(path: PathLike, content: bytes) -> None:
    """Write under a temporary name beside ``path``, then rename: a reader never sees half a file."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix='.', suffix='.part')
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_rows(path: PathLike, kinds: Sequence[Callable], layout: str) -> list[tuple]:
    """The lines of a TXT table, one value of each of ``kinds`` a line; ``layout`` describes a line in errors."""
    try:
        lines = read_bytes(path).decode().splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f'{path}: not a text file ({error})') from None
    while lines and not lines[-1].strip():
        lines.pop()
    rows = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        try:
            row = tuple(kind(word) for kind, word in zip(kinds, words, strict=True))
        except (ValueError, OverflowError):
            raise DataError(f'{path}:{number}: {line!r} is not "{layout}"') from None
        if not all(math.isfinite(value) for value in row):
            raise DataError(f'{path}:{number}: {line!r} holds NaN or infinity')
        rows.append(row)
    return rows


def check_shape(labels: np.ndarray, shape: tuple[int, ...], path: PathLike) -> None:
    """Raise unless a map (H, W) has the ``shape`` of its image."""
    if labels.shape != tuple(shape):
        raise DataError(f'{path}: the map is {labels.shape[1]}x{labels.shape[0]}, expected {shape[1]}x{shape[0]} '
                        '(width x height)')
