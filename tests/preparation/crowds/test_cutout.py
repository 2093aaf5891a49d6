"""People cut out: soft outlines without a rim of the old background, labels for every pixel."""
import cv2
import numpy as np
import pytest

from mmqanet.preparation.crowds.cutout import cut_out, tidy


@pytest.fixture
def disc():
    """A red disc on green, its edge mixed over some pixels as lenses do; classes 1 (left half) and 2 (right half)."""
    mask = cv2.circle(np.zeros((90, 100), np.uint8), (50, 45), 30, 1, -1) > 0
    share = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)[..., None]
    image = (share * np.float32((0, 0, 250)) + (1 - share) * np.float32((0, 250, 0))).astype(np.uint8)
    category = np.where(mask, np.where(np.arange(100) < 50, 1, 2), 0).astype(np.uint8)
    return image, category, mask


def on_blue(cutout) -> np.ndarray:
    alpha = cutout.alpha[..., None]
    return alpha * cutout.image + (1 - alpha) * np.float32((250, 0, 0))


def test_no_rim_of_the_old_background(disc):
    image, category, mask = disc
    plain = np.where(mask[..., None], image, np.float32((250, 0, 0)))
    assert plain[..., 1].max() > 60, 'a hard cut brings green along'
    assert on_blue(cut_out(image, category, mask))[..., 1].max() < 12


def test_the_outline_fades_inside_the_mask(disc):
    image, category, mask = disc
    cutout = cut_out(image, category, mask)
    x, y = cutout.origin
    inside = mask[y:y + cutout.alpha.shape[0], x:x + cutout.alpha.shape[1]]
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    assert cutout.alpha[~inside].max() < 0.25
    assert cutout.alpha[depth > 6].min() > 0.99
    assert ((cutout.alpha > 0.3) & (cutout.alpha < 0.7)).sum() > 60
    union = np.count_nonzero(cutout.mask | inside)
    assert np.count_nonzero(cutout.mask & inside) > 0.88 * union


def test_holes_are_closed_with_the_class_around_and_islands_left_out(disc):
    image, category, mask = disc
    category[30:32, 30:32] = mask[30:32, 30:32] = 0
    mask[2:4, 2:4] = category[2:4, 2:4] = 1
    cutout = cut_out(image, category, mask)
    assert cutout.origin[0] > 10
    assert cutout.origin[1] > 10
    x, y = cutout.origin
    assert cutout.alpha[30 - y:32 - y, 30 - x:32 - x].min() > 0.99
    assert (cutout.category[30 - y:32 - y, 30 - x:32 - x] == 1).all()


def test_a_large_hole_stays_open(disc):
    mask = disc[2]
    mask[40:50, 45:55] = False
    np.testing.assert_array_equal(tidy(mask), mask)


def test_every_visible_pixel_has_a_class_at_any_size(disc):
    image, category, mask = disc
    category[mask & (np.arange(90) > 70)[:, None]] = 0  # a strip of the person without a label
    cutout = cut_out(image, category, mask)
    for scale in (0.3, 1, 1.7):
        resized = cutout.resized(scale)
        assert resized.alpha.shape == tuple(round(side * scale) for side in cutout.alpha.shape)
        assert set(np.unique(resized.category[resized.alpha > 0])) == {1, 2}
        assert resized.alpha.min() >= 0
        assert resized.alpha.max() <= 1


def test_a_mirror_swaps_left_and_right(disc):
    cutout = cut_out(*disc)
    mirrored = cutout.mirrored(flip_pairs=((1, 2),))
    np.testing.assert_array_equal(mirrored.image, cutout.image[:, ::-1])
    middle = cutout.alpha.shape[0] // 2
    assert mirrored.category[middle, 8] == 1 == cutout.category[middle, 8]
    assert cutout.mirrored().category[middle, 8] == 2


def test_a_person_cut_by_the_photo_border_does_not_fade_there():
    mask = np.zeros((60, 60), bool)
    mask[20:, 20:40] = True
    cutout = cut_out(np.full((60, 60, 3), 90, np.uint8), mask.astype(np.uint8), mask)
    assert cutout.alpha[-1].max() > 0.9
    assert cutout.alpha[:4].max() < 0.9
