"""Text and badges: within their boxes, legible letters in many scripts, picture borders respected."""
import numpy as np
import pytest
from PIL import Image

from mmqanet.structures import LabelSet
from mmqanet.visualization.lettering import Badge, add_legend, text_mask, with_legend, write
from mmqanet.visualization.paint import PAPER

GREY = np.full((60, 200, 3), 128, np.uint8)


@pytest.mark.parametrize('text', ['Éd', 'ğ', 'ñ', 'Ω', 'я'])
def test_letters_beyond_ascii_are_not_boxes(text):
    missing = text_mask('\uffff', 24)  # no font has it
    mask = text_mask(text, 24)
    assert mask.any()
    assert mask.shape != missing.shape or (mask != missing).any()


@pytest.mark.parametrize('at', [(190, 10), (-20, 50), (20, 58)])
def test_text_that_leaves_the_picture_is_cut_off(at):
    image = GREY.copy()
    write(image, 'upper-clothes', at=at, size=20, colour=(0, 0, 0))
    assert image.shape == GREY.shape


def test_text_has_its_colour_and_leaves_the_rest():
    image = GREY.copy()
    write(image, 'HHH', at=(10, 10), size=24, colour=(10, 200, 30))
    assert (image == (10, 200, 30)).all(2).any()
    mask = text_mask('HHH', 24)
    image[10:10 + mask.shape[0], 10:10 + mask.shape[1]] = 128
    assert (image == 128).all()


@pytest.mark.parametrize('swatch', [None, (0, 0, 255)])
def test_a_badge_fills_its_box_and_nothing_else(swatch):
    image = GREY.copy()
    badge = Badge([('coat', (0, 0, 0)), ('0.75', (90, 90, 90))], size=16, fill=(255, 255, 255), swatch=swatch)
    width, height = badge.size
    badge.draw(image, (20, 15, 20 + width, 15 + height))
    changed = (image != 128).any(2)
    rows, columns = changed.any(1).nonzero()[0], changed.any(0).nonzero()[0]
    assert (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) == (15, 15 + height, 20, 20 + width)
    assert (image == (0, 0, 255)).all(2).any() == (swatch is not None)


@pytest.mark.parametrize(('size', 'pad', 'gap', 'rim', 'side'), [(4, 2, 2, 1, 3), (11, 4, 4, 1, 8), (20, 7, 8, 2, 14)])
def test_a_badge_is_as_large_as_its_text_and_margins(size, pad, gap, rim, side):
    heights, widths = zip(*(text_mask(text, size).shape for text in ('coat', '0.75')))
    pieces = [('coat', (0, 0, 0)), ('0.75', (90, 90, 90))]
    plain, marked = (Badge(pieces, size=size, fill=(0, 0, 0), swatch=swatch) for swatch in (None, (1, 2, 3)))
    assert plain.size == (sum(widths) + gap + 2 * pad, max(heights) + 2 * rim)
    assert marked.size == (plain.size[0] + side + gap, plain.size[1])


def test_the_legend_of_a_pillow_picture_has_rgb_colours():
    category = np.ones((100, 120), np.uint8)
    labels = LabelSet(('background', 'coat'), ((0, 0, 0), (255, 128, 0)))
    picture = with_legend(Image.new('RGB', (120, 100)), category, labels)
    assert picture.height == 100
    legend = np.asarray(picture)[:, 120:].reshape(-1, 3)
    assert (legend == (255, 128, 0)).all(1).any()


@pytest.mark.parametrize('height', [40, 100, 333, 900])
@pytest.mark.parametrize('number', [1, 5, 18])
def test_every_entry_of_a_legend_has_its_whole_swatch(height, number):
    colours = [(0, 0, 0), *((10 * k, 255 - 10 * k, 40) for k in range(1, number + 1))]
    labels = LabelSet(('background', *(f'class {k}' for k in range(1, number + 1))), tuple(colours))
    category = (np.arange(height * 50) % (number + 1)).reshape(height, 50).astype(np.uint8)
    legend = add_legend(np.zeros((height, 50, 3), np.uint8), category, labels)[:, 50:]
    assert legend.shape[0] == height
    sides = set()
    for colour in colours[1:]:
        rows, columns = np.nonzero((legend == colour[::-1]).all(axis=2))
        sides.add((int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1))
    (tall, wide), = sides
    assert abs(tall - wide) <= 2
    assert min(tall, wide) >= 7


def test_entries_of_a_legend_stand_in_the_order_of_their_labels_from_column_to_column_and_a_note_last():
    number, height = 12, 100
    colours = [(0, 0, 0), *((20 * k, 255 - 20 * k, 40) for k in range(1, number + 1))]
    labels = LabelSet(('background', *(f'class {k}' for k in range(1, number + 1))), tuple(colours))
    category = (np.arange(height * 50) % (number + 4)).reshape(height, 50).astype(np.uint8)
    category[category == 5] = 0
    image = np.full((height, 50, 3), 77, np.uint8)
    whole = add_legend(image, category, labels)
    assert (whole[:, :50] == 77).all()
    places = []
    for label in range(1, number + 1):
        rows, columns = np.nonzero((whole[:, 50:] == colours[label][::-1]).all(axis=2))
        assert len(rows) == 0 if label == 5 else len(rows) > 40
        places += [(columns.min(), rows.min())] if len(rows) else []
    assert places == sorted(places)
    assert len({x for x, _ in places}) > 1, 'columns'
    for x in {x for x, _ in places}:
        steps = np.diff([y for left, y in places if left == x])
        assert len(set(steps)) <= 1, 'rows at one distance'
    assert add_legend(image, np.zeros((height, 50), np.uint8), labels) is image


def test_a_note_is_a_last_entry_with_a_hatched_swatch():
    image, category = np.full((100, 50, 3), 77, np.uint8), np.full((100, 50), 1, np.uint8)
    category[50:] = 2
    one, two = (LabelSet(('background', 'coat', 'faint')[:number], ((0, 0, 0), (255, 128, 0), PAPER[::-1])[:number])
                for number in (2, 3))
    noted, plain = add_legend(image, category, one, note='faint'), add_legend(image, category, two)
    rows, columns = np.nonzero((noted != plain).any(axis=2))
    swatch = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    assert (plain[swatch] > 200).mean() > 0.8
    assert noted[swatch].mean() < plain[swatch].mean() - 20, 'dark lines'
    assert rows.min() > np.nonzero((noted == (0, 128, 255)).all(axis=2))[0].max(), 'below the classes'
    assert 50 < columns.min() <= columns.max() < 50 + 30
