import json
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmqanet.errors import InputError
from mmqanet.functional import fuse_quality, mask_pixel_scores
from mmqanet.functional.mask_quality import _measure_tensor, join_statistics, mask_statistics
from mmqanet.functional.pasting import paste_mask


def by_hand(mask, threshold, mode):
    """Pixel by pixel, in Python floats, for one map (H, W)."""
    values = mask.flatten().tolist()
    reached = [value for value in values if value >= threshold]
    if mode == 'mean':
        return sum(reached) / len(reached) if reached else 0.0
    return sum(value >= 1 - threshold for value in values) / len(reached) if reached else 0.0


def random_masks(number=5, height=9, width=13):
    return torch.randn(number, height, width, generator=torch.Generator().manual_seed(1)).mul(3).sigmoid()


@pytest.mark.parametrize('mode', ['ratio', 'mean'])
@pytest.mark.parametrize('threshold', [0.0, 0.1, 0.25, 0.5])
def test_random_masks_pixel_by_pixel(mode, threshold):
    masks = random_masks()
    expected = [by_hand(mask, threshold, mode) for mask in masks]
    assert mask_pixel_scores(masks, threshold=threshold, mode=mode).tolist() == pytest.approx(expected, rel=1e-6)


def test_a_disc_with_a_linear_edge_has_the_ratio_of_two_circles():
    # From 1 inside radius 30 to 0 outside radius 50: p >= 0.75 is a disc of radius 35, p >= 0.25 one of radius 45.
    y, x = torch.meshgrid(torch.arange(128) - 63.5, torch.arange(128) - 63.5, indexing='ij')
    disc = ((50 - (x ** 2 + y ** 2).sqrt()) / 20).clamp(0, 1)
    assert mask_pixel_scores(disc[None]).item() == pytest.approx((35 / 45) ** 2, abs=0.01)
    assert mask_pixel_scores(disc[None], threshold=0.4).item() == pytest.approx((38 / 42) ** 2, abs=0.01)


def test_the_ratio_looks_at_the_border_and_not_at_the_values_inside():
    masks = torch.stack([torch.full((4, 4), value) for value in (0.76, 0.74, 0.75, 0.25, 0.24)])
    assert mask_pixel_scores(masks).tolist() == [1, 0, 1, 0, 0]
    assert mask_pixel_scores(masks, mode='mean').tolist() == pytest.approx([0.76, 0.74, 0.75, 0.25, 0])


def test_zeros_around_a_mask_change_nothing():
    masks = random_masks()
    for mode in ('ratio', 'mean'):
        assert torch.equal(mask_pixel_scores(F.pad(masks, (3, 5, 7, 2)), mode=mode), mask_pixel_scores(masks, mode=mode))


def test_half_precision_is_compared_in_float32():
    exact = torch.tensor([0.75, 0.7490, 0.25, 0.2490]).bfloat16()
    masks = exact.repeat_interleave(70000).view(1, 4, 70000)  # areas beyond the largest float16
    for dtype in (torch.bfloat16, torch.float16):
        score = mask_pixel_scores(masks.to(dtype))
        assert score.dtype == torch.float32
        assert score.item() == pytest.approx(by_hand(exact.float(), 0.25, 'ratio'), rel=1e-6)
        mean = mask_pixel_scores(masks.to(dtype), mode='mean').item()
        assert mean == pytest.approx(by_hand(exact.float(), 0.25, 'mean'), rel=1e-6)
    assert mask_pixel_scores(masks.double()).dtype == torch.float64


def test_a_gpu_counts_as_a_cpu_does():
    masks = random_masks(7, 40, 60)
    thresholds = 0.25, 0.5, 0.75
    statistics = mask_statistics(masks, thresholds, sums=True)
    counts, sums = _measure_tensor(masks, thresholds=thresholds, sums=True)  # what runs on a GPU, on tensors of the CPU
    assert torch.equal(statistics.counts, counts)
    torch.testing.assert_close(statistics.sums, sums, rtol=1e-12, atol=0)


def test_statistics_of_several_calls_and_of_windows_join():
    masks = random_masks()
    whole = mask_statistics(masks, (0.0, 0.25, 0.75), sums=True, num_pixels=1000)
    joined = join_statistics(
        mask_statistics(part, (0.0, 0.25, 0.75), sums=True, num_pixels=1000) for part in masks.split(2))
    assert torch.equal(whole.counts, joined.counts)
    assert torch.equal(whole.sums, joined.sums)
    assert joined.pixel_scores(0, 'mean').tolist() == pytest.approx((masks.sum((1, 2)) / 1000).tolist(), rel=1e-6)
    with pytest.raises(InputError, match=r'threshold 0.3 is none of those measured, \(0.0, 0.25, 0.75\)'):
        joined.pixel_scores(0.3, 'mean')
    with pytest.raises(InputError, match="mode 'mean' needs statistics with sums"):
        mask_statistics(masks, (0.25,)).pixel_scores(0.25, 'mean')


