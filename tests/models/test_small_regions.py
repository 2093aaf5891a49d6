import numpy as np
import pytest
import torch

from mmqanet.errors import InputError
from mmqanet.models.small_regions import absorb_small_regions


def probabilities(rows: list[str], *, second: int, best: float = 0.6, num_classes: int = 4) -> torch.Tensor:
    """Maps of which each digit names the best class; ``second`` has most of the rest."""
    labels = torch.tensor([[int(letter) for letter in row] for row in rows])
    probs = torch.full((num_classes, *labels.shape), 0.02)
    probs[second] = 0.3
    return (probs.scatter(0, labels[None], best) / probs.scatter(0, labels[None], best).sum(0)).float()


def rows_of(probs: torch.Tensor) -> list[str]:
    return [''.join(str(int(label)) for label in row) for row in probs.argmax(0)]


SPECKLED = ['000000',
            '011110',
            '012110',
            '011113',
            '011100']


def test_speckles_go_to_the_next_best_class_and_large_regions_stay():
    probs = probabilities(SPECKLED, second=1)
    kept = probs.clone()
    absorbed = absorb_small_regions(probs, min_share=2 / 30)
    assert rows_of(absorbed) == ['000000', '011110', '011110', '011111', '011100']
    assert torch.equal(probs, kept)
    changed = torch.tensor([[letter in '23' for letter in row] for row in SPECKLED])
    assert torch.equal(absorbed[:, ~changed], probs[:, ~changed])
    torch.testing.assert_close(absorbed.sum(0), torch.ones(5, 6))
    assert absorbed[2, 2, 2] == 0
    assert absorbed[1, 2, 2] == pytest.approx(0.3 / 0.34)  # of 0.3, 0.02 and 0.02


def test_a_region_of_the_least_size_stays_and_corners_do_not_connect():
    probs = probabilities(['1100', '0010', '0000', '0001'], second=0)
    assert rows_of(absorb_small_regions(probs, min_share=2 / 16)) == ['1100', '0000', '0000', '0000']


def test_holes_are_filled():
    assert rows_of(absorb_small_regions(probabilities(['1111', '1011', '1111'], second=1), min_share=0.1)) == ['1111'] * 3


def test_a_second_best_class_that_is_a_speckle_too_is_passed_over():
    probs = torch.zeros(4, 5, 5)
    probs[0] = 1.0
    probs[:, 2, 2] = torch.tensor([0.1, 0.2, 0.3, 0.4])
    assert rows_of(absorb_small_regions(probs, min_share=0.1)) == ['00000'] * 5


def test_a_pixel_that_can_be_nothing_else_stays():
    probs = torch.zeros(3, 4, 4)
    probs[0] = 1.0
    probs[:, 1, 1] = torch.tensor([0.0, 1.0, 0.0])
    assert torch.equal(absorb_small_regions(probs, min_share=0.2), probs)


def test_nothing_is_copied_where_nothing_is_small():
    probs = probabilities(['0011', '0011'], second=2)
    assert absorb_small_regions(probs, min_share=0.5) is probs
    speckled = probabilities(SPECKLED, second=1)
    assert absorb_small_regions(speckled, min_share=0) is speckled


@pytest.mark.parametrize('seed', range(3))
def test_the_same_as_walking_from_pixel_to_pixel(seed):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 5, 6, 6, generator=generator) * 2
    noise = torch.randn(1, 5, 24, 24, generator=generator) * 0.4
    probs = (torch.nn.functional.interpolate(coarse, size=(24, 24), mode='bilinear') + noise)[0].softmax(0)
    expected, passes = probs.double().clone(), 0
    while passes < 4 and (small := small_regions(expected.argmax(0), least=6)):
        for y, x in small:
            expected[expected[:, y, x].argmax(), y, x] = 0
            expected[:, y, x] /= expected[:, y, x].sum()
        passes += 1
    assert passes > 1
    torch.testing.assert_close(absorb_small_regions(probs, min_share=6 / 576), expected.float())


def small_regions(labels: torch.Tensor, *, least: int) -> list[tuple[int, int]]:
    """The pixels of all regions of fewer than ``least``."""
    left, small = set(np.ndindex(*labels.shape)), []
    while left:
        region = [left.pop()]
        for y, x in region:  # grows while it is walked
            near = {(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)} & left
            region += [pixel for pixel in near if labels[pixel] == labels[y, x]]
            left -= set(region)
        small += region if len(region) < least else []
    return small


@pytest.mark.parametrize('share', [-0.1, 1, float('nan')])
def test_an_impossible_share_is_refused(share):
    with pytest.raises(InputError, match='min_share must be a share'):
        absorb_small_regions(torch.ones(1, 2, 2), min_share=share)
