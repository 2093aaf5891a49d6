"""Dense pose pasted into the image: as recorded from the release, and against maps at full size."""
import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmqanet.errors import InputError
from mmqanet.functional.chart_pasting import paste_surface, quantise_surface

CONFIDENCES = dict(sigmoid=torch.sigmoid, softmax=lambda logits: logits.softmax(0))


def full(values, offset, shape):
    canvas = np.zeros((*values.shape[:-2], *shape), values.dtype)
    y, x = offset
    canvas[..., y:y + values.shape[-2], x:x + values.shape[-1]] = values
    return canvas


@pytest.mark.parametrize('kind', CONFIDENCES)
def test_charts_coordinates_and_scores_agree_with_the_released_ones(golden_dir, kind):
    folder = golden_dir / 'dense_and_masks'
    facts = json.loads((folder / 'uv_postprocess_a.json').read_text())
    width, height = facts['image_wh']
    with np.load(folder / 'uv_postprocess_a.npz') as arrays:
        parts, charts, u, v = (torch.from_numpy(arrays[f'{key}_f16'].astype(np.float32))
                               for key in ('S_logits', 'I_logits', 'U', 'V'))
        safe = np.unpackbits(arrays['safe_index'])[:3 * height * width].reshape(3, height, width).astype(bool)
        for person, record in enumerate(facts['records']):
            maps = torch.cat([parts[person].softmax(0), CONFIDENCES[kind](charts[person]), u[person], v[person]])
            x, y, w, h, _ = arrays['crop_boxes'][person].tolist()
            window = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            pasted = paste_surface([maps], [window], image_shape=(height, width), thresholds=(0.9, 0.5, 0.3))
            index = full(pasted.label_map.numpy(), pasted.offset, (height, width))
            if kind == 'softmax':
                assert (index != arrays['index_full_softmax_own'][person]).mean() < 1e-3
                scores = [arrays[f'pixel_scores_softmax_own_t{t}'][person] for t in (0.9, 0.5, 0.3)]
                np.testing.assert_allclose(pasted.pixel_scores.numpy(), scores, atol=1e-6)
                continue
            np.testing.assert_array_equal(index[safe[person]], arrays['index_full'][person][safe[person]])
            scores = [arrays[f'pixel_scores_sigmoid_t{t}'][person] for t in (0.9, 0.5)]
            np.testing.assert_allclose(pasted.pixel_scores.numpy()[:2], scores, atol=1e-6)
            left, top, w, h = record['bbox']
            uv = full(pasted.uv.numpy(), pasted.offset, (height, width))
            box = np.s_[top:top + h, left:left + w]
            found, expected = quantise_surface(index[box], uv[(slice(None), *box)]), arrays[f'det{person}_uv_clamped']
            same = (found[0] == expected[0]) | ~safe[person][box]
            assert same.all()
            assert np.abs(found[1:].astype(int) - expected[1:])[:, safe[person][box]].max() <= 1


def made_up_maps(seed, size=(16, 12)):
    generator = torch.Generator().manual_seed(seed)
    parts, charts = (2 * torch.randn(count, *size, generator=generator) for count in (15, 25))
    return torch.cat([parts.softmax(0), charts.softmax(0), torch.randn(50, *size, generator=generator)])


def test_it_is_what_sampling_all_maps_everywhere_gives():
    shape, windows = (40, 30), [(3.5, -4.0, 21.2, 30.0), (1.0, -6.0, 24.0, 34.0)]
    maps = [made_up_maps(0), made_up_maps(1)]
    everywhere = torch.zeros(90, *shape)
    for part, (x1, y1, x2, y2) in zip(maps, windows):
        ys, xs = torch.meshgrid(torch.arange(shape[0]) + 0.5, torch.arange(shape[1]) + 0.5, indexing='ij')
        grid = torch.stack([2 * (xs - x1) / (x2 - x1) - 1, 2 * (ys - y1) / (y2 - y1) - 1], dim=-1)
        everywhere += F.grid_sample(part[None], grid[None], align_corners=False)[0] / 2
    person = everywhere[:15].argmax(0) > 0
    confidence, chart = everywhere[15:40].max(0)
    chart = chart * person
    pasted = paste_surface(maps, windows, image_shape=shape, thresholds=(0.2,))
    near_tie = everywhere[15:40].topk(2, dim=0)[0].diff(dim=0)[0].abs() < 1e-5
    found = full(pasted.label_map.numpy(), pasted.offset, shape)
    assert ((found == chart.numpy()) | near_tie.numpy()).all()
    uv = torch.stack([everywhere[40 + 25 * k:65 + 25 * k].gather(0, chart[None])[0] * (chart > 0) for k in range(2)])
    pasted_uv = full(pasted.uv.numpy(), pasted.offset, shape)
    np.testing.assert_allclose(pasted_uv[:, ~near_tie.numpy()], uv[:, ~near_tie], atol=1e-4)
    sure = person & (confidence >= 0.2)
    assert pasted.pixel_scores.item() == pytest.approx(confidence[sure].mean().item(), rel=1e-5)
    for label in range(1, 25):
        own = sure & (chart == label)
        expected = confidence[own].mean().item() if own.any() else 0
        assert pasted.part_pixel_scores[0, label - 1].item() == pytest.approx(expected, rel=1e-4)


def test_maps_weigh_what_they_are_told():
    maps, windows = [made_up_maps(0), made_up_maps(1)], [(2.0, 2.0, 20.0, 30.0)] * 2
    first = paste_surface(maps[:1], windows[:1], image_shape=(40, 30))
    for weights, expected in (((2, 0), first), ((3, 1), paste_surface([(3 * maps[0] + maps[1]) / 4], windows[:1],
                                                                      image_shape=(40, 30)))):
        found = paste_surface(maps, windows, image_shape=(40, 30), weights=weights)
        assert (found.label_map == expected.label_map).float().mean() > 0.999
        torch.testing.assert_close(found.pixel_scores, expected.pixel_scores, rtol=1e-3, atol=1e-4)


def test_nobody_is_seen_outside_the_image():
    pasted = paste_surface([made_up_maps(0)], [(50, 50, 60, 60)], image_shape=(20, 20))
    assert pasted.label_map.numel() == 0
    assert pasted.uv.shape[0] == 2
    assert pasted.pixel_scores.tolist() == [0]
    with pytest.raises(InputError, match='windows'):
        paste_surface([made_up_maps(0)], [(5, 5, 5, 9)], image_shape=(20, 20))


def test_values_beyond_the_charts_are_cut():
    charts, uv = np.array([[1, 24, 0]]), np.array([[[-0.1, 1.02, 0.0]], [[0.5, 0.999, 0.0]]], np.float32)
    assert quantise_surface(charts, uv).tolist() == [[[1, 24, 0]], [[0, 255, 0]], [[127, 254, 0]]]