def test_views_and_no_masks():
    masks = random_masks()
    assert torch.equal(mask_pixel_scores(masks[:, 2:7, 1:9]), mask_pixel_scores(masks[:, 2:7, 1:9].contiguous()))
    for mode in ('ratio', 'mean'):
        assert mask_pixel_scores(masks[:0], mode=mode).shape == (0,)


@pytest.mark.parametrize(('change', 'message'), [
    (dict(probs=[[0.5]]), 'probs must be a tensor, got list'),
    (dict(probs=torch.rand(3, 3)), r'probs must be floating of shape \(N, H, W\), got \(3, 3\) torch.float32'),
    (dict(probs=torch.ones(1, 3, 3, dtype=torch.bool)), r'got \(1, 3, 3\) torch.bool'),
    (dict(probs=torch.rand(1, 0, 3)), r'probs has no pixels: shape \(1, 0, 3\)'),
    (dict(probs=torch.full((1, 2, 2), 1.5)), r'probabilities in \[0, 1\], got values from 1.5 to 1.5'),
    (dict(probs=torch.tensor([[[0.5, -0.25]]])), 'got values from -0.25 to 0.5'),
    (dict(probs=torch.tensor([[[0.5, float('nan')]]])), 'got values from nan to nan'),
    (dict(threshold=0.6), r"threshold must be in \[0, 0.5\] for mode 'ratio', got 0.6"),
    (dict(threshold=float('nan'), mode='mean'), 'threshold must be'),
    (dict(mode='median'), r"mode must be one of \('ratio', 'mean'\), got 'median'"),
])
def test_bad_input_is_named(change, message):
    arguments = {'probs': torch.rand(1, 3, 3), **change}
    with pytest.raises(InputError, match=message):
        mask_pixel_scores(arguments.pop('probs'), **arguments)


def paste(augmented, boxes, scales, image_shape):
    """Whole images (N, H, W) of maps (A, N, h, w), by boxes (N, 5) of centre, size and no angle, scaled for each of A."""
    pasted = torch.zeros(len(boxes), *image_shape)
    for image, maps, (xc, yc, w, h, _) in zip(pasted, augmented.transpose(0, 1), boxes.tolist()):
        windows = [(xc - w * s / 2, yc - h * s / 2, xc + w * s / 2, yc + h * s / 2) for s in scales]
        part, (y, x) = paste_mask(list(maps), windows, image_shape=image_shape)
        image[y:y + part.shape[0], x:x + part.shape[1]] = part
    return pasted


def unpack(bits, shape):
    return torch.from_numpy(np.unpackbits(bits.numpy())[:math.prod(shape)].reshape(shape).astype(bool))


@pytest.mark.parametrize('block', ['crop64x48', 'crop64x48_msflip', 'rcnn28'])
def test_agrees_with_the_recorded_release(golden_dir, block):
    folder = golden_dir / 'dense_and_masks'
    facts = json.loads((folder / 'mask_qam_a.json').read_text())
    with np.load(folder / 'mask_qam_a.npz') as file:
        arrays = {key: torch.from_numpy(file[key]) for key in file.files if file[key].dtype != np.uint16}
        augmented = torch.from_numpy(file[f'{block}_probs_u16'].astype(np.float32) / 65535)
    width, height = facts['image_wh']
    scales = facts['scales'] if len(augmented) > 1 else [1]
    pasted = paste(augmented, arrays[f'{block}_boxes_cxcywha'], scales, (height, width))
    masks, safe = (unpack(arrays[f'{block}_{name}'], pasted.shape) for name in ('masks', 'mask_safe'))
    assert torch.equal((pasted >= 0.5) & safe, masks & safe)
    for tau in facts['tau']:
        tolerance = 1.1e-4 if (block, tau) == ('rcnn28', 0.1) else 1e-6  # one pixel lies on a threshold there
        torch.testing.assert_close(mask_pixel_scores(pasted, threshold=tau), arrays[f'{block}_pixel_scores_tau{tau}'],
                                   rtol=0, atol=tolerance)
    for threshold in (0.5, 0.25, 0.0):
        torch.testing.assert_close(mask_pixel_scores(pasted.double(), threshold=threshold, mode='mean'),
                                   arrays[f'{block}_mean_own_T{threshold}'], rtol=0, atol=1e-6)
    pixel = mask_pixel_scores(pasted)
    for weights, expected in zip(facts['weights'], arrays[f'{block}_fused']):
        fused = fuse_quality(arrays['bbox_scores'], arrays['iou_scores'], pixel, weights)
        torch.testing.assert_close(fused.double(), expected, rtol=0, atol=1e-6)
