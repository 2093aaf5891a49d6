"""Labels of regions: what a region-based parser learns of a person.

Letters: N regions, M people, H, W the image, h, w size of a region's labels.
"""
import torch
from torch import Tensor


def crop_labels(label_maps: Tensor, people: Tensor, boxes: Tensor, *, size: tuple[int, int], ignore: int = 255) -> Tensor:
    """Cut regions out of people's label maps, to the nearest whole pixels, and resize them by nearest neighbour.

    What of a person lies outside the region is lost. A region that leaves the image is cut at its border.

    Args:
        label_maps: (M, H, W) integer, the labels of each person.
        people: (N,) int64, whose labels a region gets.
        boxes: (N, 4) xyxy in pixels; rows round(y1) up to, not including, round(y2) are taken, columns likewise.
        size: (h, w).
        ignore: label of a region that holds no pixel.

    Returns:
        Tensor: (N, h, w) int64.
    """
    height, width = label_maps.shape[1:]
    limit = boxes.new_tensor([width, height, width, height])
    x1, y1, x2, y2 = boxes.round().clamp(min=0).minimum(limit).long().unbind(dim=1)
    rows = _nearest(y1, y2, size[0], limit=height)
    columns = _nearest(x1, x2, size[1], limit=width)
    labels = label_maps[people[:, None, None], rows[:, :, None], columns[:, None, :]].long()
    empty = (x2 <= x1) | (y2 <= y1)
    return labels.masked_fill(empty[:, None, None], ignore)


def _nearest(first: Tensor, last: Tensor, size: int, *, limit: int) -> Tensor:
    """Which of the pixels [first, last) each of ``size`` samples takes, (N, size), as OpenCV rounds it."""
    count = (last - first).clamp(min=1).double()
    steps = torch.arange(size, device=first.device, dtype=torch.float64)
    return (first[:, None] + (steps * (1 / (size / count))[:, None]).floor().long()).clamp(max=limit - 1)
