"""Files: label maps (PNG), tables (TXT), JSON, bytes. What is wrong with one is a DataError that names it."""
import io
import json
import math
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from mmqanet.errors import DataError, InputError
from mmqanet.utils.formats import known_formats
from mmqanet.utils.label_pngs import encode_label_map
from mmqanet.utils.temporary import remove_temporary, temporary_path

PathLike = str | os.PathLike
MAX_FILE_BYTES = 2**30  # of pictures, tables and lists: a larger file is a mistake or an attack


def check_inside(name: str) -> None:
    """Raise unless a file name, sub-folders allowed, stays below the folder that it is meant for."""
    path = PurePosixPath(name.replace('\\', '/'))
    if path.is_absolute() or '..' in path.parts or not path.parts or '\0' in name:
        raise DataError(f'file name {name!r} leaves its folder')


def read_bytes(path: PathLike, *, limit: int | None = MAX_FILE_BYTES) -> bytes:
    """The content of a file. One of more than ``limit`` bytes, which may be sparse, is not opened, nor is a pipe."""
    check_file(path, limit=limit)
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DataError(f'{path}: {error.strerror}') from None
    except MemoryError:
        raise DataError(f'{path}: not enough memory to read this file') from None


def check_file(path: PathLike, *, limit: int | None = None) -> None:
    """Raise ``DataError`` unless a path leads to a regular file of at most ``limit`` bytes: opening a named pipe waits for
    whoever writes to it, and a device may never end."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise DataError(f'{path}: no such file') from None
    except OSError as error:
        raise DataError(f'{path}: {error.strerror}') from None
    except ValueError:
        raise DataError(f'{path}: no file can have this name') from None
    if stat.S_ISDIR(found.st_mode):
        raise DataError(f'{path}: is a folder')
    if not stat.S_ISREG(found.st_mode):
        raise DataError(f'{path}: is no file but a pipe, a socket or a device')
    if limit is not None and found.st_size > limit:
        raise DataError(f'{path}: {found.st_size:,} bytes, and files of more than {limit:,} are not read')


def read_json(path: PathLike, *, expected: type | None = None) -> Any:
    """The value of a JSON file in UTF-8, with or without a byte order mark.

    Args:
        path: of the file.
        expected: ``dict`` or ``list``, where the value must be one.

    Raises:
        DataError: the file is missing, no JSON, has a key twice in an object, or holds another kind of value.
    """
    content = read_bytes(path)
    try:
        value = json.loads(content.decode('utf-8-sig'), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise DataError(f'{path}: not readable as JSON ({error})') from None
    if expected is not None and not isinstance(value, expected):
        names: dict[type, str] = {dict: 'an object', list: 'a list'}
        raise DataError(f'{path}: {names[expected]} is expected, this JSON holds {names.get(type(value), "another value")}')
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise ValueError(f'key {key!r} stands twice in one object')
        content[key] = value
    return content


def read_label_map(path: PathLike, *, first_channel: bool = False) -> np.ndarray:
    """The labels (H, W), as they lie in the file: palette indices, not colours; uint8 or int32 (16-bit files).

    A file of several channels is an error, or with ``first_channel`` the first one, red, is taken.
    """
    content = read_bytes(path)
    try:
        with Image.open(io.BytesIO(content), formats=known_formats()) as image:
            image.verify()  # the checksums, which decoding alone does not look at
        with Image.open(io.BytesIO(content), formats=known_formats()) as image:
            labels = np.array(image)
            if (scale := _grey_scale(content)) != 1:
                labels //= scale
    except UnidentifiedImageError:
        raise DataError(f'{path}: not readable as a label map (no known format)') from None
    except Exception as error:  # Pillow raises many kinds for broken files
        raise DataError(f'{path}: not readable as a label map ({error})') from None
    if first_channel and labels.ndim == 3:
        labels = labels[..., 0]
    if labels.ndim != 2 or labels.dtype.kind not in 'iub':
        raise DataError(f'{path}: a label map has one integer channel, this file holds {image.mode}')
    return labels if labels.dtype == np.uint8 else labels.astype(np.int32)


def _grey_scale(content: bytes) -> int:
    """By how much Pillow multiplies the values of a grey PNG of less than 8 bits, as optimisers write them."""
    depth, colour_type = content[24], content[25]  # of the header that opens every PNG
    return {2: 85, 4: 17}.get(depth, 1) if content.startswith(b'\x89PNG') and colour_type == 0 else 1


def write_label_map(path: PathLike, labels: np.ndarray) -> None:
    """Write a PNG of 8 bits, or of 16 where a label passes 255."""
    write_bytes(path, encode_label_map(labels))


def write_bytes(path: PathLike, content: bytes) -> None:
    """Write under a temporary name beside ``path``, then rename: a reader never sees half a file."""
    path = Path(path)
    temporary = temporary_path(path.parent, suffix='.part')
    try:
        if path.is_dir():  # also a link to one, which would be replaced
            raise DataError(f'{path}: cannot be written (it is a folder)')
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        raise DataError(f'{path}: cannot be written ({error.strerror})') from None
    except ValueError:
        raise DataError(f'{path}: no file can have this name') from None
    finally:
        remove_temporary(temporary)


def check_overwrites(output: PathLike, given: Iterable[PathLike | None]) -> None:
    """Raise ``InputError`` if a file to be written is one of those that were given, under whatever name."""
    for path in given:
        if path is not None and _one_file(output, path):
            raise InputError(f'{output}: the output would overwrite {path}, which was given; choose another name')


def _one_file(one: PathLike, other: PathLike) -> bool:
    """Whether two paths lead to one file, which need not be there yet."""
    try:
        return os.path.realpath(one) == os.path.realpath(other) or os.path.samefile(one, other)
    except (OSError, ValueError):  # one is not there, or no name of a file
        return False


def remove_file(path: PathLike) -> None:
    """Remove a file, if it is there."""
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f'{path}: cannot be removed ({error.strerror})') from None


def whole_number(word: str) -> int:
    """An integer, also where a program that knows only floats wrote it (``5.0``, ``5.000e+00``)."""
    try:
        return int(word)
    except ValueError:
        value = float(word)
        if not value.is_integer():
            raise
        return int(value)


def read_rows(path: PathLike, kinds: Sequence[Callable], layout: str, *, may_be_absent: bool = False) -> list[tuple]:
    """The lines of a TXT table, one value of each of ``kinds`` a line; ``layout`` describes a line in errors.

    A file that ``may_be_absent`` and is has no lines: writers that open it with its first line leave none for an empty map.
    """
    if may_be_absent and not Path(path).exists():
        return []
    try:
        lines = read_bytes(path).decode('utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f'{path}: not a text file ({error})') from None
    while lines and not lines[-1].strip():
        lines.pop()
    rows = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        try:
            row = tuple(kind(word) for kind, word in zip(kinds, words, strict=True))
            finite = all(math.isfinite(value) and abs(value) < 2**62 for value in row)
        except (ValueError, OverflowError):
            raise DataError(f'{path}:{number}: {line[:100]!r} is not "{layout}"') from None
        if not finite:
            raise DataError(f'{path}:{number}: {line[:100]!r} holds NaN or infinity, or a number beyond all ids and sizes')
        rows.append(row)
    return rows


def check_shape(labels: np.ndarray, shape: tuple[int, ...], path: PathLike) -> None:
    """Raise unless a map (H, W) has the ``shape`` of its image."""
    if labels.shape != tuple(shape):
        raise DataError(f'{path}: the map is {labels.shape[1]}x{labels.shape[0]}, expected {shape[1]}x{shape[0]} '
                        '(width x height)')
