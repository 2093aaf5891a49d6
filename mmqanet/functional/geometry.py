"""The geometry between an image and the crop of one person, in both directions.

Coordinates are continuous everywhere: column ``i`` of an array covers ``[i, i + 1]``, its centre is ``i + 0.5``, and an
image spans ``[0, W] × [0, H]``. Array libraries that address pixels by the index of their centre (``cv2.warpAffine``)
need the half pixel of :meth:`PersonCrop.index_matrix`.
"""
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from mmqanet.errors import InputError


@dataclass(frozen=True, kw_only=True)
class PersonCrop:
    """Where the network's view of one person lies in the image.

    The window of ``size`` around ``centre``, turned by ``rotation``, is stretched onto the output; a ``flipped`` crop is
    then mirrored. Mirroring the crop equals mirroring the image and turning the other way round.

    Attributes:
        centre (tuple[float, float]): (x, y) in image pixels.
        size (tuple[float, float]): (width, height) of the window in image pixels.
        output_size (tuple[int, int]): (width, height) of the crop in pixels.
        rotation (float): degrees by which the window is turned clockwise, as seen in the image.
        flipped (bool): whether the crop is mirrored left to right.
    """

    centre: tuple[float, float]
    size: tuple[float, float]
    output_size: tuple[int, int]
    rotation: float = 0.0
    flipped: bool = False

    @classmethod
    def from_box(cls, box: Iterable[float], *, output_size: tuple[int, int], padding: float = 1.25) -> 'PersonCrop':
        """The crop of a box: extended in height or width to the output's aspect ratio, then padded (docs/training.md).

        Args:
            box: 4 numbers x1, y1, x2, y2 in image pixels.
            output_size: (width, height) of the crop in pixels.
            padding: factor on both sides after the extension.

        Raises:
            InputError: the box holds NaN or infinity, or has no area.
        """
        x1, y1, x2, y2 = (float(value) for value in box)
        width, height = x2 - x1, y2 - y1
        if not (np.isfinite([x1, y1, x2, y2]).all() and width > 0 and height > 0):
            raise InputError(f'box {[x1, y1, x2, y2]} is not a finite x1, y1, x2, y2 with an area')
        aspect = output_size[0] / output_size[1]
        width, height = max(width, height * aspect), max(height, width / aspect)
        return cls(
            centre=((x1 + x2) / 2, (y1 + y2) / 2),
            size=(width * padding, height * padding),
            output_size=(int(output_size[0]), int(output_size[1])),
        )

    def scaled(self, factor: float) -> 'PersonCrop':
        """The same crop with its window ``factor`` times as large (above 1 the person looks smaller)."""
        return replace(self, size=(self.size[0] * factor, self.size[1] * factor))

    def rotated(self, degrees: float) -> 'PersonCrop':
        """The same crop, its window turned further by so many degrees clockwise."""
        return replace(self, rotation=self.rotation + degrees)

    def mirrored(self) -> 'PersonCrop':
        """The same crop, mirrored left to right; of a mirrored one, as it was."""
        return replace(self, flipped=not self.flipped)

    @property
    def window(self) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2 of the window in image pixels; only an unrotated crop has one."""
        if self.rotation != 0:
            raise InputError('a rotated crop has no axis-aligned window')
        (x, y), (w, h) = self.centre, self.size
        return x - w / 2, y - h / 2, x + w / 2, y + h / 2

    def matrix(self) -> np.ndarray:
        """(2, 3) float64: continuous image coordinates → continuous crop coordinates."""
        out_w, out_h = self.output_size
        angle = np.deg2rad(self.rotation)
        turn_back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        mirror = -1.0 if self.flipped else 1.0
        stretch = np.diag([mirror * out_w / self.size[0], out_h / self.size[1]])
        linear = stretch @ turn_back
        shift = np.array([out_w / 2, out_h / 2]) - linear @ np.asarray(self.centre)
        return np.column_stack([linear, shift])

    def index_matrix(self) -> np.ndarray:
        """(2, 3) float64: the same map between indices of pixel centres, as ``cv2.warpAffine`` wants it."""
        matrix = self.matrix()
        matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
        return matrix

    def to_crop(self, points: ArrayLike) -> np.ndarray:
        """Image points (..., 2) as (x, y) → crop points (..., 2)."""
        matrix = self.matrix()
        return np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]

    def to_image(self, points: ArrayLike) -> np.ndarray:
        """Crop points (..., 2) as (x, y) → image points (..., 2); the inverse of :meth:`to_crop`."""
        matrix = self.matrix()
        return (np.asarray(points, dtype=np.float64) - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T


def aligned_average_weights(start: float, length: float, bins: int, pixels: int) -> np.ndarray:
    """Weights of RoIAlign along one axis: the sampler of the release's test time (``sampling_ratio=0, aligned=True``).

    Bin ``i`` averages ``ceil(length / bins)`` evenly spaced points of its stretch of ``[start, start + length]``, each
    interpolated linearly between pixel centres; points more than half a pixel outside the axis read 0.

    Args:
        start, length: the window along this axis, in continuous pixels.
        bins: number of output pixels.
        pixels: number of input pixels.

    Returns:
        (bins, pixels) float32; ``weights_y @ image @ weights_x.T`` is the crop.
    """
    per_bin = max(int(np.ceil(length / bins)), 1)
    points = start + (np.arange(bins * per_bin) + 0.5) / per_bin * (length / bins) - 0.5
    inside = (points >= -1) & (points <= pixels)
    points = points.clip(0, pixels - 1)
    low = np.minimum(points.astype(np.int64), max(pixels - 2, 0))
    high = np.minimum(low + 1, pixels - 1)
    fraction = points - low
    rows = np.arange(bins * per_bin) // per_bin
    weights = np.zeros((bins, pixels), dtype=np.float64)
    np.add.at(weights, (rows, low), np.where(inside, 1 - fraction, 0) / per_bin)
    np.add.at(weights, (rows, high), np.where(inside, fraction, 0) / per_bin)
    return weights.astype(np.float32)
