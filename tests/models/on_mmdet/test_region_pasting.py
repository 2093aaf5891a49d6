"""Where maps lie in the image: Detectron's whole pixels, windows without area, the class map of the whole image."""
import cv2
import numpy as np
import pytest
import torch

pytest.importorskip('mmdet')
from mmqanet.functional.pasting import SemanticContext, paste_person
from mmqanet.models.on_mmdet.region_pasting import category_map, visible_window, whole_pixel_window


def detectron_labels(probs: np.ndarray, box: list[float], shape: tuple[int, int]) -> np.ndarray:
    """Pad by a sample, widen the box alike, cut it to whole pixels, resize, take the best class, cut at the image."""
    size = probs.shape[-1]
    x, y, half_w, half_h = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
    scale = (size + 2) / size
    x1, y1, x2, y2 = (int(value) for value in (
        x - half_w * scale, y - half_h * scale, x + half_w * scale, y + half_h * scale))
    padded = np.pad(probs.transpose(1, 2, 0), ((1, 1), (1, 1), (0, 0)))
    resized = cv2.resize(padded, (max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)))
    large = np.zeros((shape[0] + 400, shape[1] + 400), np.uint8)
    large[y1 + 200:y1 + 200 + resized.shape[0], x1 + 200:x1 + 200 + resized.shape[1]] = resized.argmax(2)
    return large[200:200 + shape[0], 200:200 + shape[1]]


@pytest.mark.parametrize('box', [[10.3, 7.9, 61.2, 80.4], [-20.5, 30.1, 40.0, 130.0], [50.0, 50.0, 53.0, 51.0],
                                 [90.2, 10.0, 130.7, 40.6]])
def test_regions_are_pasted_into_whole_pixels(box):
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(3 * rng.standard_normal((4, 8, 8)).repeat(4, 1).repeat(4, 2).astype(np.float32))
    probs = logits.softmax(0)
    window = whole_pixel_window(box, num_samples=32)
    pasted = paste_person([probs], [window], image_shape=(90, 110), background_below=0.0)
    found = np.zeros((90, 110), np.uint8)
    y, x = pasted.offset
    height, width = pasted.label_map.shape
    found[y:y + height, x:x + width] = pasted.label_map.numpy()
    expected = detectron_labels(probs.numpy(), box, (90, 110))
    assert expected.any()
    assert (found != expected).mean() < 0.001


def test_a_box_without_area_covers_a_pixel():
    assert visible_window([5, 7, 5, 9.5]) == (5, 7, 6, 9.5)
    assert visible_window([5, 7, 12, 7]) == (5, 7, 12, 8)
    x1, y1, x2, y2 = whole_pixel_window([5.0, 7.0, 4.5, 6.5], num_samples=32)
    assert x1 < x2
    assert y1 < y2


def test_the_class_map_shows_what_is_more_probable_than_the_threshold():
    probs = torch.tensor([[[0.1, 0.2], [0.9, 0.5]], [[0.8, 0.7], [0.05, 0.4]], [[0.1, 0.1], [0.05, 0.1]]])
    context = SemanticContext([probs], [(0, 0, 2, 2)], weight=0.2)
    found = category_map(context, image_shape=(2, 2), threshold=0.7)
    assert found.data.tolist() == [[[1, 0], [0, 0]]]  # 0.7 is not more than 0.7
    assert found.data.dtype == torch.uint8
