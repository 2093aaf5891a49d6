"""Points of dense pose in a picture: a dot in the colour of its chart."""
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from mmqanet.visualization.paint import INK

RADIUS = 3.2  # pixels
SHIFT = 4  # bits of a pixel that OpenCV draws by


@dataclass(frozen=True)
class PlacedPoints:
    """P points in a picture.

    xy: (P, 2) floating, as indices of pixels. colours: (P, 3) uint8 BGR.
    """

    xy: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    colours: np.ndarray = field(default_factory=lambda: np.empty((0, 3), np.uint8))

    @classmethod
    def joined(cls, parts: Sequence['PlacedPoints']) -> 'PlacedPoints':
        """Those of several people."""
        parts = [cls(), *parts]
        return cls(np.concatenate([one.xy for one in parts]), np.concatenate([one.colours for one in parts]))

    def draw(self, image: np.ndarray, *, zoom: float = 1.0) -> None:
        """Draw them on an image (H, W, 3) uint8 BGR that is ``zoom`` times as large as the picture, in place."""
        for (x, y), own in zip((self.xy + 0.5) * zoom - 0.5, self.colours.tolist()):
            place = round(x * 2**SHIFT), round(y * 2**SHIFT)
            for radius, colour in ((RADIUS + 1.2, INK), (RADIUS, own)):
                cv2.circle(image, place, round(radius * 2**SHIFT), colour, cv2.FILLED, cv2.LINE_AA, SHIFT)
