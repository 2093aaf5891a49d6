"""Where a video cuts to another scene."""
import cv2
import numpy as np

THUMBNAIL = 64, 36  # pixels
BINS = 8  # of each colour
COMMON_COLOURS = 0.6  # share below which two frames differ in colours
CORRELATION = 0.6  # of thumbnails, below which they differ in what is where


class SceneCuts:
    """Compares each frame with the one before it.

    A cut is where both the colours (intersection of histograms) and the arrangement (correlation of thumbnails) change. A
    camera that moves keeps the colours, a lamp that goes on keeps the arrangement. A frame of another size starts a scene,
    too.
    """

    def __init__(self) -> None:
        self.shape: tuple[int, ...] | None = None
        self.thumbnail: np.ndarray = np.zeros(0)
        self.colours: np.ndarray = np.zeros(0)

    def is_cut(self, image: np.ndarray) -> bool:
        """Whether (H, W, 3) uint8 shows another scene than the frame before; ``False`` for the first."""
        small = cv2.resize(image, THUMBNAIL, interpolation=cv2.INTER_AREA)
        colours = cv2.calcHist([small], [0, 1, 2], None, [BINS] * 3, [0, 256] * 3).ravel() / (small.size // 3)
        thumbnail = small - small.mean(axis=(0, 1), dtype=np.float32)
        before, self.shape = self.shape, image.shape
        other, self.thumbnail = self.thumbnail, thumbnail
        other_colours, self.colours = self.colours, colours
        if before is None or before != image.shape:
            return before is not None
        common = float(np.minimum(colours, other_colours).sum())
        scale = float(np.linalg.norm(thumbnail) * np.linalg.norm(other))
        return common < COMMON_COLOURS and float((thumbnail * other).sum()) < CORRELATION * scale
