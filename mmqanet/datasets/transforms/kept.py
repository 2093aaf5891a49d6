"""What loading keeps from one epoch to the next: pixels as they are, label maps of people compressed.

Both return exactly what was added.
"""
import struct
import zlib
from collections.abc import Hashable

import cv2
import numpy as np

from mmqanet.functional.overlaps import runs
from mmqanet.utils.shared_store import SharedStore

PICTURE = struct.Struct('<II')  # height, width
WINDOW = struct.Struct('<7I')  # height, width of the map; x, y, width, height of the window; number of runs


class KeptPictures:
    """Pictures (H, W, 3) uint8, not compressed: every lossless code of photos takes longer to read than JPEG.

    Args:
        max_bytes: as of :class:`~mmqanet.utils.shared_store.SharedStore`.
    """

    def __init__(self, max_bytes: int) -> None:
        self.store = SharedStore(max_bytes)

    def get(self, key: Hashable) -> np.ndarray | None:
        """A picture, read-only; ``None`` if it is not kept."""
        content = self.store.get(key)
        if content is None:
            return None
        height, width = PICTURE.unpack_from(content)
        return np.frombuffer(content, np.uint8, offset=PICTURE.size).reshape(height, width, 3)

    def add(self, key: Hashable, picture: np.ndarray) -> None:
        """Keep a picture, if there is room."""
        self.store.add(key, PICTURE.pack(*picture.shape[:2]), np.ascontiguousarray(picture).data.cast('B'))


class KeptMaps:
    """Label maps (H, W) uint8 that are background but for one window each: the runs of the window are kept, compressed.

    Args:
        max_bytes: as of :class:`~mmqanet.utils.shared_store.SharedStore`.
    """

    def __init__(self, max_bytes: int) -> None:
        self.store = SharedStore(max_bytes)

    def get(self, key: Hashable) -> np.ndarray | None:
        """A copy of a map; ``None`` if it is not kept."""
        content = self.store.get(key)
        if content is None:
            return None
        *shape, x, y, width, height, count = WINDOW.unpack_from(content)
        code = zlib.decompress(content[WINDOW.size:])
        lengths = np.frombuffer(code, np.uint32, count)
        values = np.frombuffer(code, np.uint8, count, offset=lengths.nbytes)
        labels = np.zeros(shape, np.uint8)
        labels[y:y + height, x:x + width] = values.repeat(lengths).reshape(height, width)
        return labels

    def add(self, key: Hashable, labels: np.ndarray) -> None:
        """Keep a map, if there is room."""
        if self.store.full:
            return
        x, y, width, height = cv2.boundingRect(labels)
        (values,), lengths = runs(labels[y:y + height, x:x + width])
        code = zlib.compress(lengths.astype(np.uint32).tobytes() + values.tobytes(), 1)
        self.store.add(key, WINDOW.pack(*labels.shape, x, y, width, height, len(values)), code)
