"""Reading and writing videos frame by frame, by OpenCV."""
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmqanet.errors import DataError

USUAL_FPS = 25.0  # where a camera or a file does not say
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')  # the decoder's own comments: what matters becomes a DataError


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A picture in memory.

    Attributes:
        name, source: of the picture or video it is from.
        image: (H, W, 3) uint8 BGR.
        index: number of the frame in its video, from 0; ``None`` for a picture.
        fps: frames a second of its video.
    """

    name: str
    source: str
    image: np.ndarray
    index: int | None = None
    fps: float | None = None


@dataclass(frozen=True, kw_only=True)
class Video:
    """A video file or camera that is not opened yet.

    Attributes:
        name, source: as of a picture.
        handle: the path of a file or the index of a camera.
        max_frames: stop after so many.
    """

    name: str
    source: str
    handle: str | int
    max_frames: int | None = None

    @property
    def is_camera(self) -> bool:
        return isinstance(self.handle, int)

    def frames(self) -> Iterator[Frame]:
        """Read one frame after the other; a camera's never end.

        Raises:
            DataError: the video cannot be opened, or ends before its last frame: then after the frames that are there.
        """
        capture = self._open()
        try:
            expected = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            fps = capture.get(cv2.CAP_PROP_FPS)
            index = 0
            while index != self.max_frames:
                there, image = capture.read()
                if not there:
                    break
                yield Frame(name=self.name, source=self.source, image=image, index=index,
                            fps=fps if 0 < fps < 1000 else USUAL_FPS)
                index += 1
        finally:
            capture.release()
        if not index:
            raise DataError(f'{self.source}: no frame of this video can be read')
        expected = min(expected, self.max_frames or expected)
        if index < expected - max(2, expected // 50):  # headers may promise a little too much
            raise DataError(f'{self.source}: the video breaks off after {index} of {expected} frames')

    def count(self) -> int:
        """How many frames will come; 0 where that is not known."""
        if self.is_camera:
            return self.max_frames or 0
        try:
            capture = self._open()
        except DataError:
            return 0
        frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        return max(min(frames, self.max_frames or frames), 0)

    def _open(self) -> cv2.VideoCapture:
        if isinstance(self.handle, str) and not Path(self.handle).is_file():
            raise DataError(f'{self.source}: no such file')
        level = cv2.setLogLevel(0)  # what OpenCV would say of a missing camera becomes a DataError
        capture = cv2.VideoCapture(self.handle)
        cv2.setLogLevel(level)
        if not capture.isOpened():
            raise DataError(f'{self.source}: not readable as a video' if not self.is_camera else
                            f'{self.source}: there is no such camera, or another program uses it')
        return capture


class VideoWriter:
    """An MP4 without sound that appears under its name when it is closed.

    Args:
        path: of the MP4.
        fps: frames a second.

    Raises:
        DataError: it cannot be written.
    """

    def __init__(self, path: Path, *, fps: float):
        self.path, self.fps = path, fps
        self.temporary = _temporary_beside(path)
        self.writer: cv2.VideoWriter | None = None

    def add(self, image: np.ndarray) -> None:
        """Append (H, W, 3) uint8 BGR; all frames have the size of the first. Odd sides grow by a pixel: the codec's wish."""
        height, width = image.shape[:2]
        image = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        if self.writer is None:
            self.writer = cv2.VideoWriter(
                str(self.temporary), cv2.VideoWriter.fourcc(*'mp4v'), self.fps, (image.shape[1], image.shape[0]))
            if not self.writer.isOpened():
                raise DataError(f'{self.path}: this OpenCV cannot write MP4 videos')
        self.writer.write(image)

    def close(self) -> None:
        """Finish the file."""
        if self.writer is not None:
            self.writer.release()
        _finish(self.temporary, self.path)


class TrackWriter:
    """JSON lines that appear under their name when they are closed."""

    def __init__(self, path: Path):
        self.path = path
        self.temporary = _temporary_beside(path)
        self.file = self.temporary.open('w', encoding='utf-8')

    def add(self, described: dict) -> None:
        """Append a line."""
        try:
            self.file.write(json.dumps(described, allow_nan=False, ensure_ascii=False) + '\n')
        except OSError as error:
            raise DataError(f'{self.path}: cannot be written ({error.strerror})') from None

    def close(self) -> None:
        """Finish the file."""
        self.file.close()
        _finish(self.temporary, self.path)

    def discard(self) -> None:
        """Leave nothing behind."""
        self.file.close()
        self.temporary.unlink(missing_ok=True)


def _temporary_beside(path: Path) -> Path:
    """An empty file in the folder of ``path``, of its kind."""
    if path.is_dir():
        raise DataError(f'{path}: cannot be written (it is a folder)')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix='.part_', suffix=path.suffix)
    except OSError as error:
        raise DataError(f'{path}: cannot be written ({error.strerror})') from None
    os.close(handle)
    return Path(temporary)


def _finish(temporary: Path, path: Path) -> None:
    """Give a whole file its name."""
    try:
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError(f'{path}: cannot be written ({error.strerror})') from None
