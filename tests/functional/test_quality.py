import math

import pytest
import torch

from mmqanet.errors import InputError
from mmqanet.functional import fuse_quality, pixel_scores
from mmqanet.functional.quality import check_threshold, confident_sums


def random_probs(*shape, seed=0, sharpness=2.0):
    generator = torch.Generator().manual_seed(seed)
    return (sharpness * torch.randn(*shape, generator=generator)).softmax(-3)


def algorithm_1(probs, threshold):
    """Pixel by pixel and class by class, in Python floats, for one map (C, H, W)."""
    num_classes, height, width = probs.shape
    confident = {c: [] for c in range(-1, num_classes)}  # -1: the instance
    for y in range(height):
        for x in range(width):
            pixel = probs[:, y, x].tolist()
            best = max(pixel)
            if best >= threshold:
                confident[-1].append(best)
            for c in range(1, num_classes):
                value = best if pixel.index(best) == c else 0.0
                if value >= threshold:
                    confident[c].append(value)
    means = [sum(confident[c]) / max(len(confident[c]), 1e-6) for c in (-1, *range(1, num_classes))]
    return means[0], means[1:]


HAND = torch.tensor([  # 3 classes, 1 x 4 pixels
    [[0.6, 0.1, 0.2, 0.45]],
    [[0.3, 0.7, 0.3, 0.45]],
    [[0.1, 0.2, 0.5, 0.10]],
])


def test_a_hand_computed_map():
    # Maxima 0.6 (background), 0.7 (class 1), 0.5 (class 2), 0.45 (tie: background).
    instance, parts = pixel_scores(HAND[None])
    assert instance.tolist() == pytest.approx([(0.6 + 0.7 + 0.5 + 0.45) / 4])
    assert parts[0].tolist() == pytest.approx([0.7, 0.5])
    instance, parts = pixel_scores(HAND[None], threshold=0.55)
    assert instance.tolist() == pytest.approx([(0.6 + 0.7) / 2])
    assert parts[0].tolist() == pytest.approx([0.7, 0])


def test_a_pixel_at_the_threshold_counts():
    probs = torch.tensor([[[0.25, 0.5]], [[0.75, 0.5]]])
    assert pixel_scores(probs, threshold=0.75)[1].tolist() == [0.75]
    assert pixel_scores(probs, threshold=0.7501)[1].tolist() == [0]


def test_at_threshold_0_every_pixel_counts_for_every_part():
    instance, parts = pixel_scores(HAND[None], threshold=0)
    assert instance.tolist() == pytest.approx([(0.6 + 0.7 + 0.5 + 0.45) / 4])
    assert parts[0].tolist() == pytest.approx([0.7 / 4, 0.5 / 4])


@pytest.mark.parametrize('threshold', [0, 0.2, 0.4, 0.6, 0.8, 1])
def test_agrees_with_algorithm_1(threshold):
    probs = random_probs(3, 5, 9, 7)
    instance, parts = pixel_scores(probs, threshold)
    assert instance.shape == (3,)
    assert parts.shape == (3, 4)
    for index, person in enumerate(probs):
        expected, expected_parts = algorithm_1(person, threshold)
        assert instance[index].item() == pytest.approx(expected, abs=1e-6)
        assert parts[index].tolist() == pytest.approx(expected_parts, abs=1e-6)


def test_pixels_outside_a_pasted_map_count_only_at_threshold_0():
    inside = random_probs(1, 4, 6, 6)
    pasted = torch.zeros(1, 4, 12, 10)
    pasted[..., 2:8, 3:9] = inside
    torch.testing.assert_close(pixel_scores(pasted), pixel_scores(inside))
    for pasted_score, score in zip(pixel_scores(pasted, 0), pixel_scores(inside, 0)):
        torch.testing.assert_close(pasted_score, score * 36 / 120)


def test_any_leading_batch():
    probs = random_probs(6, 4, 5, 5)
    instance, parts = pixel_scores(probs)
    stacked, stacked_parts = pixel_scores(probs.view(2, 3, 4, 5, 5))
    assert torch.equal(stacked.view(6), instance)
    assert torch.equal(stacked_parts.view(6, 3), parts)
    single, single_parts = pixel_scores(probs[4])
    assert single.shape == ()
    assert torch.equal(single, instance[4])
    assert torch.equal(single_parts, parts[4])
    empty, empty_parts = pixel_scores(probs[:0])
    assert empty.shape == (0,)
    assert empty_parts.shape == (0, 3)


