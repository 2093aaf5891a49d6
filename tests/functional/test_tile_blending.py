"""Tiles of a person, blended into the coarse map."""
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmqanet.errors import InputError
from mmqanet.functional.pasting import paste_person
from mmqanet.functional.quality import pixel_scores
from mmqanet.functional.tile_blending import Tiles, seen_nearby, tile_windows


def random_probs(*shape, seed=0, sharpness=4.0):
    generator = torch.Generator().manual_seed(seed)
    return (sharpness * torch.randn(*shape, generator=generator)).softmax(0)


def sampled(probs, window, shape, outside='zeros'):
    """A map (C, h, w) at the centres of all pixels of the image."""
    x1, y1, x2, y2 = window
    x = (np.arange(shape[1]) + 0.5 - x1) * 2 / (x2 - x1) - 1
    y = (np.arange(shape[0]) + 0.5 - y1) * 2 / (y2 - y1) - 1
    grid = torch.from_numpy(np.stack(np.meshgrid(x, y), axis=-1))[None]
    return F.grid_sample(probs.double()[None], grid, align_corners=False, padding_mode=outside)[0]


def weights_of(window, shape):
    """The tile's weight at every pixel of the image, as the module's docstring says."""
    x1, y1, x2, y2 = window
    places = [(np.arange(size) + 0.5 - start) / (stop - start)
              for size, start, stop in ((shape[0], y1, y2), (shape[1], x1, x2))]
    down, across = (np.where((at >= 0) & (at <= 1), np.sin(np.pi * at) ** 2, 0) for at in places)
    return torch.from_numpy(down[:, None] * across)


def test_the_result_is_the_weighted_mean_at_every_pixel():
    shape, window = (70, 60), (4.5, 2.0, 55.5, 67.0)
    coarse = random_probs(5, 12, 9)
    windows = tile_windows((8, 6, 52, 64), (24, 32))
    tiles = [random_probs(5, 16, 12, seed=1 + index) for index in range(len(windows))]
    pasted = paste_person([coarse], [window], image_shape=shape, tiles=Tiles(tiles, windows), background_below=0)
    total, mean = torch.ones(shape, dtype=torch.float64), sampled(coarse, window, shape)
    for probs, tile in zip(tiles, windows):
        weights = weights_of(tile, shape)
        mean += sampled(probs, tile, shape, 'border') * weights
        total += weights
    mean /= total
    y, x = pasted.offset
    height, width = pasted.label_map.shape
    expected = mean[:, y:y + height, x:x + width]
    best = expected.topk(2, dim=0).values
    sure = best[0] - best[1] > 1e-5
    assert sure.float().mean() > 0.99
    assert torch.equal(pasted.label_map[sure], expected.argmax(0).byte()[sure])
    plain = paste_person([coarse], [window], image_shape=shape, background_below=0)
    assert not torch.equal(pasted.label_map, plain.label_map)
    whole, parts = pixel_scores(mean, threshold=0.2)
    assert float(pasted.pixel_scores[0]) == pytest.approx(float(whole), abs=1e-5)
    torch.testing.assert_close(pasted.part_pixel_scores[0].double(), parts.double(), atol=1e-5, rtol=0)


def test_tiles_that_say_the_same_change_nothing():
    constant = torch.tensor([0.2, 0.5, 0.3])[:, None, None]
    coarse, tile = constant.expand(3, 8, 8), constant.expand(3, 6, 6)
    windows = tile_windows((10, 10, 50, 50), (16, 16), overlap=0.5)
    arguments = dict(image_shape=(60, 60), thresholds=(0.2,))
    plain = paste_person([coarse], [(0, 0, 60, 60)], **arguments)
    tiled = paste_person([coarse], [(0, 0, 60, 60)], tiles=Tiles([tile] * len(windows), windows), **arguments)
    assert torch.equal(plain.label_map, tiled.label_map)
    assert float(tiled.pixel_scores[0]) == pytest.approx(float(plain.pixel_scores[0]), abs=1e-6)
    empty = paste_person([coarse], [(0, 0, 60, 60)], tiles=Tiles([], []), **arguments)
    assert torch.equal(plain.label_map, empty.label_map)


@pytest.mark.parametrize(('box', 'size', 'overlap', 'counts'), [
    ((0, 0, 10, 10), (10, 10), 0.25, (1, 1)),
    ((3, 5, 7, 8), (10, 10), 0.25, (1, 1)),
    ((0, 0, 25, 10), (10, 10), 0.25, (1, 3)),
    ((0, 0, 10, 40), (10, 20), 0.5, (3, 1)),
])
def test_windows_cover_the_box_and_overlap(box, size, overlap, counts):
    windows = tile_windows(box, size, overlap=overlap)
    rows, columns = sorted({window[1] for window in windows}), sorted({window[0] for window in windows})
    assert (len(rows), len(columns)) == counts
    assert {(window[2] - window[0], window[3] - window[1]) for window in windows} == {size}
    for starts, length, (first, last) in ((columns, size[0], box[::2]), (rows, size[1], box[1::2])):
        assert starts[0] <= first
        assert starts[-1] + length >= last
        assert all(after - before <= length * (1 - overlap) + 1e-9 for before, after in pairwise(starts))
        assert (starts[0] + starts[-1] + length) / 2 == pytest.approx((first + last) / 2)


def test_an_overlap_must_leave_something():
    with pytest.raises(InputError, match='overlap is 1, but'):
        tile_windows((0, 0, 1, 1), (1, 1), overlap=1)


def test_a_tile_says_nothing_of_classes_that_are_not_seen_nearby():
    """The coarse map sees class 1 left and class 2 right; class 3 nowhere."""
    coarse = torch.zeros(4, 8, 8)
    coarse[1, :, :4] = coarse[2, :, 4:] = 1
    tile = torch.full((4, 8, 8), 0.25)
    tile[3] = 0.7
    tile[:3] = 0.1
    seen = seen_nearby(tile, (0, 0, 16, 16), coarse, (0, 0, 16, 16))
    assert seen.sum(0).allclose(torch.ones(8, 8))
    assert not seen[3].any()
    assert not seen[2, :, :2].any()  # two samples and more from the border
    assert not seen[1, :, 6:].any()
    assert (seen[1:3, :, 3:5] > 0).all()
    tile[:3] = 0
    tile[3] = 1
    assert seen_nearby(tile, (0, 0, 16, 16), coarse, (0, 0, 16, 16)).allclose(coarse)


@pytest.mark.parametrize('left', [0, 1, 40])
@pytest.mark.parametrize('top', [0, 1, 40])
def test_what_is_seen_nearby_goes_by_the_windows_alone(left, top):
    quarters = torch.arange(8)[:, None] // 4 * 2 + torch.arange(6) // 3
    coarse, tile = F.one_hot(quarters).permute(2, 0, 1).float(), random_probs(4, 5, 7, seed=2)
    expected = seen_nearby(tile, (8, 10, 20, 30), coarse, (0, 0, 24, 32))
    found = seen_nearby(tile, (8 + left, 10 + top, 20 + left, 30 + top), coarse, (left, top, 24 + left, 32 + top))
    torch.testing.assert_close(found, expected)
    assert (expected == 0).any()
