"""Cropping: half-pixel exactness, left and right, and the distributions of the random transforms."""
import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmqanet.datasets.transforms import (
    BoxesToCrops,
    RandomCropFlip,
    RandomCropRotation,
    RandomCropScale,
    TransformCrops,
    WarpCrops,
)
from mmqanet.datasets.transforms.crop import TileLargePeople, align, warp
from mmqanet.errors import InputError
from mmqanet.functional.geometry import PersonCrop


def smooth_image(height=90, width=70) -> np.ndarray:
    """A picture whose value at the continuous point (x, y) is (2x + 20, 2y + 10, 100)."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([2 * x + 20, 2 * y + 10, np.full_like(x, 100)], axis=-1).round().astype(np.uint8)


@pytest.mark.parametrize('sampler', [warp, align])
@pytest.mark.parametrize('flipped', [False, True])
def test_a_crop_pixel_shows_what_lies_at_its_centre(sampler, flipped):
    image = smooth_image()
    crop = PersonCrop(centre=(35.2, 45.1), size=(30, 40), output_size=(48, 64), flipped=flipped)
    sampled = sampler(image, crop).astype(float)
    columns, rows = np.meshgrid(np.arange(48) + 0.5, np.arange(64) + 0.5)
    points = crop.to_image(np.stack([columns, rows], axis=-1))
    assert abs(sampled[..., 0] - (2 * points[..., 0] + 20)).max() < 1.6
    assert abs(sampled[..., 1] - (2 * points[..., 1] + 10)).max() < 1.6


def test_rotation_shows_what_lies_at_its_centre():
    image = smooth_image()
    crop = PersonCrop(centre=(35, 45), size=(24, 32), output_size=(48, 64), rotation=30)
    sampled = warp(image, crop).astype(float)
    columns, rows = np.meshgrid(np.arange(48) + 0.5, np.arange(64) + 0.5)
    points = crop.to_image(np.stack([columns, rows], axis=-1))
    assert abs(sampled[..., 0] - (2 * points[..., 0] + 20)).max() < 1.6


def test_identity_crop_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8)
    crop = PersonCrop(centre=(24, 32), size=(48, 64), output_size=(48, 64))
    assert (warp(image, crop) == image).all()
    assert (align(image, crop) == image).all()
    assert (warp(image, crop.mirrored()) == image[:, ::-1]).all()


@pytest.mark.parametrize(('size', 'averaged'), [((95, 127), False), ((97, 128), True), ((60, 200), True)])
def test_people_much_larger_than_their_crop_are_averaged(size, averaged):
    image = np.random.default_rng(0).integers(0, 256, (240, 160, 3), dtype=np.uint8)
    crop = PersonCrop(centre=(80, 120), size=size, output_size=(48, 64))
    made, = WarpCrops(sampler='auto').transform(dict(img=image, crops=[crop]))['crop_images']
    assert (made == (align if averaged else warp)(image, crop)).all()
    assert (align(image, crop) != warp(image, crop)).any()


def test_no_more_of_a_picture_is_read_than_the_crop_shows():
    image = np.random.default_rng(0).integers(0, 256, (240, 160, 3), dtype=np.uint8)
    crop = PersonCrop(centre=(60, 90), size=(40, 60), output_size=(16, 24))
    other = np.full_like(image, 255)
    other[59:121, 39:81] = image[59:121, 39:81]
    assert (align(other, crop) == align(image, crop)).all()
    outside = PersonCrop(centre=(-900, 90), size=(40, 60), output_size=(16, 24))
    assert not align(image, outside).any()


def test_outside_the_image_is_black():
    image = np.full((20, 20, 3), 200, np.uint8)
    crop = PersonCrop(centre=(0, 0), size=(40, 40), output_size=(40, 40))
    for sampled in (warp(image, crop), align(image, crop)):
        assert (sampled[:19, :19] == 0).all()
        assert (sampled[21:, 21:] == 200).all()


def roi_align(image: np.ndarray, window, output_size) -> np.ndarray:
    """RoIAlign as Mask R-CNN defines it, half-pixel aligned, with as many samples a bin as it has pixels; point by point."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = window
    bin_w, bin_h = (x2 - x1) / output_size[0], (y2 - y1) / output_size[1]
    across, down = max(int(np.ceil(bin_w)), 1), max(int(np.ceil(bin_h)), 1)

    def value(x: float, y: float) -> np.ndarray:
        if x < -1 or y < -1 or x > width or y > height:
            return np.zeros(3)
        x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
        left, top = min(int(x), width - 2), min(int(y), height - 2)
        right, bottom = x - left, y - top
        pixels = image[top:top + 2, left:left + 2].astype(float)
        return ((1 - bottom) * ((1 - right) * pixels[0, 0] + right * pixels[0, 1])
                + bottom * ((1 - right) * pixels[1, 0] + right * pixels[1, 1]))

    crop = np.zeros((output_size[1], output_size[0], 3))
    for row, column in np.ndindex(crop.shape[:2]):
        crop[row, column] = np.mean([
            value(x1 + (column + (i + 0.5) / across) * bin_w - 0.5, y1 + (row + (j + 0.5) / down) * bin_h - 0.5)
            for i in range(across) for j in range(down)], axis=0)
    return crop


