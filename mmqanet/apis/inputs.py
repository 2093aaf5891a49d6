"""What can be parsed: files, folders, bytes, arrays, images, videos and cameras, as a list of pictures and videos.

Nothing is opened before its turn, so that one bad file spoils nothing but itself.
"""
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from mmqanet.apis.folders import VIDEO_SUFFIXES, list_folder
from mmqanet.apis.videos import Frame, Video
from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import MAX_FILE_BYTES, PathLike
from mmqanet.utils.images import decode_image, plain_colour, read_image

LAST_CAMERA = 2**31 - 1  # that OpenCV can be asked for


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A single picture that is not read yet.

    Attributes:
        name: of its results: the path below the folder it was found in, without suffix unless another has the same;
            a number for what has no path.
        source: what errors and records call it, its path or e.g. ``'image 3'``.
        content: a path, the bytes of a file, a file opened for reading bytes, an array (H, W, 3) or (H, W) uint8, or a
            Pillow image.
        rgb: whether an array is RGB instead of BGR.
        max_bytes: a larger file is refused; ``None`` refuses none.
    """

    name: str
    source: str
    content: Path | bytes | BinaryIO | np.ndarray | Image.Image
    rgb: bool = False
    max_bytes: int | None = MAX_FILE_BYTES

    def frames(self) -> Iterator[Frame]:
        """The picture as the one frame it is.

        Raises:
            DataError: it cannot be read. InputError: an array is of another shape or type.
        """
        yield Frame(name=self.name, source=self.source, image=self.read())

    def read(self) -> np.ndarray:
        """(H, W, 3) uint8 BGR; errors as in :meth:`frames`."""
        match self.content:
            case Path():
                return read_image(self.content, max_bytes=self.max_bytes)
            case bytes():
                return decode_image(self.content, where=self.source)
            case np.ndarray():
                return self._colour(self.content)
            case Image.Image():
                return self._pixels(self.content)
        return decode_image(self._rest_of(self.content), where=self.source)

    def count(self) -> int:
        """How many frames."""
        return 1

    def _colour(self, image: np.ndarray) -> np.ndarray:
        if image.ndim == 3 and image.shape[2] == 1:
            image = image[..., 0]
        if image.dtype != np.uint8 or not image.size or (image.ndim != 2 and image.shape[2:] != (3,)):
            raise InputError(f'{self.source} must be (H, W, 3) or (H, W) uint8, not {image.shape} {image.dtype}')
        if image.ndim == 2:
            return np.repeat(image[..., None], 3, axis=2)
        return np.ascontiguousarray(image[..., ::-1]) if self.rgb else image

    def _pixels(self, image: Image.Image) -> np.ndarray:
        try:
            return plain_colour(image)
        except MemoryError:
            raise DataError(f'{self.source}: not enough memory to read this picture') from None
        except Exception as error:  # an image of Pillow may still have to be decoded
            raise DataError(f'{self.source}: not readable as an image ({error})') from None

    def _rest_of(self, file: BinaryIO) -> bytes:
        try:
            if file.seekable():
                file.seek(0)
            content = file.read() if self.max_bytes is None else file.read(self.max_bytes + 1)
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise DataError(f'{self.source}: not readable ({error})') from None
        if not isinstance(content, bytes):
            raise InputError(f"{self.source}: the file is opened for reading text; open it with 'rb'")
        if self.max_bytes is not None and len(content) > self.max_bytes:
            raise DataError(f'{self.source}: more than {self.max_bytes:,} bytes, which are not read')
        return content


Input = Picture | Video


def find_inputs(
    inputs: Any,
    *,
    recursive: bool = False,
    rgb: bool = False,
    outside: Path | None = None,
    max_frames: int | None = None,
    max_bytes: int | None = MAX_FILE_BYTES,
    repeat: bool = True,
    tell: Callable[[str], None] = warnings.warn,
) -> list[Input]:
    """List what is to be parsed.

    Args:
        inputs: a path to a picture, video or folder, the bytes of a picture, a file opened for reading bytes, an array
            (H, W, 3) or (H, W) uint8, an image of Pillow, the index of a camera, or an iterable of these; what is a
            ``Picture`` or ``Video`` already stays one.
        recursive: also look into the folders of a folder.
        rgb: arrays are RGB instead of BGR.
        outside: leave out what a folder holds below this one.
        max_frames: stop a video or camera after so many.
        max_bytes: refuse, at their turn, larger files of pictures.
        repeat: hand out a file that is given again as often as it is given, under names of its own.
        tell: called with a line on what is left out of a folder; warns by default.

    Returns:
        list: pictures and videos, those of a folder sorted by path.

    Raises:
        InputError: something of another type, or a folder without pictures and videos.
    """
    def of_file(path: Path, name: str) -> Input:
        if path.suffix.lower() in VIDEO_SUFFIXES:
            return Video(name=result_name(name), source=str(path), handle=str(path), max_frames=max_frames)
        return Picture(name=result_name(name), source=str(path), content=path, max_bytes=max_bytes)

    found: list[Input] = []
    for index, given in enumerate([inputs] if is_single(inputs) else inputs):
        match given:
            case str() | os.PathLike() if _is_folder(given):
                listing = list_folder(Path(given), recursive=recursive, outside=outside)
                for remark in listing.remarks:
                    tell(remark)
                found += [of_file(path, path.relative_to(given).with_suffix('').as_posix()) for path in listing.files]
            case str() | os.PathLike():
                found.append(of_file(Path(given), Path(given).stem))
            case Picture() | Video():
                found.append(given)
            case int() if not isinstance(given, bool) and abs(given) <= LAST_CAMERA:
                found.append(Video(name=f'camera{given}', source=f'camera {given}', handle=given, max_frames=max_frames))
            case _:
                found.append(replace(as_picture(given, index=index, rgb=rgb), max_bytes=max_bytes))
    return _told_apart(found, repeat=repeat)


def is_single(inputs: Any) -> bool:
    """Whether something is one input rather than an iterable of some."""
    return (isinstance(inputs, str | os.PathLike | bytes | bytearray | memoryview | np.ndarray | Image.Image)
            or hasattr(inputs, 'read') or not isinstance(inputs, Iterable))


def as_picture(given: Any, *, index: int, rgb: bool = False) -> Picture:
    """A path, bytes, an open file, an array or an image of Pillow as a picture; ``index`` names what has no path.

    Raises:
        InputError: it is something else.
    """
    match given:
        case str() | os.PathLike():
            return Picture(name=result_name(Path(given).stem), source=str(given), content=Path(given))
        case bytearray() | memoryview():
            return Picture(name=str(index), source=f'image {index}', content=bytes(given))
        case bytes() | np.ndarray() | Image.Image():
            return Picture(name=str(index), source=f'image {index}', content=given, rgb=rgb)
        case _ if hasattr(given, 'read'):
            return Picture(name=str(index), source=f'image {index}', content=given)
    raise InputError(f'input {index} is a {type(given).__name__}, but must be a path, bytes, an open file, an array or an '
                     'image of Pillow')


def result_name(name: str) -> str:
    """A name for results: as it is, but bytes that are not UTF-8 as ``%FF``, as a JSON file cannot hold them."""
    return ''.join(f'%{ord(char) - 0xDC00:02X}' if 0xDC80 <= ord(char) <= 0xDCFF else char for char in name)


def _is_folder(given: PathLike) -> bool:
    try:
        return os.path.isdir(given)
    except ValueError:  # a name with a NUL
        return False


def _told_apart(found: list[Input], *, repeat: bool) -> list[Input]:
    """The same inputs under different names: with the suffix of their files where names are equal, as of ``a.jpg`` beside
    ``a.png``, and numbered where a file is given again."""
    again = Counter[tuple[str, str]]()
    numbered = []
    for item in found:
        key = item.name, os.path.abspath(item.source)
        again[key] += 1
        if again[key] == 1:
            numbered.append(item)
        elif repeat:
            numbered.append(replace(item, name=f'{item.name}~{again[key]}'))
    counts = Counter(item.name for item in numbered)
    return [replace(item, name=item.name + result_name(Path(item.source).suffix)) if counts[item.name] > 1 else item
            for item in numbered]