@pytest.mark.parametrize(('dtype', 'out', 'tolerance'), [
    (torch.float16, torch.float32, 2e-3), (torch.bfloat16, torch.float32, 1e-2), (torch.float64, torch.float64, 1e-7)])
def test_any_dtype(dtype, out, tolerance):
    probs = random_probs(2, 4, 40, 40, sharpness=4.0)
    for score, expected in zip(pixel_scores(probs.to(dtype), 0.01), pixel_scores(probs, 0.01)):
        assert score.dtype == out
        torch.testing.assert_close(score.float(), expected, rtol=0, atol=tolerance)


def test_a_megapixel_keeps_its_digits():
    probs = torch.tensor([0.1, 0.9]).view(1, 2, 1, 1).expand(1, 2, 1500, 1500)
    instance, parts = pixel_scores(probs)
    assert instance.item() == pytest.approx(0.9, abs=1e-6)
    assert parts.item() == pytest.approx(0.9, abs=1e-6)


@pytest.mark.parametrize('dtype', [torch.uint8, torch.int16, torch.int64])
@pytest.mark.parametrize(('num_bins', 'number'), [(59, 6), (50, 4), (51, 4), (86, 2), (256, 1), (255, 99)])
def test_many_classes_at_many_thresholds(dtype, num_bins, number):
    """Classes times thresholds pass what 8 bits hold, at 59 × 6 by far, at 51 × 5 by nothing."""
    generator = torch.Generator().manual_seed(num_bins)
    values = torch.rand(3000, generator=generator)
    labels = torch.randint(num_bins, (3000,), generator=generator)
    thresholds = torch.rand(number, generator=generator).tolist()
    sums, counts = confident_sums(values, labels.to(dtype), num_bins=num_bins, thresholds=thresholds)
    for row, threshold in enumerate(thresholds):
        chosen = values >= threshold
        assert counts[row].tolist() == torch.bincount(labels[chosen], minlength=num_bins).tolist()
        expected = torch.zeros(num_bins, dtype=torch.float64).index_add_(0, labels[chosen], values[chosen].double())
        torch.testing.assert_close(sums[row], expected)


def spoiled(value):
    probs = random_probs(2, 3, 6, 6)
    probs[1, 2, 5, 4] = value
    return probs


@pytest.mark.parametrize('probs', [
    spoiled(math.nan), spoiled(math.inf), spoiled(-0.1), spoiled(1.2), torch.randn(1, 3, 8, 8) * 3,
    torch.ones(3, 4), torch.ones(1, 3, 4, 4).numpy() / 3,
    torch.ones(1, 1, 4, 4), torch.ones(1, 3, 0, 4), torch.zeros(1, 3, 4, 4, dtype=torch.int64)])
def test_what_is_no_probability_map_is_refused_by_name(probs):
    with pytest.raises(InputError, match='probs'):
        pixel_scores(probs)


@pytest.mark.parametrize('threshold', [-0.1, 1.1, math.nan])
def test_a_threshold_outside_its_range_is_refused_by_name(threshold):
    with pytest.raises(InputError, match='threshold'):
        pixel_scores(HAND[None], threshold)


@pytest.mark.parametrize('threshold', ['0.2', None, [0.2]])
def test_a_threshold_that_is_no_number_is_refused_by_its_name(threshold):
    with pytest.raises(InputError, match=r'^box_score_thr must be in \[0, 1\], got'):
        check_threshold(threshold, name='box_score_thr')


def test_threshold_and_weights_are_the_papers_unless_given():
    at, below = (torch.tensor([share, *5 * [(1 - share) / 5]]).view(6, 1, 1) for share in (0.2001, 0.1999))
    assert pixel_scores(at)[0].item() == pytest.approx(0.2001)
    assert pixel_scores(below)[0].item() == 0
    scores = torch.tensor([0.9]), torch.tensor([0.64]), torch.tensor([0.5])
    assert fuse_quality(*scores).item() == pytest.approx(0.09 ** (1 / 4.5), abs=1e-6)


