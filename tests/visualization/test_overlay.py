"""Overlays and palette pictures: colours where they belong, nothing where nobody is."""
from dataclasses import replace

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmqanet.errors import InputError
from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.structures import LabelSet, ParsingDataSample
from mmqanet.visualization import add_legend, blend, draw_panels, draw_parsing, palette_image

PALETTE = ((0, 0, 0), (255, 0, 0), (0, 0, 255))
CLASSES = ('background', 'red part', 'blue part')
LABELS = LabelSet(CLASSES, PALETTE)


def sample_of(category: np.ndarray) -> ParsingDataSample:
    sample = ParsingDataSample()
    maps = dict(category=category, human=(category > 0).astype(np.int32), part=category.astype(np.int32))
    sample.pred_maps = PixelData(**{key: torch.from_numpy(value)[None] for key, value in maps.items()})
    sample.pred_instances = InstanceData(qualities=torch.tensor([0.87]))
    return sample


@pytest.fixture
def category():
    labels = np.zeros((600, 500), np.uint8)
    labels[200:400, 100:200], labels[200:400, 200:300] = 1, 2
    return labels


def test_palette_image_keeps_labels_and_colours(category):
    picture = palette_image(category, LABELS)
    assert (np.array(picture) == category).all()
    assert picture.convert('RGB').getpixel((150, 300)) == (255, 0, 0)


def test_overlay_blends_part_colours(category):
    image = np.full((600, 500, 3), 100, np.uint8)
    drawn = draw_parsing(
        image, sample_of(category), label_set=LABELS, alpha=0.5, legend=False, part_labels=False)
    assert drawn.shape == image.shape
    assert drawn[300, 150].tolist() == [50, 50, 178]  # BGR: half grey, half red
    assert drawn[300, 250].tolist() == [178, 50, 50]
    assert (drawn[500:] == 100).all()


def test_legend_names_what_is_there(category):
    image = np.full((600, 500, 3), 100, np.uint8)
    drawn = draw_parsing(image, sample_of(category), label_set=LABELS)
    assert drawn.shape[1] > 500
    legend = drawn[:, 500:].reshape(-1, 3)
    assert (legend == (0, 0, 255)).all(1).any()
    assert (legend == (255, 0, 0)).all(1).any()


def test_an_empty_picture_stays_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (600, 500, 3), dtype=np.uint8)
    drawn = draw_parsing(image, sample_of(np.zeros((600, 500), np.uint8)), label_set=LABELS, legend=False)
    assert (drawn == image).all()


def test_tiny_pictures_are_enlarged():
    labels = np.ones((30, 20), np.uint8)
    drawn = draw_parsing(np.zeros((30, 20, 3), np.uint8), sample_of(labels), label_set=LABELS)
    assert min(drawn.shape[:2]) > 300


def two_parts(category: np.ndarray) -> ImageParsing:
    """One person with a part of quality 0.9 and one of 0.3."""
    return ImageParsing(
        category=category, human=(category > 0).astype(np.int32), part=category.astype(np.int32),
        part_labels=np.array([1, 2]), part_people=np.zeros(2, int), part_scores=np.array([0.9, 0.3]),
        person_scores=np.array([0.8]))


def draw(category: np.ndarray, **options) -> np.ndarray:
    image = np.full((*category.shape, 3), 100, np.uint8)
    return draw_panels(image, {'': two_parts(category)}, label_set=LABELS, **options)


def test_parts_below_the_threshold_are_hatched(category):
    options = dict(legend=False, part_labels=False)
    plain, hatched = draw(category, **options), draw(category, quality_thr=0.5, **options)
    changed = (plain != hatched).any(2)
    assert not changed[category != 2].any()
    assert 0.3 < changed[210:390, 210:290].mean() < 0.7
    assert (draw(category, quality_thr=0.3, **options) == plain).all()


def test_labels_name_parts_and_can_be_left_out(category):
    with_labels, without = draw(category, legend=False), draw(category, legend=False, part_labels=False)
    changed = (with_labels != without).any(2)
    assert 0.002 < changed.mean() < 0.08
    assert not changed[:150].any()  # the badge above the head is in both
    badge = (without != 100).any(2)[:199]
    assert badge.any()


def test_nothing_given_is_drawn_on(category):
    image, arrays = np.full((600, 500, 3), 100, np.uint8), two_parts(category)
    before = [array.copy() for array in (image, arrays.category, arrays.human, arrays.part)]
    draw_panels(image, {'': arrays}, label_set=LABELS, quality_thr=0.5)
    assert all((now == then).all() for now, then in zip((image, arrays.category, arrays.human, arrays.part), before))


@pytest.mark.parametrize(('size', 'axis'), [((600, 500), 1), ((300, 900), 0)])
def test_panels_stand_beside_each_other_or_below(size, axis):
    category = np.zeros(size, np.uint8)
    category[100:200, 100:200] = 1
    panels = {'left': two_parts(category), 'right': two_parts(2 * category)}
    drawn = draw_panels(np.full((*size, 3), 100, np.uint8), panels, label_set=LABELS, alpha=1.0,
                        part_labels=False, legend=False)
    assert drawn.shape[1 - axis] == size[1 - axis]
    first, second = drawn[:size[0], :size[1]], drawn[-size[0]:, -size[1]:]
    assert first[150, 150].tolist() == [0, 0, 255]
    assert second[150, 150].tolist() == [255, 0, 0]
    assert drawn.shape[axis] - 2 * size[axis] in range(4, 10)


