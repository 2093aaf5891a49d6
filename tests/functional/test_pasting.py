import math

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mmqanet.errors import InputError
from mmqanet.functional import pasting, window_sampling
from mmqanet.functional.pasting import SemanticContext, full_label_map, paste_mask, paste_person

IMAGE = (57, 83)


def smooth_probs(*, size, num_classes=5, seed=0, rare=()):
    """Probabilities (C, h, w) with patches of several pixels, so that maps have regions as well as borders; the classes
    in ``rare`` are small everywhere."""
    noise = np.random.default_rng(seed).standard_normal((num_classes, -(-size[0] // 4), -(-size[1] // 4)))
    noise[list(rare)] -= 2
    logits = 3 * noise.repeat(4, axis=1).repeat(4, axis=2)[:, :size[0], :size[1]]
    return torch.from_numpy(logits).softmax(0).float()


def full_image_probs(probs, windows, image_shape, weights=None):
    """The definition: every map sampled at the centres of all pixels of the image, zeros outside; then the average."""
    total = 0
    weights = weights or [1] * len(probs)
    for part, weight, (x1, y1, x2, y2) in zip(probs, weights, windows):
        padded = np.pad(part.numpy().astype(np.float64), ((0, 0), (1, 1), (1, 1)))
        for axis, pixels, start, stop in ((1, image_shape[0], y1, y2), (2, image_shape[1], x1, x2)):
            size = part.shape[axis]
            position = (np.arange(pixels) + 0.5 - start) / (stop - start) * size - 0.5
            low = np.floor(position)
            fraction = (position - low).reshape((-1, 1) if axis == 1 else -1)
            before, after = (np.clip(index, -1, size).astype(int) + 1 for index in (low, low + 1))
            padded = padded.take(before, axis) * (1 - fraction) + padded.take(after, axis) * fraction
        total = total + weight * padded
    return total / sum(weights)


def full_image_scores(full, threshold):
    """Algorithm 1 on one full map (C, H, W), with a loop over the classes."""
    best, label = full.max(0), full.argmax(0)
    scores = [best[best >= threshold].sum() / max((best >= threshold).sum(), 1e-6)]
    for c in range(1, len(full)):
        values = np.where(label == c, best, 0)
        scores.append(values[values >= threshold].sum() / max((values >= threshold).sum(), 1e-6))
    return scores


def assert_same_as_full_image(person, probs, windows, image_shape, threshold=0.2, weights=None):
    full = full_image_probs(probs, windows, image_shape, weights)
    best = np.sort(full, axis=0)
    expected = np.where(best[-1] < 1 / len(full), 0, full.argmax(0))
    undecided = (best[-1] - best[-2] < 1e-5) | (abs(best[-1] - 1 / len(full)) < 1e-5)
    differs = full_label_map(person.label_map, person.offset, image_shape).numpy() != expected
    assert not (differs & ~undecided).any()
    scores = [person.pixel_scores.item(), *person.part_pixel_scores[0].tolist()]
    assert scores == pytest.approx(full_image_scores(full, threshold), abs=2e-4)


def random_windows(rng, number, image_shape):
    """Boxes of all sizes from under a pixel to several images, inside, across the border and outside."""
    size = np.exp(rng.uniform(-1, 1.2, (number, 2))) * np.array(image_shape[::-1]) * rng.uniform(0.02, 1)
    centre = rng.uniform(-0.5, 1.5, 2) * np.array(image_shape[::-1]) + rng.normal(0, 4, (number, 2))
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1)


@pytest.fixture(params=['products', 'grid'])
def sampler(request, monkeypatch):
    """Both ways of sampling, with bands and blocks small enough that every person has several."""
    monkeypatch.setattr(window_sampling, '_products_are_exact', lambda: request.param == 'products')
    monkeypatch.setattr(window_sampling, 'CPU_BAND', 1500)
    monkeypatch.setattr(window_sampling, 'COLUMN_BLOCK', 7)
    return request.param


@pytest.mark.parametrize('threshold', [0, 0.2, 0.6])
@pytest.mark.parametrize('number', [1, 3])
def test_agrees_with_the_full_image_on_random_windows(sampler, number, threshold):
    rng = np.random.default_rng(number)
    outside = crossing = 0
    for case in range(40):
        windows = random_windows(rng, number, IMAGE)
        probs = [smooth_probs(size=(24, 18), seed=10 * case + part) for part in range(number)]
        person = paste_person(probs, windows, image_shape=IMAGE, thresholds=[threshold])
        assert_same_as_full_image(person, probs, windows, IMAGE, threshold)
        outside += person.label_map.numel() == 0
        crossing += person.label_map.numel() > 0 and min(person.offset) == 0
    assert outside > 0
    assert crossing > 0


@pytest.mark.parametrize('weights', [[3, 1, 2], [0.1, 0, 0.7]])
def test_agrees_with_the_weighted_mean_of_full_images(sampler, weights):
    rng = np.random.default_rng(7)
    for case in range(10):
        windows = random_windows(rng, 3, IMAGE)
        sizes = [(24, 18), (32, 24), (16, 12)]
        probs = [smooth_probs(size=size, seed=10 * case + part) for part, size in enumerate(sizes)]
        person = paste_person(probs, windows, image_shape=IMAGE, weights=weights)
        assert_same_as_full_image(person, probs, windows, IMAGE, weights=weights)


def test_equal_weights_are_none():
    windows = [(-9.5, 4.2, 50.1, 70.8), (3, 2, 40, 50)]
    probs = [smooth_probs(size=(24, 18), seed=part) for part in range(2)]
    plain, weighted = (paste_person(probs, windows, image_shape=IMAGE, weights=weights) for weights in (None, [0.3, 0.3]))
    assert torch.equal(plain.label_map, weighted.label_map)
    assert torch.equal(plain.part_pixel_scores, weighted.part_pixel_scores)


@pytest.mark.parametrize('weights', [[1], [1, -1], [0, 0], [1, math.nan], [1, math.inf]])
def test_weights_that_make_no_mean_are_refused(weights):
    with pytest.raises(InputError, match='weights must be 2 numbers'):
        paste_person([smooth_probs(size=(8, 6))] * 2, [(0, 0, 9, 9)] * 2, image_shape=IMAGE, weights=weights)


def test_many_thresholds_at_once_score_as_each_alone(sampler):
    probs, windows, thresholds = [smooth_probs(size=(24, 18))], [(-9.5, 4.2, 50.1, 70.8)], [0.6, 0.2, 0, 0.9, 0.6, 1]
    together = paste_person(probs, windows, image_shape=IMAGE, thresholds=thresholds)
    assert together.part_pixel_scores.shape == (6, 4)
    for row, threshold in enumerate(thresholds):
        alone = paste_person(probs, windows, image_shape=IMAGE, thresholds=[threshold])
        torch.testing.assert_close(together.pixel_scores[row], alone.pixel_scores[0])
        torch.testing.assert_close(together.part_pixel_scores[row], alone.part_pixel_scores[0])
    assert len(set(together.pixel_scores.tolist())) == 5


@pytest.mark.parametrize('num_classes', [2, 3, 20, 59])
def test_agrees_for_any_number_of_classes(num_classes):
    windows = [(-5.3, 3.8, 52.1, 80.2)]
    probs = [smooth_probs(size=(64, 48), num_classes=num_classes, seed=num_classes)]
    person = paste_person(probs, windows, image_shape=IMAGE)
    assert person.part_pixel_scores.shape == (1, num_classes - 1)
    assert_same_as_full_image(person, probs, windows, IMAGE)


@pytest.mark.parametrize('threshold', [0, 0.01, 0.2])
def test_classes_that_are_small_everywhere_change_nothing(sampler, threshold):
    rare = [0, 2, 3, 7, 11, 12, 13, 18, 19]
    rng = np.random.default_rng(5)
    for case in range(10):
        windows = random_windows(rng, 2, IMAGE)
        probs = [smooth_probs(size=(24, 18), num_classes=20, seed=10 * case + part, rare=rare) for part in range(2)]
        probs[case % 2][[0, 19]] *= 1e-3
        probs[case % 2] /= probs[case % 2].sum(0)
        person = paste_person(probs, windows, image_shape=IMAGE, thresholds=[threshold])
        assert_same_as_full_image(person, probs, windows, IMAGE, threshold)


def test_a_map_that_knows_nothing_is_background():
    person = paste_person([torch.full((20, 8, 6), 0.0499)], [WINDOW], image_shape=IMAGE)
    assert not person.label_map.any()
    assert person.pixel_scores == 0


def test_windows_that_fit_the_grid_are_copied():
    probs = smooth_probs(size=(16, 12))
    person = paste_person([probs], [(30, 20, 42, 36)], image_shape=IMAGE)
    inner = full_label_map(person.label_map, person.offset, IMAGE)[20:36, 30:42]
    assert torch.equal(inner.long(), probs.argmax(0))
    assert person.label_map.dtype == torch.uint8


def test_the_border_fades_within_half_a_source_pixel():
    probs = torch.zeros(2, 4, 4)
    probs[1] = 1
    person = paste_person([probs], [(20, 20, 60, 60)], image_shape=(80, 80))  # source pixels of 10 x 10
    full = full_label_map(person.label_map, person.offset, (80, 80))
    assert person.offset == (15, 15)
    assert person.label_map.shape == (50, 50)
    # Along a row through the middle the probability at x is (x + 0.5 - 15) / 10: at least 1/2 from column 20 on.
    assert full[40].nonzero().flatten().tolist() == list(range(20, 60))
    # Pixels at or above 0.2 run from column 17; the corner is a product of two such ramps.
    ramp = np.clip((np.arange(80) + 0.5 - 15) / 10, 0, 1)
    ramp = np.minimum(ramp, ramp[::-1])
    values = np.outer(ramp, ramp)
    assert person.part_pixel_scores.item() == pytest.approx(values[values >= 0.2].mean(), abs=1e-6)


def test_the_first_class_wins_a_tie():
    probs = torch.zeros(4, 6, 6)
    probs[[1, 3]] = 0.5
    person = paste_person([probs], [(10, 10, 40, 40)], image_shape=IMAGE)
    assert set(person.label_map.unique().tolist()) == {0, 1}


def test_a_window_outside_the_image_leaves_nothing():
    person = paste_person([smooth_probs(size=(8, 6))], [(200, 300, 260, 380)], image_shape=IMAGE)
    assert person.label_map.numel() == 0
    assert person.pixel_scores.item() == 0
    assert person.part_pixel_scores.tolist() == [[0] * 4]
    assert full_label_map(person.label_map, person.offset, IMAGE).shape == IMAGE


@pytest.fixture
def reduced_precision():
    """Products of bfloat16 parts, where the processor has them."""
    torch.set_float32_matmul_precision('medium')
    yield
    torch.set_float32_matmul_precision('highest')


def test_reduced_matmul_precision_changes_nothing(reduced_precision):
    probs, windows = [smooth_probs(size=(64, 48))], [(-5.3, 3.8, 52.1, 80.2)]
    person = paste_person(probs, windows, image_shape=IMAGE)
    full = full_image_probs(probs, windows, IMAGE)
    assert person.pixel_scores.item() == pytest.approx(full_image_scores(full, 0.2)[0], abs=1e-6)


def test_inference_mode_is_welcome():
    probs, windows = [smooth_probs(size=(64, 48))], [(-5.3, 3.8, 52.1, 80.2)]
    with torch.inference_mode():
        person = paste_person([probs[0].clone()], windows, image_shape=IMAGE)
    assert_same_as_full_image(person, probs, windows, IMAGE)


def test_no_tensor_is_as_large_as_the_image_times_classes(monkeypatch):
    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            result = func(*args, **(kwargs or {}))
            outputs = result if isinstance(result, (tuple, list)) else [result]
            largest = max(largest, *(out.numel() for out in outputs if isinstance(out, torch.Tensor)), 0)
            return result

    monkeypatch.setattr(pasting, 'parallel_map', map)  # a dispatch mode sees its own thread only
    probs = smooth_probs(size=(64, 48), num_classes=20)
    with Watch():
        paste_person([probs, probs], [(0, 0, 900, 900), (-50, -50, 950, 950)], image_shape=(900, 900))
    assert 900 * 900 <= largest <= 900 * 900 * 20 / 10


def not_probabilities(value):
    probs = smooth_probs(size=(9, 9))
    probs[2, 4, 4] = value
    return probs


FINE, WINDOW = smooth_probs(size=(8, 6)), (10.0, 10.0, 40.0, 50.0)


@pytest.mark.parametrize(('name', 'change'), [
    ('windows', dict(windows=[(10, 10, 10, 50)])), ('windows', dict(windows=[(40, 10, 10, 50)])),
    ('windows', dict(windows=[(10, math.nan, 40, 50)])), ('windows', dict(windows=[(10, 10, math.inf, 50)])),
    ('windows', dict(windows=[(10, 10, 40)])), ('windows', dict(windows=[])), ('windows', dict(probs=[FINE, FINE])),
    ('probs', dict(probs=[not_probabilities(math.nan)])), ('probs', dict(probs=[not_probabilities(-0.1)])),
    ('probs', dict(probs=[FINE * 0.9])), ('probs', dict(probs=[FINE[None]])),
    ('probs', dict(probs=[FINE, smooth_probs(size=(8, 6), num_classes=4)], windows=[WINDOW, WINDOW])),
    ('thresholds', dict(thresholds=[0.2, 1.5])), ('thresholds', dict(thresholds=[])),
    ('image_shape', dict(image_shape=(0, 10)))])
def test_bad_input_is_refused_by_name(name, change):
    arguments = dict(probs=[FINE], windows=[WINDOW], image_shape=IMAGE, thresholds=[0.2])
    with pytest.raises(InputError, match=name):
        paste_person(**(arguments | change))


@pytest.mark.parametrize('windows', [[(10, 5, 40, 45)], [(-12, -8, 30, 40), (-14, -10, 32, 42)], [(70, 40, 200, 90)]])
def test_a_mask_is_the_average_of_its_maps_in_the_image(windows):
    probs = [smooth_probs(size=(24, 16), num_classes=2, seed=seed)[1] for seed in range(len(windows))]
    expected = full_image_probs([part[None] for part in probs], windows, IMAGE)[0]
    pasted, (y, x) = paste_mask(probs, windows, image_shape=IMAGE)
    whole = torch.zeros(IMAGE)
    whole[y:y + pasted.shape[0], x:x + pasted.shape[1]] = pasted
    torch.testing.assert_close(whole.double(), torch.from_numpy(expected), rtol=0, atol=1e-6)


def test_a_mask_outside_of_the_image_is_empty_and_bad_windows_are_refused():
    probs = [torch.rand(24, 16)]
    assert paste_mask(probs, [(100, 5, 140, 45)], image_shape=IMAGE)[0].numel() == 0
    with pytest.raises(InputError, match='windows must be finite'):
        paste_mask(probs, [(10, 5, 10, 45)], image_shape=IMAGE)
    with pytest.raises(InputError, match='probs has 1 maps for 2 windows'):
        paste_mask(probs, [(10, 5, 20, 45)] * 2, image_shape=IMAGE)


# -- what else is known of the image ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('weight', [0.2, 1.5])
def test_a_context_has_a_say_where_the_person_is_not_background(weight):
    probs, windows = [smooth_probs(size=(32, 24), seed=1)], [(11.3, -4.2, 60.7, 50.1)]
    maps, places = [smooth_probs(size=(16, 24), seed=2), smooth_probs(size=(20, 20), seed=3)], [(0, 0, 83, 57)] * 2
    context = SemanticContext(maps, places, weight)
    person = paste_person(probs, windows, image_shape=IMAGE, context=context)
    own, around = full_image_probs(probs, windows, IMAGE), full_image_probs(maps, places, IMAGE)
    foreground = (own.argmax(0) != 0) & (own.max(0) >= 1 / len(own))
    fused = own + weight * around
    expected = np.where(foreground, fused.argmax(0), 0)
    decided = np.diff(np.sort(fused, axis=0)[-2:], axis=0)[0] > 1e-5
    decided &= np.diff(np.sort(own, axis=0)[-2:], axis=0)[0] > 1e-5
    found = full_label_map(person.label_map, person.offset, IMAGE).numpy()
    assert (found == expected)[decided].all()
    assert (expected != np.where(foreground, own.argmax(0), 0)).any()
    assert (expected[foreground] == 0).any()  # own foreground may become background
    alone = paste_person(probs, windows, image_shape=IMAGE)
    assert torch.equal(person.pixel_scores, alone.pixel_scores)
    assert torch.equal(person.part_pixel_scores, alone.part_pixel_scores)


def test_a_stretched_context_does_not_fade_at_the_border():
    probs = torch.tensor([0.1, 0.9]).view(2, 1, 1).expand(2, 4, 4)
    wider = SemanticContext.stretched([probs], [(0, 0, 40, 20)], weight=0.5)
    assert wider.windows == [(-10, -5, 50, 25)]
    sampled = full_image_probs(wider.probs, wider.windows, (20, 40))
    np.testing.assert_allclose(sampled[1], 0.9, rtol=1e-6)
