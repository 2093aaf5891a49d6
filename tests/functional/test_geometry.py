"""The crop geometry: worked examples, and the round trips between image and crop."""
import numpy as np
import pytest

from mmqanet.errors import InputError
from mmqanet.functional.geometry import PersonCrop, aligned_average_weights


def test_tall_box_is_widened_and_padded():
    # 40 wide, 160 high; 3:4 wants 120 × 160; times 1.25 gives 150 × 200.
    crop = PersonCrop.from_box([100, 20, 140, 180], output_size=(384, 512))
    assert crop.centre == (120, 100)
    assert crop.size == pytest.approx((150, 200))
    assert crop.window == pytest.approx((45, 0, 195, 200))


def test_wide_box_is_heightened_and_padded():
    # 120 wide, 40 high; 3:4 wants 120 × 160.
    crop = PersonCrop.from_box([0, 0, 120, 40], output_size=(384, 512))
    assert crop.size == pytest.approx((150, 200))
    assert crop.centre == (60, 20)


def test_corners_of_the_window_are_corners_of_the_crop():
    crop = PersonCrop.from_box([10, 20, 70, 110], output_size=(96, 128))
    x1, y1, x2, y2 = crop.window
    assert crop.to_crop([[x1, y1], [x2, y2]]) == pytest.approx(np.array([[0, 0], [96, 128]]))
    assert crop.mirrored().to_crop([[x1, y1], [x2, y2]]) == pytest.approx(np.array([[96, 0], [0, 128]]))


def test_rotation_turns_the_window_clockwise():
    crop = PersonCrop(centre=(50, 50), size=(40, 40), output_size=(40, 40)).rotated(90)
    # A quarter turn clockwise in the image (y down) brings the window's top to the right.
    assert crop.to_image([20, 0]) == pytest.approx(np.array([70, 50]))
    with pytest.raises(InputError, match='a rotated crop has no axis-aligned window'):
        _ = crop.window
    assert crop.rotated(-90).window == (30, 30, 70, 70)


@pytest.mark.parametrize('flipped', [False, True])
def test_points_come_back(flipped):
    rng = np.random.default_rng(0)
    points = rng.uniform(-50, 300, (20, 2))
    crop = PersonCrop(centre=(120.3, 80.7), size=(90, 120), output_size=(48, 64), rotation=33.0, flipped=flipped)
    assert crop.to_image(crop.to_crop(points)) == pytest.approx(points)


def test_index_matrix_addresses_pixel_centres():
    crop = PersonCrop(centre=(8, 8), size=(8, 8), output_size=(16, 16))
    # Output pixel 0 is centred at 0.5 of the crop = 4 + 0.25 in the image = index 3.75.
    matrix = crop.index_matrix()
    assert matrix @ [3.75, 3.75, 1] == pytest.approx(np.array([0, 0]))


@pytest.mark.parametrize('box', [[0, 0, 0, 10], [5, 5, 4, 9], [0, 0, float('nan'), 3], [0, 0, float('inf'), 3]])
def test_a_box_without_area_is_refused(box):
    with pytest.raises(InputError, match='box'):
        PersonCrop.from_box(box, output_size=(96, 128))


def naive_roi_align_1d(values: np.ndarray, start: float, length: float, bins: int) -> np.ndarray:
    """RoIAlign along one axis, point by point (He et al., Mask R-CNN; sampling_ratio 0, aligned)."""
    out = np.zeros(bins)
    step = length / bins
    points = int(np.ceil(length / bins))
    for i in range(bins):
        for k in range(points):
            at = start + i * step + (k + 0.5) * step / points - 0.5
            if at < -1 or at > len(values):
                continue
            at = min(max(at, 0), len(values) - 1)
            low = int(np.floor(at))
            high = min(low + 1, len(values) - 1)
            out[i] += (values[low] * (1 - (at - low)) + values[high] * (at - low)) / points
    return out


@pytest.mark.parametrize(('start', 'length'), [(0, 20), (3.3, 50.1), (-12.5, 30), (15, 40), (-100, 20), (4, 2.5)])
def test_aligned_average_is_roi_align(start, length):
    values = np.random.default_rng(1).standard_normal(37)
    weights = aligned_average_weights(start, length, 16, 37)
    assert weights @ values == pytest.approx(naive_roi_align_1d(values, start, length, 16), abs=1e-5)
