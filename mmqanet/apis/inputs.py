"""What can be parsed: files, folders, bytes, arrays, videos and cameras, as a list of pictures and videos.

Nothing is opened before its turn, so that one bad file spoils nothing but itself.
"""
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmqanet.apis.videos import Frame, Video
from mmqanet.errors import InputError
from mmqanet.utils.images import decode_image, read_image

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp', '.tif', '.tiff', '.gif', '.ppm', '.pgm', '.jp2', '.avif')
VIDEO_SUFFIXES = ('.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv', '.3gp')

PathLike = str | os.PathLike


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A single picture that is not read yet.

    Attributes:
        name: of its results: the path below the folder it was found in, without suffix unless another has the same;
            a number for what has no path.
        source: what errors and records call it, its path or e.g. ``'image 3'``.
        content: a path, the bytes of a file, or an array (H, W, 3) uint8.
        rgb: whether an array is RGB instead of BGR.
    """

    name: str
    source: str
    content: Path | bytes | np.ndarray
    rgb: bool = False

    def frames(self) -> Iterator[Frame]:
        """The picture as the one frame it is.

        Raises:
            DataError: it cannot be read. InputError: an array is of another shape or type.
        """
        yield Frame(name=self.name, source=self.source, image=self.read())

    def read(self) -> np.ndarray:
        """(H, W, 3) uint8 BGR; errors as in :meth:`frames`."""
        if isinstance(self.content, Path):
            return read_image(self.content)
        if isinstance(self.content, bytes):
            return decode_image(self.content, where=self.source)
        image = self.content
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise InputError(f'{self.source} must be (H, W, 3) uint8, not {image.shape} {image.dtype}')
        return np.ascontiguousarray(image[..., ::-1]) if self.rgb else image

    def count(self) -> int:
        """How many frames."""
        return 1


Input = Picture | Video


def find_inputs(
    inputs: Any,
    *,
    recursive: bool = False,
    rgb: bool = False,
    outside: Path | None = None,
    max_frames: int | None = None,
) -> list[Input]:
    """List what is to be parsed.

    Args:
        inputs: a path to a picture, video or folder, the bytes of a picture, an array (H, W, 3) uint8, the index of a
            camera, or a sequence of these; what is a ``Picture`` or ``Video`` already stays one.
        recursive: also look into the folders of a folder.
        rgb: arrays are RGB instead of BGR.
        outside: leave out what a folder holds below this one.
        max_frames: stop a video or camera after so many.

    Returns:
        list: pictures and videos, those of a folder sorted by path.

    Raises:
        InputError: something of another type, or a folder without pictures and videos.
    """
    found: list[Input] = []
    several = isinstance(inputs, Sequence) and not isinstance(inputs, str | bytes)
    for index, given in enumerate(inputs if several else [inputs]):
        match given:
            case str() | os.PathLike() if Path(given).is_dir():
                paths = _in_folder(Path(given), recursive=recursive, outside=outside)
                names = [path.relative_to(given).with_suffix('').as_posix() for path in paths]
                found += [_of_file(path, name=name, max_frames=max_frames) for path, name in zip(paths, names)]
            case str() | os.PathLike():
                found.append(_of_file(Path(given), name=Path(given).stem, max_frames=max_frames))
            case Picture() | Video():
                found.append(given)
            case int() if not isinstance(given, bool):
                found.append(Video(name=f'camera{given}', source=f'camera {given}', handle=given, max_frames=max_frames))
            case _:
                found.append(as_picture(given, index=index, rgb=rgb))
    return _told_apart(found)


def _told_apart(found: list[Input]) -> list[Input]:
    """The same inputs; where names are equal, as of ``a.jpg`` beside ``a.png``, with the suffix of their files."""
    counts = Counter(item.name for item in found)
    return [replace(item, name=item.name + Path(item.source).suffix) if counts[item.name] > 1 else item for item in found]


def as_picture(given: Any, *, index: int, rgb: bool = False) -> Picture:
    """A path, bytes or an array as a picture; ``index`` names what has no path.

    Raises:
        InputError: it is something else.
    """
    match given:
        case str() | os.PathLike():
            return Picture(name=Path(given).stem, source=str(given), content=Path(given))
        case bytes() | np.ndarray():
            return Picture(name=str(index), source=f'image {index}', content=given, rgb=rgb)
    raise InputError(f'input {index} is a {type(given).__name__}, but must be a path, bytes or an array')


def _of_file(path: Path, *, name: str, max_frames: int | None) -> Input:
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return Video(name=name, source=str(path), handle=str(path), max_frames=max_frames)
    return Picture(name=name, source=str(path), content=path)


def _in_folder(folder: Path, *, recursive: bool, outside: Path | None) -> list[Path]:
    """The pictures and videos of a folder, hidden ones left out."""
    def wanted(path: Path) -> bool:
        below = path.relative_to(folder)
        return (path.suffix.lower() in IMAGE_SUFFIXES + VIDEO_SUFFIXES and path.is_file()
                and not any(part.startswith('.') for part in below.parts)
                and not (outside and path.resolve().is_relative_to(outside)))

    outside = outside.resolve() if outside else None
    if outside == folder.resolve() or outside in folder.resolve().parents:
        outside = None  # it is not the folder's, the folder is in it
    paths = sorted(filter(wanted, folder.rglob('*') if recursive else folder.iterdir()))
    if not paths:
        hint = '' if recursive else '; its sub-folders are looked into only with the option recursive'
        raise InputError(f'{folder}: no pictures or videos in this folder{hint}')
    return paths
