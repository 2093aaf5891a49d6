"""Reading videos and cameras frame by frame, by OpenCV."""
import math
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import cv2
import numpy as np

from mmqanet.errors import DataError, printable
from mmqanet.utils.containers import HEAD, is_container
from mmqanet.utils.files import check_file
from mmqanet.utils.opencv import silent_opencv

USUAL_FPS = 25.0  # where a camera or a file does not say
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')  # the decoder's own comments: what matters becomes a DataError


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A picture in memory.

    Attributes:
        name, source: of the picture or video it is from.
        image: (H, W, 3) uint8 BGR.
        index: number of the frame in its video, from 0; ``None`` for a picture.
        seconds: of the frame from the start of its video, as the file says.
        fps: mean frames a second of its video.
    """

    name: str
    source: str
    image: np.ndarray
    index: int | None = None
    seconds: float | None = None
    fps: float | None = None


@dataclass(frozen=True, kw_only=True)
class Video:
    """A video file or camera that is not opened yet.

    Attributes:
        name, source: as of a picture.
        handle: the path of a file or the index of a camera.
        max_frames: stop after so many.
        unwanted: set when no more frames are wanted, as where results cannot be written.
    """

    name: str
    source: str
    handle: str | int
    max_frames: int | None = None
    unwanted: Event = field(default_factory=Event, repr=False, compare=False)

    @property
    def is_camera(self) -> bool:
        """Whether frames come from a camera, by its number, and not from a file."""
        return isinstance(self.handle, int)

    def frames(self) -> Iterator[Frame]:
        """Read one frame after the other; a camera's never end.

        Raises:
            DataError: the video cannot be opened, or ends before its last frame: then after the frames that are there.
        """
        with self._opened() as capture:
            expected = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            fps = capture.get(cv2.CAP_PROP_FPS)
            fps = fps if 0 < fps < 1000 else USUAL_FPS
            clock = _Clock(fps, runs=self.is_camera)
            index = 0
            while index != self.max_frames and not self.unwanted.is_set():
                there, image = capture.read()
                if not there:
                    break
                seconds = clock.next(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
                yield Frame(name=self.name, source=self.source, image=image, index=index, seconds=seconds, fps=fps)
                index += 1
        if not index:
            raise DataError(f'{self.source}: no frame of this video can be read')
        expected = min(expected, self.max_frames or expected)
        if index < expected - max(2, expected // 50) and not self.unwanted.is_set():  # headers may promise a little too much
            raise DataError(f'{self.source}: the video breaks off after {index} of {expected} frames')

    def count(self) -> int:
        """How many frames will come; 0 where that is not known."""
        if self.is_camera:
            return self.max_frames or 0
        try:
            with self._opened() as capture:
                frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        except DataError:
            return 0
        return max(min(frames, self.max_frames or frames), 0)

    @contextmanager
    def _opened(self) -> Iterator[cv2.VideoCapture]:
        if isinstance(self.handle, str):
            self._check_container(self.handle)
            with plain_path(self.handle) as path:
                capture = _capture(path)
        else:
            capture = _capture(self.handle)
        try:
            if not capture.isOpened():
                raise DataError(f'{self.source}: not readable as a video' if not self.is_camera else
                                f'{self.source}: there is no such camera, or another program uses it')
            yield capture
        finally:
            capture.release()


    def _check_container(self, path: str) -> None:
        """Raise ``DataError`` unless a file is a video by itself, and no list of other files to open."""
        check_file(path)
        try:
            with open(path, 'rb') as file:
                head = file.read(HEAD)
        except OSError as error:
            raise DataError(f'{self.source}: {error.strerror}') from None
        if not is_container(head):
            raise DataError(f'{self.source}: not readable as a video')


class _Clock:
    """The time of each frame from the start of its video.

    Args:
        fps: what counts where a file gives no times, or times that do not grow.
        runs: the times are those at which frames come, as a camera's.
    """

    def __init__(self, fps: float, *, runs: bool) -> None:
        self.fps, self.runs = fps, runs
        self.start = time.monotonic()
        self.last: float | None = None

    def next(self, said: float) -> float:
        """Seconds of the next frame, of which the file says ``said``."""
        if self.last is None:
            self.start = time.monotonic()
            self.last = said if math.isfinite(said) and said > 0 and not self.runs else 0.0
        else:
            said = time.monotonic() - self.start if self.runs else said
            self.last = said if math.isfinite(said) and said > self.last else self.last + 1 / self.fps
        return self.last


def _capture(handle: str | int) -> cv2.VideoCapture:
    with silent_opencv():  # what it would say of a missing camera becomes a DataError
        return cv2.VideoCapture(handle)


@contextmanager
def plain_path(path: str | Path) -> Iterator[str]:
    """A path that OpenCV takes for what it is while this is open: it ends the process at bytes that are not UTF-8, and reads
    ``%`` and ``:`` as patterns and protocols. Where need be, a link to the file."""
    text = os.path.abspath(path)
    if printable(text) == text and not set('%:') & set(os.path.splitdrive(text)[1]):
        yield text
        return
    with tempfile.TemporaryDirectory(prefix='mmqanet_') as folder:
        link = os.path.join(folder, f'video{_plain_suffix(text)}')
        os.symlink(text, link)
        yield link


def _plain_suffix(path: str) -> str:
    suffix = os.path.splitext(path)[1]
    return suffix if suffix[1:].isascii() and suffix[1:].isalnum() else ''