@pytest.mark.parametrize('label', [3, 4, 200, 254, 255])
def test_labels_beyond_the_palette_are_grey(label):
    image = np.zeros((4, 4, 3), np.uint8)
    labels = np.full((4, 4), label, np.uint8)
    assert (blend(image, labels, LABELS, 1.0) == 128).all()
    labels[0] = 2  # the last of the palette
    assert blend(image, labels, LABELS, 1.0)[:2, 0].tolist() == [[255, 0, 0], [128] * 3]


def test_a_palette_picture_is_white_beyond_its_palette_and_keeps_the_labels():
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = palette_image(labels, LABELS)
    assert (np.array(picture) == labels).all()
    colours = np.array(picture.convert('RGB')).reshape(256, 3)
    assert colours[:3].tolist() == [list(colour) for colour in PALETTE]
    assert (colours[3:] == 255).all()


def test_a_legend_leaves_out_what_has_no_name(category):
    image = np.full((600, 500, 3), 100, np.uint8)
    named = add_legend(image, category, LABELS)
    unknown = category.copy()
    unknown[:50], unknown[50:100] = 3, 255
    assert (add_legend(image, unknown, LABELS) == named).all()
    assert (add_legend(image, np.full((600, 500), 3, np.uint8), LABELS) == image).all()


@pytest.mark.parametrize('label', [3, 7])
def test_a_part_beyond_the_palette_has_a_number_and_a_grey_swatch(label):
    labels = np.zeros((600, 500), np.uint8)
    labels[200:400, 100:300] = label
    parsing = replace(two_parts(labels), part=(labels > 0).astype(np.int32), part_labels=np.array([label]),
                      part_people=np.zeros(1, int), part_scores=np.array([0.9]))
    image = np.full((600, 500, 3), 100, np.uint8)
    drawn, without = (draw_panels(image, {'': parsing}, label_set=LABELS, legend=False, part_labels=shown)
                      for shown in (True, False))
    assert (drawn != without).any()
    changed = drawn[(drawn != without).any(2)].astype(int)
    assert (np.ptp(changed, axis=1) < 12).all()  # neither red nor blue: the badge is paper, ink and grey


def test_a_long_legend_takes_columns_instead_of_height():
    palette = [(index, 255 - index, 7) for index in range(59)]
    labels = LabelSet([f'class {index}' for index in range(59)], palette)
    category = np.tile(np.arange(59, dtype=np.uint8), (200, 4))
    image = add_legend(np.zeros((200, 236, 3), np.uint8), category, labels)
    assert image.shape[0] == 200
    colours = {tuple(colour) for colour in image[:, 236:].reshape(-1, 3).tolist()}
    assert {colour[::-1] for colour in palette[1:]} <= colours
    assert palette[0][::-1] not in colours  # nobody asks for the background


@pytest.mark.parametrize(('change', 'named'), [
    (dict(alpha=2.0), 'alpha'), (dict(quality_thr=float('nan')), 'quality_thr')])
def test_options_that_do_not_fit_are_named(category, change, named):
    with pytest.raises(InputError, match=named):
        draw_parsing(np.zeros((600, 500, 3), np.uint8), sample_of(category), label_set=LABELS, **change)


def test_maps_of_another_image_are_refused(category):
    with pytest.raises(InputError, match=r'500x600.*50x60'):
        draw_parsing(np.zeros((60, 50, 3), np.uint8), sample_of(category), label_set=LABELS)


@pytest.mark.parametrize('size', [(1, 1), (1, 700), (700, 2), (16, 12)])
def test_the_smallest_pictures_draw(size):
    drawn = draw(np.full(size, 1, np.uint8), quality_thr=0.95)
    assert drawn.dtype == np.uint8
    assert drawn.shape[0] >= size[0]
    assert drawn.shape[1] >= size[1]


def test_numbers_without_values_are_refused(category):
    arrays = replace(two_parts(category), human=5 * (category > 0))
    with pytest.raises(InputError, match='human map has number 5'):
        draw_panels(np.zeros((600, 500, 3), np.uint8), {'': arrays}, label_set=LABELS)


@pytest.mark.parametrize('image', [np.zeros((600, 500), np.uint8), np.zeros((600, 500, 3)), np.zeros((0, 5, 3), np.uint8)])
def test_images_of_another_kind_are_refused(category, image):
    with pytest.raises(InputError, match='uint8'):
        draw_panels(image, {'': two_parts(category)}, label_set=LABELS)


def test_without_panels_there_is_nothing_to_draw():
    with pytest.raises(InputError, match='panels is empty'):
        draw_panels(np.zeros((4, 5, 3), np.uint8), {}, label_set=LABELS)
