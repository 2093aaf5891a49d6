"""What loading keeps from one epoch to the next: pixels as they are, label maps of people compressed.

Both return exactly what was added.
"""
import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import Hashable

import cv2
import numpy as np

from mmqanet.functional.overlaps import runs
from mmqanet.utils.shared_store import SharedStore

PICTURE = struct.Struct('<II')  # height, width
WINDOW = struct.Struct('<7I')  # height, width of the map; x, y, width, height of the window; number of runs


class Kept(ABC):
    """Arrays by key, each as some bytes of a store.

    Args:
        max_bytes: as of :class:`~mmqanet.utils.shared_store.SharedStore`.
    """

    def __init__(self, max_bytes: int) -> None:
        self.store = SharedStore(max_bytes)

    def get(self, key: Hashable) -> np.ndarray | None:
        """What was added; ``None`` if it is not kept."""
        content = self.store.get(key)
        return None if content is None else self.decode(content)

    def add(self, key: Hashable, array: np.ndarray) -> None:
        """Keep an array, if there is room."""
        if not self.store.full:
            self.store.add(key, *self.encode(array))

    @abstractmethod
    def encode(self, array: np.ndarray) -> tuple[bytes | memoryview, ...]:
        """The content of an array, in parts."""

    @abstractmethod
    def decode(self, content: memoryview) -> np.ndarray:
        """The array of a content."""


class KeptPictures(Kept):
    """Pictures (H, W, 3) uint8, read-only when they come back. They are not compressed: every lossless code of photos takes
    longer to read than JPEG."""

    def encode(self, array: np.ndarray) -> tuple[bytes | memoryview, ...]:
        """Height, width and pixels."""
        return PICTURE.pack(*array.shape[:2]), np.ascontiguousarray(array).data.cast('B')

    def decode(self, content: memoryview) -> np.ndarray:
        """A view of the content."""
        height, width = PICTURE.unpack_from(content)
        return np.frombuffer(content, np.uint8, offset=PICTURE.size).reshape(height, width, 3)


class KeptMaps(Kept):
    """Label maps (H, W) uint8 that are background but for one window each: the runs of the window are kept, compressed."""

    def encode(self, array: np.ndarray) -> tuple[bytes | memoryview, ...]:
        """Where the window is, and its runs."""
        x, y, width, height = cv2.boundingRect(array)
        (values,), lengths = runs(array[y:y + height, x:x + width])
        code = zlib.compress(lengths.astype(np.uint32).tobytes() + values.tobytes(), 1)
        return WINDOW.pack(*array.shape, x, y, width, height, len(values)), code

    def decode(self, content: memoryview) -> np.ndarray:
        """A map of its own."""
        *shape, x, y, width, height, count = WINDOW.unpack_from(content)
        code = zlib.decompress(content[WINDOW.size:])
        lengths = np.frombuffer(code, np.uint32, count)
        values = np.frombuffer(code, np.uint8, count, offset=lengths.nbytes)
        labels = np.zeros(shape, np.uint8)
        labels[y:y + height, x:x + width] = values.repeat(lengths).reshape(height, width)
        return labels
