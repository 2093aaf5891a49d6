"""Pictures of samples: boxes and frames where they belong, the augmentation in words, sheets that hold everything."""
from dataclasses import replace

import numpy as np
import pytest

from mmqanet.functional.geometry import PersonCrop
from mmqanet.structures import LabelSet
from mmqanet.visualization.samples import FRAME, HEIGHT, CropSample, _crop_panels, contact_sheet, draw_sample

LABELS = LabelSet(('background', 'left', 'right'), ((0, 0, 0), (250, 0, 0), (0, 0, 250)))
PLAIN = PersonCrop.from_box((20, 10, 50, 70), output_size=(48, 64))


def sample_of(crop: PersonCrop) -> CropSample:
    labels = np.zeros((64, 48), np.uint8)
    labels[10:50, 10:24], labels[10:50, 24:40] = 1, 2
    return CropSample(image=np.full((64, 48, 3), 90, np.uint8), labels=labels, person=1, crop=crop, plain=PLAIN)


@pytest.fixture
def scene():
    """An image of 128×160 whose one person has a left and a right half."""
    category = np.zeros((128, 160), np.uint8)
    category[20:100, 40:60], category[20:100, 60:80] = 1, 2
    return np.full((128, 160, 3), 90, np.uint8), category, (category > 0).astype(np.int32)


@pytest.mark.parametrize(('crop', 'words'), [
    (PLAIN, []),
    (PLAIN.mirrored(), ['mirrored']),
    (PLAIN.rotated(12), ['turned 12° left']),
    (PLAIN.rotated(-30).mirrored(), ['mirrored', 'turned 30° left']),
    (PLAIN.scaled(0.8), ['person ×1.25']),
    (replace(PLAIN, centre=(PLAIN.centre[0] + 3, PLAIN.centre[1] - 4)), ['shifted 5 px']),
])
def test_augmentation_in_words(crop, words):
    assert sample_of(crop).changes() == words


def test_turned_left_is_what_the_crop_shows():
    """A point above the middle of the person lies left of the middle in a crop that says 'turned left'."""
    for crop in (PLAIN.rotated(12), PLAIN.rotated(-12).mirrored()):
        above = crop.to_crop((PLAIN.centre[0], PLAIN.centre[1] - 20))
        assert sample_of(crop).changes()[-1] == 'turned 12° left'
        assert above[0] < 24


def test_parts_keep_their_colours_and_the_legend_names_them(scene):
    image, category, human = scene
    drawn = draw_sample(image, category, human, np.array([[40, 20, 80, 100]]), label_set=LABELS, title='t')
    scale = HEIGHT / 128
    top = drawn.shape[0] - HEIGHT
    left, right = (drawn[top + round(40 * scale), round(x * scale)].astype(int) for x in (45, 75))
    assert left[2] > left[0] + 60
    assert right[0] > right[2] + 60
    assert drawn.shape[1] > 160 * scale + 20, 'a legend beside the image'
    alone = draw_sample(image, 0 * category, 0 * human, np.zeros((0, 4)), label_set=LABELS, title='t')
    assert alone.shape[1] < drawn.shape[1]


def test_boxes_and_the_frame_of_the_crop_lie_in_the_image(scene):
    image, category, human = scene
    args = dict(label_set=LABELS, title='t')
    none = draw_sample(image, 0 * category, 0 * human, np.zeros((0, 4)), **args)
    boxed = draw_sample(image, 0 * category, 0 * human, np.array([[20, 10, 50, 70]]), **args)
    rows, columns = np.nonzero((none != boxed).any(axis=2))
    scale, top = HEIGHT / 128, none.shape[0] - HEIGHT
    assert np.allclose([columns.min(), columns.max()], [20 * scale, 50 * scale], atol=3)
    assert np.allclose([rows.min() - top, rows.max() - top], [10 * scale, 70 * scale], atol=3)
    framed = draw_sample(image, category, human, np.zeros((0, 4)), crop=sample_of(PLAIN), **args)
    rows, columns = np.nonzero((framed[:, :round(160 * scale)] == FRAME).all(axis=2))
    x1, _y1, x2, y2 = (value * scale for value in PLAIN.window)
    assert np.allclose([columns.min(), columns.max()], [x1, x2], atol=4)
    assert rows.max() - top == pytest.approx(y2, abs=4)
    assert framed.shape[1] > none.shape[1] + 3 * 400, 'input, labels and both beside the image'


def test_wide_and_tiny_images_fit(scene):
    for shape in ((40, 900), (2000, 300), (7, 5)):
        drawn = draw_sample(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8), np.zeros(shape, np.int32),
                            np.zeros((0, 4)), label_set=LABELS, title='longer than the picture is wide')
        assert drawn.shape[0] > HEIGHT
        assert drawn.shape[1] <= 1.7 * HEIGHT + 20


@pytest.mark.parametrize(('size', 'width'), [((1, 2000), 1), ((2, 1200), 1), ((30, 60), HEIGHT // 2)])
def test_slim_crops_are_a_pixel_wide_at_least(size, width):
    crop = PersonCrop.from_box((20, 10, 50, 70), output_size=size)
    labels = np.zeros(size[::-1], np.uint8)
    sample = CropSample(image=np.zeros((*labels.shape, 3), np.uint8), labels=labels, person=1, crop=crop, plain=crop)
    seen, _, _ = _crop_panels(sample, LABELS)
    assert seen.shape == (HEIGHT, width, 3)


def test_a_sheet_holds_every_picture():
    colours = [(10 * k, 200 - 10 * k, 30) for k in range(7)]
    pictures = [np.full((60, 100 + 40 * k, 3), colour, np.uint8) for k, colour in enumerate(colours)]
    sheet = contact_sheet(pictures, width=500, row=60)
    assert sheet.shape[1] == 500
    for colour, picture in zip(colours, pictures):
        assert np.count_nonzero((sheet == colour).all(axis=2)) == picture.shape[0] * picture.shape[1]
    assert contact_sheet(pictures[-1:], width=100, row=60).shape[1] == 340