def test_fusion_by_hand():
    # (0.9^1 · 0.64^0.5 · 0.5^3)^(1 / 4.5) = (0.9 · 0.8 · 0.125)^(1 / 4.5) = 0.09^(1 / 4.5)
    quality = fuse_quality(torch.tensor([0.9]), torch.tensor([0.64]), torch.tensor([0.5]), (1, 0.5, 3))
    assert quality.item() == pytest.approx(0.09 ** (1 / 4.5), abs=1e-6)
    quality = fuse_quality(torch.tensor([0.9]), torch.tensor([0.64]), torch.tensor([0.5]), (1, 1, 1))
    assert quality.item() == pytest.approx(0.288 ** (1 / 3), abs=1e-6)


def test_parts_are_fused_with_the_scores_of_their_person():
    box, iou = torch.tensor([0.9, 0.4, 0.7]), torch.tensor([0.8, 0.6, 0.1])
    pixel = torch.rand(3, 3, generator=torch.Generator().manual_seed(1))  # as many parts as people
    quality = fuse_quality(box, iou, pixel, (1, 2, 3))
    for person in range(3):
        for part in range(3):
            product = box[person].item() * iou[person].item() ** 2 * pixel[person, part].item() ** 3
            assert quality[person, part].item() == pytest.approx(product ** (1 / 6), rel=1e-5)
    torch.testing.assert_close(fuse_quality(box, 1.0, pixel), fuse_quality(box, torch.ones(3), pixel))
    assert fuse_quality(box[:0], iou[:0], pixel[:0]).shape == (0, 3)


def test_fusion_is_safe_at_0_and_for_weights_of_0():
    zero, some = torch.tensor([0.0]), torch.tensor([0.3])
    assert fuse_quality(some, zero, some, (1, 0.5, 3)).item() == 0
    assert fuse_quality(some, zero, some, (1, 0, 0)).item() == pytest.approx(0.3)
    assert fuse_quality(zero, zero, some, (0, 0, 2)).item() == pytest.approx(0.3)
    assert fuse_quality(zero, zero, zero, (0, 1, 0)).item() == 0
    assert fuse_quality(some, some, some, (400, 300, 500)).item() == pytest.approx(0.3, rel=1e-5)


def test_the_iou_score_is_clamped():
    half = torch.tensor([0.5, 0.5])
    quality = fuse_quality(half, torch.tensor([-0.2, 1.3]), half, (1, 1, 2))
    assert quality.tolist() == pytest.approx([0, (0.5 * 1 * 0.25) ** 0.25])


@pytest.mark.parametrize('weights', [
    (0, 0, 0), (1, -0.5, 3), (1, math.nan, 1), (1, math.inf, 1), (1, 1), None, 5, 'abc', (1, None, 1), (1, 'x', 1)])
def test_unusable_weights_are_refused_by_name(weights):
    with pytest.raises(InputError, match='weights'):
        fuse_quality(torch.tensor([0.5]), torch.tensor([0.5]), torch.tensor([0.5]), weights)


@pytest.mark.parametrize(('name', 'value'), [
    ('box', 1.1), ('box', -0.1), ('box', math.nan), ('iou', math.nan), ('pixel', 1.1), ('pixel', math.nan)])
def test_a_score_outside_its_range_is_refused_by_name(name, value):
    scores = dict(box=torch.tensor([0.5, 0.5]), iou=torch.tensor([0.5, 0.5]), pixel=torch.tensor([0.5, 0.5]))
    scores[name][1] = value
    with pytest.raises(InputError, match=name):
        fuse_quality(**scores)


def test_scores_of_different_people_are_refused():
    with pytest.raises(InputError, match=r'box \(2,\)'):
        fuse_quality(torch.rand(2), torch.rand(2), torch.rand(3))
    with pytest.raises(InputError, match=r'pixel \(1,\)'):
        fuse_quality(torch.rand(2), torch.rand(2), torch.rand(1))
    with pytest.raises(InputError, match=r'iou \(5, 1\)'):  # would broadcast to (5, 5)
        fuse_quality(torch.rand(5), torch.rand(5, 1), torch.rand(5))


def test_equal_scores_give_equal_qualities_in_any_place():
    scores = torch.tensor([0.3, 0.7, 0.9]).repeat(37, 1)
    quality = fuse_quality(*scores.unbind(1), (0.3, 0.8, 2.1))
    assert quality.dtype == torch.float32
    assert len(quality.unique()) == 1
    assert torch.equal(fuse_quality(*scores[:1].unbind(1), (0.3, 0.8, 2.1)), quality[:1])
    assert fuse_quality(0.5, 0.5, torch.tensor([0.5], dtype=torch.float64)).dtype == torch.float64
