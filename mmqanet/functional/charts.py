"""The charts of dense pose: the surface of the body cut into 24 pieces, each with coordinates U, V in [0, 1].

Güler et al., "DensePose: Dense Human Pose Estimation In The Wild" (CVPR 2018). Left and right are the person's own.

    P points, C = 25 charts with background as chart 0, ``...`` any leading batch, h, w size of the maps.
"""
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmqanet.errors import InputError

CHARTS = (
    'background', 'torso-back', 'torso-front', 'right-hand', 'left-hand', 'left-foot', 'right-foot',
    'right-upper-leg-back', 'left-upper-leg-back', 'right-upper-leg-front', 'left-upper-leg-front',
    'right-lower-leg-back', 'left-lower-leg-back', 'right-lower-leg-front', 'left-lower-leg-front',
    'left-upper-arm-front', 'right-upper-arm-front', 'left-upper-arm-back', 'right-upper-arm-back',
    'left-lower-arm-front', 'right-lower-arm-front', 'left-lower-arm-back', 'right-lower-arm-back',
    'right-head', 'left-head')
PARTS = (
    'background', 'torso', 'right-hand', 'left-hand', 'left-foot', 'right-foot', 'right-upper-leg', 'left-upper-leg',
    'right-lower-leg', 'left-lower-leg', 'left-upper-arm', 'right-upper-arm', 'left-lower-arm', 'right-lower-arm', 'head')
CHART_PAIRS = tuple((chart, chart + 1) for chart in range(3, 25, 2))
PART_PAIRS = tuple((part, part + 1) for part in range(2, 14, 2))
#: Coarse part of each chart.
PART_OF_CHART = np.array([0, 1, 1, 2, 3, 4, 5, 6, 7, 6, 7, 8, 9, 8, 9, 10, 11, 10, 11, 12, 13, 12, 13, 14, 14])
#: Scale of the geodesic distances on each chart, in metres: the same for left and right (Guler et al., challenge of 2018).
DISTANCE_SCALES = np.array([0.351, 0.107, 0.126, 0.237, 0.173, 0.142, 0.128, 0.150])[
    [0, *(0, 0, 1, 1, 2, 2), *[3] * 4, *[4] * 4, *[5] * 4, *[6] * 4, *[7] * 2]]


def swapped(count: int, pairs: tuple[tuple[int, int], ...]) -> np.ndarray:
    """(count,) what each label becomes in a mirror."""
    table = np.arange(count)
    for left, right in pairs:
        table[[left, right]] = right, left
    return table


MIRRORED_CHARTS = swapped(len(CHARTS), CHART_PAIRS)
MIRRORED_PARTS = swapped(len(PARTS), PART_PAIRS)


@dataclass(frozen=True)
class UVMirror:
    """What U and V become in a mirror, by chart.

    Attributes:
        u, v (np.ndarray): (24, 256, 256) in [0, 1]. Entry [k - 1, round-down(255 V), round-down(255 U)] is the coordinate
            on the mirrored chart of the point (U, V) of chart k.
    """

    u: np.ndarray
    v: np.ndarray

    def __post_init__(self) -> None:
        for name, table in (('U', self.u), ('V', self.v)):
            if table.shape != (len(CHARTS) - 1, 256, 256):
                raise InputError(f'{name}: tables of shape {table.shape}, not (24, 256, 256)')
            if not ((table >= 0) & (table <= 1)).all():
                raise InputError(f'{name}: a table leaves [0, 1]')

    def points(self, charts: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(P,) charts 1 to 24 with their U and V in [0, 1] → those of the mirrored points."""
        row, column = (255 * v).astype(int), (255 * u).astype(int)
        return MIRRORED_CHARTS[charts], self.u[charts - 1, row, column], self.v[charts - 1, row, column]

    def maps(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """U and V (..., 25, h, w) predicted for a mirrored image → those of the image itself; channel 0 is only mirrored.

        Values are cut to [0, 1] before they are looked up.
        """
        order = torch.as_tensor(MIRRORED_CHARTS, device=u.device)
        u, v = u.flip(-1), v.flip(-1)
        column, row = ((255 * part[..., 1:, :, :].clamp(0, 1)).long() for part in (u, v))
        place = row * 256 + column
        looked_up = []
        for part, table in ((u, self.u), (v, self.v)):
            flat = torch.as_tensor(table, dtype=part.dtype, device=part.device).flatten(1)
            values = torch.stack([flat[chart][place[..., chart, :, :]] for chart in range(len(flat))], dim=-3)
            looked_up.append(torch.cat([part[..., :1, :, :], values], dim=-3)[..., order, :, :])
        return looked_up[0], looked_up[1]