WINDOWS = {  # centre and size in an image of 40x50, output
    'smaller': ((20.3, 24.8), (36.6, 48.8), (9, 12)),
    'larger': ((20.3, 24.8), (10.5, 14.0), (18, 24)),
    'over the border': ((3.2, 46.1), (31.5, 42.0), (12, 16)),
    'far outside': ((-30, 90), (24, 32), (6, 8)),
}


@pytest.mark.parametrize('place', WINDOWS)
def test_align_is_roi_align(place):
    image = np.random.default_rng(1).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    centre, size, output_size = WINDOWS[place]
    crop = PersonCrop(centre=centre, size=size, output_size=output_size)
    expected = roi_align(image, crop.window, output_size)
    assert abs(align(image, crop) - expected).max() <= 0.51  # rounded to whole numbers
    assert abs(align(image, crop.mirrored()) - expected[:, ::-1]).max() <= 0.51


@pytest.mark.parametrize('place', WINDOWS)
def test_align_is_mmcv_s_roi_align(place):
    ops = pytest.importorskip('mmcv.ops', exc_type=ImportError)
    image = np.random.default_rng(2).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    centre, size, output_size = WINDOWS[place]
    crop = PersonCrop(centre=centre, size=size, output_size=output_size)
    pooled = ops.roi_align(
        torch.from_numpy(image).float().permute(2, 0, 1)[None].contiguous(),
        torch.tensor([[0, *crop.window]], dtype=torch.float32), (output_size[1], output_size[0]), 1.0, 0, 'avg', True)
    assert abs(align(image, crop) - pooled[0].permute(1, 2, 0).numpy()).max() <= 0.51


@pytest.mark.parametrize(('box', 'moved'), [
    ((40, 60, 100, 220), -0.78), ((40, 60, 70, 100), -4.62),  # 160 and 40 pixels high
    ((40, 60, 200, 100), -0.46),  # 160 pixels wide
])
def test_training_of_the_release_puts_crops_elsewhere(box, moved):
    """The figures of docs/datasets.md. The release warps pixel indices as if they were coordinates: s (x - centre) + W/2."""
    crop = PersonCrop.from_box(box, output_size=(384, 512))
    s = crop.output_size[0] / crop.size[0]
    x, width, centre = np.arange(300), 300, crop.centre[0]
    ours, = crop.index_matrix()[:1]
    assert s * (x - centre) + 384 / 2 == pytest.approx(ours[0] * x + ours[2] + (1 - s) / 2)
    assert (1 - s) / 2 == pytest.approx(moved, abs=0.005)
    # Mirrored: the image is mirrored and the centre moves to W - centre - 1.
    ours, = crop.mirrored().index_matrix()[:1]
    released = s * ((width - 1 - x) - (width - centre - 1)) + 384 / 2
    assert released == pytest.approx(ours[0] * x + ours[2] + (1 - s) / 2 + s)  # s output pixels: one image pixel


def test_crop_and_paste_back_is_a_round_trip():
    """Shapes cropped at twice their size and pasted over the window by bilinear sampling come back in place."""
    labels = np.zeros((90, 70), np.uint8)
    cv2.circle(labels, (35, 45), 15, 1, -1)
    crop = PersonCrop.from_box([18, 25, 52, 65], output_size=(144, 192))
    cropped = torch.from_numpy(warp(labels, crop, cv2.INTER_NEAREST)).float()[None, None]
    x1, y1, x2, y2 = crop.window
    xs = 2 * (torch.arange(70) + 0.5 - x1) / (x2 - x1) - 1
    ys = 2 * (torch.arange(90) + 0.5 - y1) / (y2 - y1) - 1
    grid = torch.stack(torch.meshgrid(xs, ys, indexing='xy'), dim=-1)[None].float()
    pasted = F.grid_sample(cropped, grid, align_corners=False)[0, 0] > 0.5
    inside = np.zeros((90, 70), bool)
    inside[int(y1) + 1:int(y2), int(x1) + 1:int(x2)] = True
    moved = (pasted.numpy() != labels.astype(bool)) & inside
    assert moved.sum() == 0
    shifted = (np.roll(pasted.numpy(), 1, axis=1) != labels.astype(bool)) & inside
    assert shifted.sum() > 20  # the test would see a shift by one pixel


