"""Reading maps at points between their pixels.

    B images, P points, K channels, h, w size of the maps.
"""
import torch
from torch import Tensor


def sample_points(maps: Tensor, image_index: Tensor, points: Tensor) -> Tensor:
    """Read maps at points, bilinearly.

    Args:
        maps (Tensor): (B, K, h, w) floating.
        image_index (Tensor): (P,) int64 in [0, B), the image of each point.
        points (Tensor): (P, 2) x, y as indices of pixels: 0 is the centre of the first one. Between a border pixel's centre
            and one pixel further out the border's value counts; beyond, the value is 0.

    Returns:
        Tensor: (P, K), differentiable in ``maps``.
    """
    height, width = maps.shape[2:]
    x, y = points.to(maps.dtype).unbind(1)
    inside = (x >= -1) & (x <= width) & (y >= -1) & (y <= height)
    x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    left, top = x.detach().floor().long(), y.detach().floor().long()
    right, bottom = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    dx, dy = (x - left)[:, None], (y - top)[:, None]
    upper = torch.lerp(maps[image_index, :, top, left], maps[image_index, :, top, right], dx)
    lower = torch.lerp(maps[image_index, :, bottom, left], maps[image_index, :, bottom, right], dx)
    return torch.where(inside[:, None], torch.lerp(upper, lower, dy), 0)


def on_the_map(points: Tensor, size: tuple[int, int]) -> Tensor:
    """(P,) bool: whether a point (P, 2) x, y lies between the centres of the border pixels of maps of (h, w)."""
    height, width = size
    x, y = points.unbind(1)
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
