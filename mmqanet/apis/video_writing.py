"""Writing videos and JSON lines, frame by frame."""
import json
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from mmqanet.apis.videos import plain_path
from mmqanet.errors import DataError
from mmqanet.utils.opencv import silent_opencv


class VideoWriter:
    """An MP4 without sound.

    Args:
        path: of the file.
        fps: frames a second.
        target: what errors call it, if it is to get another name.

    Raises:
        DataError: it cannot be written.
    """

    def __init__(self, path: Path, *, fps: float, target: Path | None = None) -> None:
        self.path, self.fps, self.target = path, fps, target or path
        self.writer: cv2.VideoWriter | None = None
        self.size = 0, 0
        self.frames = 0

    def add(self, image: np.ndarray) -> None:
        """Append (H, W, 3) uint8 BGR. All frames get the size of the first; the codec wants even sides, so odd ones grow."""
        if self.writer is None:
            height, width = image.shape[:2]
            self.size = width + width % 2, height + height % 2
            self.writer = self._open()
        width, height = self.size
        if abs(image.shape[0] - height) > 1 or abs(image.shape[1] - width) > 1:
            image = cv2.resize(image, self.size, interpolation=cv2.INTER_AREA)
        below, beside = height - image.shape[0], width - image.shape[1]
        self.writer.write(cv2.copyMakeBorder(image[:height, :width], 0, max(below, 0), 0, max(beside, 0),
                                             cv2.BORDER_REPLICATE))
        self.frames += 1

    def _open(self) -> cv2.VideoWriter:
        try:
            self.path.touch()  # for the link that may lead to it
        except OSError as error:
            raise DataError(f'{self.target}: cannot be written ({error.strerror})') from None
        with silent_opencv(), plain_path(self.path) as path:
            writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*'mp4v'), self.fps, self.size)
        if not writer.isOpened():
            width, height = self.size
            raise DataError(f'{self.target}: cannot be written (this OpenCV writes no MP4 of {width}x{height} pixels and '
                            f'{self.fps:g} frames a second)')
        return writer

    def close(self) -> None:
        """Finish the file.

        Raises:
            DataError: the file is not whole: of a full disk, say, OpenCV tells nothing.
        """
        if self.writer is None:
            return
        self.release()
        if not is_whole_mp4(self.path):
            raise DataError(f'{self.target}: cannot be written (the file breaks off; is the disk full?)')

    def release(self) -> None:
        """Let go of the file, whole or not."""
        if self.writer is not None:
            self.writer.release()
            self.writer = None


def is_whole_mp4(path: Path) -> bool:
    """Whether a file is a row of whole boxes (ISO/IEC 14496-12, 4.2), among them the index, which is written last."""
    kinds, end = set(), path.stat().st_size
    with path.open('rb') as file:
        start = 0
        while start < end:
            file.seek(start)
            header = file.read(16)
            size = int.from_bytes(header[:4], 'big')
            size = int.from_bytes(header[8:16], 'big') if size == 1 else size
            if len(header) < 8 or size < 8:
                return False
            kinds.add(header[4:8])
            start += size
    return start == end and b'moov' in kinds


class JsonLinesWriter:
    """A JSON line a frame.

    Args:
        path: of the file.
        target: what errors call it, if it is to get another name.

    Raises:
        DataError: it cannot be written.
    """

    def __init__(self, path: Path, *, target: Path | None = None) -> None:
        self.target = target or path
        try:
            self.file = path.open('w', encoding='utf-8', buffering=1)
        except OSError as error:
            raise DataError(f'{self.target}: cannot be written ({error.strerror})') from None

    def add(self, described: dict) -> None:
        """Append a line."""
        try:
            self.file.write(json.dumps(described, allow_nan=False, ensure_ascii=False) + '\n')
        except OSError as error:
            raise DataError(f'{self.target}: cannot be written ({error.strerror})') from None

    def close(self) -> None:
        """Finish the file.

        Raises:
            DataError: what is left cannot be written.
        """
        try:
            self.file.close()
        except OSError as error:
            raise DataError(f'{self.target}: cannot be written ({error.strerror})') from None

    def discard(self) -> None:
        """Let go of the file, whole or not."""
        with suppress(OSError):
            self.file.close()
