"""Label maps (PNG, 8 or 16 bit) and the TXT tables beside them; whatever is wrong with one is a DataError naming it."""
import io
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmqanet.errors import DataError
from mmqanet.functional.overlaps import distinct


def read_label_map(path: Path) -> np.ndarray:
    """The labels (H, W), as they lie in the file: palette indices, not colours; uint8 or int32 (16-bit files)."""
    try:
        with Image.open(path) as image:
            image.load()
            labels = np.asarray(image)
    except FileNotFoundError:
        raise DataError(f'{path}: no such file') from None
    except Exception as error:  # Pillow raises many kinds for broken files
        raise DataError(f'{path}: not readable as a label map ({error})') from None
    if labels.ndim != 2 or labels.dtype.kind not in 'iub':
        raise DataError(f'{path}: a label map has one integer channel, this file holds {image.mode}')
    return labels if labels.dtype == np.uint8 else labels.astype(np.int32)


def write_label_map(path: Path, labels: np.ndarray) -> None:
    """Write a PNG of 8 bits, or of 16 where a label passes 255."""
    kind = np.uint8 if labels.max(initial=0) < 256 else np.uint16
    buffer = io.BytesIO()
    Image.fromarray(labels.astype(kind)).save(buffer, format='PNG')
    write_bytes(path, buffer.getvalue())


def write_bytes(path: Path, content: bytes) -> None:
    """Write under a temporary name beside ``path``, then rename: a reader never sees half a file."""
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


def read_rows(path: Path, kinds: Sequence[Callable], layout: str) -> list[tuple]:
    """The lines of a TXT table, one value of each of ``kinds`` a line; ``layout`` describes a line in errors."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        raise DataError(f'{path}: no such file') from None
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


def check_shape(labels: np.ndarray, shape: tuple[int, ...], path: Path) -> None:
    if labels.shape != tuple(shape):
        raise DataError(f'{path}: the map is {labels.shape[1]}x{labels.shape[0]}, expected {shape[1]}x{shape[0]} '
                        '(width x height)')


def check_ids(labels: np.ndarray, listed: np.ndarray, path: Path, table_path: Path) -> None:
    """Raise unless the ids above 0 of a map are exactly those that its TXT lists."""
    drawn = distinct(labels)
    unlisted, undrawn = np.setdiff1d(drawn, listed), np.setdiff1d(listed, drawn)
    if len(unlisted):
        raise DataError(f'{table_path}: no line for id {unlisted[0]}, which {path.name} holds '
                        f'({len(unlisted)} such ids)')
    if len(undrawn):
        raise DataError(f'{table_path}: a line for id {undrawn[0]}, which has no pixel in {path.name} '
                        f'({len(undrawn)} such ids)')


def find_names(folder: Path, suffix: str = '.png') -> list[str]:
    """Names (path below ``folder`` without suffix) of the files of a kind in a folder and its sub-folders, sorted.

    Raises:
        DataError: no such folder, or two files whose names differ in the case of their suffix alone.
    """
    if not folder.is_dir():
        raise DataError(f'{folder}: no such folder')
    names: dict[str, Path] = {}
    for path in sorted(folder.rglob('*')):
        if path.suffix.lower() != suffix or path.name.startswith('.') or not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()[:-len(suffix)]
        if name in names:
            raise DataError(f'{path}: same image name as {names[name].name}')
        names[name] = path
    return list(names)


def complete_names(folder: Path, kinds: Sequence[tuple[str, str]]) -> list[str]:
    """Sorted names of the images that have a file of every kind (sub-folder, suffix) under ``folder``.

    Raises:
        DataError: a sub-folder is missing, all are empty, or an image has some of its files but not all.
    """
    names = {kind: set(find_names(folder / kind[0], kind[1])) for kind in kinds}
    everything = sorted(set().union(*names.values()))
    if not everything:
        raise DataError(f'{folder}: no files in {", ".join(dict(kinds))}')
    for kind, suffix in kinds:
        absent = [name for name in everything if name not in names[kind, suffix]]
        if absent:
            raise DataError(f'{folder / kind / absent[0]}{suffix}: missing, though {absent[0]} has other files '
                            f'({len(absent)} such images)')
    return everything
