"""The head of dense pose: losses as recorded from the release, against plain loops, and at the edges."""
import json
import math

import numpy as np
import pytest
import torch

from mmqanet.errors import InputError
from mmqanet.models.heads.uv_head import AnnotatedPoints, UVHead

NAMES = dict(S='parts', I='charts', U='u', V='v')


def made_up_maps(number, size, seed=0):
    generator = torch.Generator().manual_seed(seed)
    channels = dict(segmentation=15, index=25, u=25, v=25)
    return {name: torch.randn(number, count, *size, generator=generator).requires_grad_()
            for name, count in channels.items()}


def points_of(rows):
    table = torch.tensor(rows, dtype=torch.float32).reshape(-1, 6)
    return AnnotatedPoints(table[:, 0].long(), table[:, 1:3], table[:, 3].long(), table[:, 4:])


@pytest.mark.parametrize('case', [0, 1, 3, 5])
def test_losses_and_gradients_agree_with_the_released_ones(golden_dir, case):
    folder = golden_dir / 'dense_and_masks'
    facts = json.loads((folder / 'uv_losses_a.json').read_text())[f'case{case}']
    rng = np.random.default_rng(2000 + case)
    maps = {}
    for name, channels, scale, shift in (
            ('segmentation', 15, 2, 0), ('index', 25, 2, 0), ('u', 25, 0.6, 0.5), ('v', 25, 0.6, 0.5)):
        values = scale * rng.standard_normal((facts['N'], channels, 64, 48)) + shift
        maps[name] = torch.from_numpy(values.astype(np.float32)).requires_grad_()
    of_parts, of_charts, of_uv = facts['weights']
    with np.load(folder / 'uv_losses_a.npz') as arrays:
        points, parts = points_of(arrays[f'case{case}_flat']), torch.from_numpy(arrays[f'case{case}_mask']).long()
        for valid_only, expected in ((True, facts['valid_inside']), (False, facts['released'])):
            head = UVHead(in_channels=1, loss_weights=(of_parts, of_charts, of_uv, of_uv), valid_only=valid_only)
            losses = head.loss(maps, parts, points)
            for key, name in NAMES.items():
                if key in expected:
                    assert losses[f'loss_{name}'].item() == pytest.approx(expected[key], rel=1e-5)
        gradients = torch.autograd.grad(sum(losses.values()), list(maps.values()))
        for key, gradient in zip(NAMES, gradients):
            np.testing.assert_allclose(
                gradient[:, :, ::8, ::8].numpy(), arrays[f'case{case}_grad_{key}_sub8'], rtol=1e-4, atol=2e-6)


def read_by_hand(values, x, y):
    """Bilinear reading of (h, w) at one point, border pixels going on for one pixel."""
    height, width = values.shape
    if not (-1 <= x <= width and -1 <= y <= height):
        return 0.0
    x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    left, top = math.floor(x), math.floor(y)
    return sum(weight * values[min(row, height - 1), min(column, width - 1)].item()
               for row, down in ((top, 1 - (y - top)), (top + 1, y - top))
               for column, across in ((left, 1 - (x - left)), (left + 1, x - left)) for weight in (down * across,))


def test_losses_are_those_of_a_plain_loop():
    maps = made_up_maps(2, (8, 6))
    parts = torch.randint(0, 15, (2, 8, 6), generator=torch.Generator().manual_seed(3))
    rows = [(0, 1.25, 2.5, 3, 0.2, 0.9), (1, 4.9, 6.99, 24, 0.0, 1.0), (1, 0.0, 0.0, 1, 0.5, 0.5),
            (0, 5.4, 2.0, 7, 0.1, 0.3)]
    losses = UVHead(in_channels=1, loss_weights=(1, 1, 1, 1)).loss(maps, parts, points_of(rows))
    inside = rows[:3]  # the last lies beyond the centres of the border
    entropy, smooth = 0.0, dict(u=0.0, v=0.0)
    for image, x, y, chart, *target in inside:
        logits = [read_by_hand(maps['index'][int(image), channel], x, y) for channel in range(25)]
        entropy += math.log(sum(map(math.exp, logits))) - logits[chart]
        for name, wanted in zip('uv', target):
            error = abs(read_by_hand(maps[name][int(image), chart], x, y) - wanted)
            smooth[name] += error ** 2 / 2 if error < 1 else error - 0.5
    assert losses['loss_charts'].item() == pytest.approx(entropy / 3, rel=1e-5)
    assert losses['loss_u'].item() == pytest.approx(smooth['u'], rel=1e-5)
    assert losses['loss_v'].item() == pytest.approx(smooth['v'], rel=1e-5)


def test_empty_slots_count_as_background_at_the_first_pixel():
    """As in the release: 196 points a crop, those that nobody annotated at (0, 0) of class 0."""
    maps, parts = made_up_maps(3, (8, 6)), torch.zeros(3, 8, 6, dtype=torch.int64)
    rows = [(0, 1.25, 2.5, 3, 0.2, 0.9), (1, 4.9, 6.5, 24, 0.0, 1.0), (1, 0.0, 0.0, 1, 0.5, 0.5)]
    losses = UVHead(in_channels=1, loss_weights=(1, 1, 1, 1), valid_only=False).loss(maps, parts, points_of(rows))
    entropies = []
    for crop in range(3):
        own = [(x, y, chart) for image, x, y, chart, *_ in rows if image == crop]
        for x, y, chart in own + (196 - len(own)) * [(0, 0, 0)]:
            logits = [read_by_hand(maps['index'][crop, channel], x, y) for channel in range(25)]
            entropies.append(math.log(sum(map(math.exp, logits))) - logits[chart])
    assert losses['loss_charts'].item() == pytest.approx(np.mean(entropies), rel=1e-4)


@pytest.mark.parametrize('valid_only', [True, False])
@pytest.mark.parametrize('number', [1, 2])
def test_no_point_and_no_second_crop_are_no_error(valid_only, number):
    maps, parts = made_up_maps(number, (8, 6)), torch.zeros(number, 8, 6, dtype=torch.int64)
    losses = UVHead(in_channels=1, valid_only=valid_only).loss(maps, parts, points_of([]))
    sum(losses.values()).backward()
    assert all(torch.isfinite(part.grad).all() for part in maps.values())
    assert losses['loss_u'].item() == losses['loss_v'].item() == 0
    assert (losses['loss_charts'].item() == 0) == valid_only


def test_a_context_goes_before_the_maps():
    head = UVHead(in_channels=8, context=dict(channels=64, num_convs=1, non_local=False))
    assert {name: tuple(part.shape) for name, part in head(torch.randn(1, 8, 4, 3)).items()} == dict(
        segmentation=(1, 15, 16, 12), index=(1, 25, 16, 12), u=(1, 25, 16, 12), v=(1, 25, 16, 12))
    assert head.context.encode(torch.randn(1, 8, 4, 3)).shape == (1, 64, 4, 3)


def test_the_variant_with_context_has_the_released_number_of_weights():
    head = UVHead(in_channels=256, context=dict(num_convs=1, non_local=False))
    plain = UVHead(in_channels=256)
    assert sum(map(torch.numel, head.parameters())) - sum(map(torch.numel, plain.parameters())) == 36_660_922 - 31_374_778
    assert len(head.state_dict()) - len(plain.state_dict()) == 442 - 428


@pytest.mark.parametrize('weights', [(1, 1, 1), (1, 1, 1, -1)])
def test_loss_weights_are_four(weights):
    with pytest.raises(InputError, match='loss_weights'):
        UVHead(in_channels=1, loss_weights=weights)
