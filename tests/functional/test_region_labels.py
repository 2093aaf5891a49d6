"""Labels of regions against cropping and resizing one after the other."""
import cv2
import numpy as np
import torch

from mmqanet.functional.region_labels import crop_labels


def slow_crop(label_map: np.ndarray, box: list[float], size: tuple[int, int]) -> np.ndarray:
    height, width = label_map.shape
    x1, y1, x2, y2 = (int(np.round(value)) for value in box)  # half to even
    cut = label_map[max(y1, 0):min(y2, height), max(x1, 0):min(x2, width)]
    return cv2.resize(cut, size[::-1], interpolation=cv2.INTER_NEAREST)


def test_regions_are_cut_and_resized_to_the_nearest_pixel():
    rng = np.random.default_rng(0)
    maps = rng.integers(0, 20, (3, 50, 70), dtype=np.uint8)
    boxes = [[3.2, 4.5, 40.5, 44.4], [-8.0, -3.0, 20.0, 30.0], [60.4, 10.0, 90.0, 49.6], [10.0, 10.0, 11.0, 12.0],
             [0.0, 0.0, 70.0, 50.0]]
    people = [0, 2, 1, 1, 0]
    for size in ((32, 32), (13, 40)):
        found = crop_labels(torch.from_numpy(maps), torch.tensor(people), torch.tensor(boxes), size=size)
        assert found.dtype == torch.int64
        for labels, person, box in zip(found.numpy(), people, boxes):
            np.testing.assert_array_equal(labels, slow_crop(maps[person], box, size))


def test_regions_without_a_pixel_are_ignored():
    maps = torch.ones(1, 20, 30, dtype=torch.uint8)
    boxes = torch.tensor([[5.1, 5, 5.4, 9], [40, 5, 50, 9], [3, -9, 8, -1], [9, 9, 5, 5], [0, 0, 0.6, 0.6]])
    found = crop_labels(maps, torch.zeros(5, dtype=torch.long), boxes, size=(4, 4))
    assert [labels.unique().tolist() for labels in found] == [[255], [255], [255], [255], [1]]
    assert crop_labels(maps, torch.zeros(0, dtype=torch.long), boxes[:0], size=(4, 4)).shape == (0, 4, 4)