def test_flipping_swaps_left_and_right_labels():
    labels = np.zeros((40, 40), np.uint8)
    labels[:, 5:10], labels[:, 30:35] = 14, 15
    crop = PersonCrop(centre=(20, 20), size=(40, 40), output_size=(40, 40)).mirrored()
    results = dict(img=np.zeros((40, 40, 3), np.uint8), gt_map=labels, crops=[crop], flip_pairs=((14, 15),))
    swapped = WarpCrops()(results)['gt_seg_map']
    assert (swapped[:, 5:10] == 14).all()
    assert (swapped[:, 30:35] == 15).all()


def test_ignore_and_background_survive_the_swap():
    labels = np.array([[0, 255], [14, 3]], np.uint8).repeat(8, 0).repeat(8, 1)
    crop = PersonCrop(centre=(8, 8), size=(16, 16), output_size=(16, 16)).mirrored()
    results = dict(img=np.zeros((16, 16, 3), np.uint8), gt_map=labels, crops=[crop], flip_pairs=((14, 15),))
    assert set(np.unique(WarpCrops()(results)['gt_seg_map'])) == {0, 3, 15, 255}


def test_scales_of_a_person_stand_side_by_side():
    boxes = np.array([[0, 0, 30, 40], [10, 10, 40, 50]], np.float32)
    crops = BoxesToCrops(input_size=(96, 128), scales=(1.0, 2.0))(dict(bboxes=boxes))['crops']
    assert [crop.centre for crop in crops] == [(15, 20), (15, 20), (25, 30), (25, 30)]
    assert crops[1].size == (2 * crops[0].size[0], 2 * crops[0].size[1])


def draws(transform, attribute, count=4000):
    np.random.seed(0)
    crop = PersonCrop(centre=(0, 0), size=(1, 1), output_size=(3, 4))
    return np.array([getattr(transform(dict(crops=[crop]))['crops'][0], attribute) for _ in range(count)], dtype=float)


def test_tiles_go_by_the_first_scale():
    boxes = np.array([[0, 0, 300, 400], [10, 10, 40, 50]], np.float32)
    cropped = [BoxesToCrops(input_size=(48, 64), scales=scales)(dict(bboxes=boxes)) for scales in ((1.0,), (1.0, 0.25))]
    tiled = [TileLargePeople(finer=2.0)(results) for results in cropped]
    assert [results['tiles'] for results in tiled] == 2 * [tiled[0]['tiles']]
    assert tiled[0]['tiles'][0] > 1
    assert tiled[0]['tiles'][1] == 0
    first, second = (results['crops'] for results in tiled)
    assert first[1:1 + tiled[0]['tiles'][0]] == second[2:2 + tiled[0]['tiles'][0]]


def test_scale_is_a_clipped_normal():
    factors = draws(RandomCropScale(), 'size')[:, 0]
    assert factors.min() == pytest.approx(0.7)
    assert factors.max() == pytest.approx(1.3)
    # P(|N| > 1) / 2 = 0.159 lies at each end; the median is 1.
    assert (factors == factors.min()).mean() == pytest.approx(0.159, abs=0.02)
    assert np.median(factors) == pytest.approx(1, abs=0.02)


def test_rotation_happens_with_its_probability_and_is_clipped():
    degrees = draws(RandomCropRotation(), 'rotation')
    assert (degrees != 0).mean() == pytest.approx(0.6, abs=0.03)
    assert abs(degrees).max() == 80
    turned = degrees[degrees != 0]
    assert (abs(turned) == 80).mean() == pytest.approx(0.0455, abs=0.015)
    assert np.median(abs(turned)) == pytest.approx(0.6745 * 40, abs=2)


def test_flip_happens_half_the_time():
    assert draws(RandomCropFlip(), 'flipped').mean() == pytest.approx(0.5, abs=0.03)
    assert draws(RandomCropFlip(prob=0), 'flipped').mean() == 0


def test_an_unknown_sampler_is_refused():
    with pytest.raises(InputError, match='sampler'):
        WarpCrops(sampler='nearest')


def test_a_transform_of_images_is_applied_to_each_crop():
    crops = np.random.default_rng(0).integers(0, 256, (3, 8, 6, 3), dtype=np.uint8)
    turn = TransformCrops(transforms=[dict(type='RandomFlip', prob=1.0)])
    results = turn(dict(crop_images=crops.copy(), gt_seg_map='untouched'))
    assert (results['crop_images'] == crops[:, :, ::-1]).all()
    assert results['gt_seg_map'] == 'untouched'
