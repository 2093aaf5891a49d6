"""Left and right from coarse body parts: pieces, slips, what stays undecided, and the converted photo."""
import numpy as np
import pytest
from PIL import Image

from mmqanet.datasets.ccp import CCP_MERGED_CLASSES
from mmqanet.datasets.ccp_sides import CCP_SIDES_CLASSES
from mmqanet.errors import DataError
from mmqanet.preparation.converters.base import convert
from mmqanet.preparation.converters.ccp import CCPConverter
from mmqanet.preparation.converters.ccp_sides import IGNORE, PARTIAL, REGIONS, read_parts, split_by_parts, tell_sides

SKIN, SHOES, TOP = (CCP_MERGED_CLASSES.index(name) for name in ('skin', 'shoes', 'top'))
LEFT_FACE, RIGHT_FACE, TORSO = 1, 2, 13
LEFT_HAND, RIGHT_HAND, LEFT_SHIN, RIGHT_SHIN, LEFT_FOOT, RIGHT_FOOT = 11, 12, 19, 21, 23, 24


def ids(*names):
    return [CCP_SIDES_CLASSES.index(name) for name in names]


def test_every_part_belongs_to_one_region():
    assert sorted(part for parts in REGIONS.values() for part in parts) == list(range(24))


def test_skin_and_shoes_follow_the_parts_and_the_rest_stays():
    category, parts = np.zeros((2, 100, 80), np.uint8)
    category[10:20, 30:40] = SKIN  # a face
    category[40:50, 5:12], category[40:50, 60:67] = SKIN, SKIN  # two hands
    category[25:60, 20:55] = TOP
    category[90:95, 20:30], category[90:95, 40:50] = SHOES, SHOES
    parts[8:15, 28:35], parts[8:15, 35:42] = RIGHT_FACE, LEFT_FACE  # coarse: does not reach the chin
    parts[38:48, 4:10], parts[38:48, 62:70] = RIGHT_HAND, LEFT_HAND
    parts[25:60, 20:55] = TORSO
    parts[88:96, 22:28], parts[88:93, 41:52] = RIGHT_FOOT, LEFT_SHIN  # boots reach up the leg
    labels = tell_sides(category, parts)
    face, left, right, left_shoe, right_shoe, top = ids(
        'face', 'left-arm', 'right-arm', 'left-shoe', 'right-shoe', 'top')
    expected = np.zeros_like(category)
    for rows, columns, label in (
            (slice(10, 20), slice(30, 40), face), (slice(40, 50), slice(5, 12), right), (slice(40, 50), slice(60, 67), left),
            (slice(25, 60), slice(20, 55), top), (slice(90, 95), slice(20, 30), right_shoe),
            (slice(90, 95), slice(40, 50), left_shoe)):
        expected[rows, columns] = label
    assert (labels == expected).all()


def test_what_contradicts_the_pixels_says_nothing():
    category = np.full((40, 40), SHOES, np.uint8)
    assert (tell_sides(category, np.full((40, 40), LEFT_HAND, np.uint8)) == PARTIAL['shoes']).all()
    assert (tell_sides(category, np.zeros((40, 40), np.uint8)) == PARTIAL['shoes']).all()
    skin = np.full((40, 40), SKIN, np.uint8)
    assert (tell_sides(skin, np.full((40, 40), LEFT_FOOT, np.uint8)) == ids('left-leg')).all()
    assert (tell_sides(skin, np.zeros((40, 40), np.uint8)) == PARTIAL['skin']).all()


def test_a_mixed_piece_follows_the_nearest_hint_within_reach():
    mask = np.ones((100, 60), bool)  # two legs that touch
    hints = np.full(mask.shape, IGNORE, np.uint8)
    hints[20:80, 10:25], hints[20:80, 35:50] = 5, 6
    labels = split_by_parts(mask, hints)
    assert (labels[20:80, 10:25] == 5).all()
    assert (labels[50, [9, 25]] == 5).all()
    assert (labels[50, [34, 50]] == 6).all()
    assert (labels[50, [8, 30, 52]] == IGNORE).all()  # 1.2 pixels of 100 rows are the reach
    assert (labels[[18, 82]] == IGNORE).all()


def test_a_piece_of_one_class_is_taken_whole_and_splinters_are_dropped():
    mask = np.zeros((100, 60), bool)
    mask[10:90, 5:25], mask[10:90, 40:60] = True, True
    hints = np.full(mask.shape, IGNORE, np.uint8)
    hints[10:50, 5:25] = 5
    hints[10:14, 5:25] = 6  # a tenth: the whole piece is still 5
    hints[10:52, 40:60], hints[60:90, 40:60], hints[52:53, 40:60] = 5, 6, 7  # 7: one row of 73
    labels = split_by_parts(mask, hints)
    assert (labels[10:90, 5:25] == 5).all()
    assert set(np.unique(labels[10:90, 40:60])) == {5, 6, IGNORE}
    assert (labels[52, 40:60] == 5).all()
    assert (labels[~mask] == IGNORE).all()


def legs(angle=0.0):
    """Two legs that touch, hints left and right of a line through the middle."""
    rows, columns = np.mgrid[:100, :60]
    mask = (columns >= 10) & (columns < 50)
    return mask, np.where(mask, np.where(columns - 30 + angle * (rows - 50) < 0, 21, 22), IGNORE).astype(np.uint8)


@pytest.mark.parametrize('angle', [0, 0.3])
def test_sides_that_a_line_parts_are_kept(angle):
    mask, hints = legs(angle)
    assert (split_by_parts(mask, hints) == hints).all()


def test_sides_that_are_tangled_are_ignored():
    mask, hints = legs()
    hints[60:][mask[60:]] = 43 - hints[60:][mask[60:]]  # the shins the other way round
    hints[:20][mask[:20]] = 18  # torso: no side
    labels = split_by_parts(mask, hints)
    assert (labels[:20][mask[:20]] == 18).all()
    assert (labels[20:] == IGNORE).all()
    assert (split_by_parts(mask, hints, pairs=()) == hints).all()


def test_two_feet_of_one_side_are_ignored_unless_one_is_small_or_the_other_side_is_there():
    mask = np.zeros((100, 60), bool)
    mask[80:90, 5:20], mask[80:90, 35:50] = True, True
    hints = np.where(mask, 12, IGNORE).astype(np.uint8)
    assert (split_by_parts(mask, hints) == IGNORE).all()
    small = mask.copy()
    small[80:90, 38:50] = False
    assert (split_by_parts(small, hints)[small] == 12).all()
    hints[80:90, 35:50] = 11
    assert (split_by_parts(mask, hints) == hints).all()
    assert split_by_parts(mask, np.where(mask, 17, IGNORE).astype(np.uint8))[mask].tolist() == [17] * mask.sum()


def test_parts_of_a_quarter_of_the_size(tmp_path):
    small = np.arange(20, dtype=np.uint8).reshape(4, 5)
    Image.fromarray(small).save(tmp_path / 'parts.png')
    parts = read_parts(tmp_path / 'parts.png', (16, 20))
    assert (parts == small.repeat(4, 0).repeat(4, 1)).all()
    assert read_parts(tmp_path / 'parts.png', (17, 22)).shape == (17, 22)
    with pytest.raises(DataError, match='no smaller size of'):
        read_parts(tmp_path / 'parts.png', (16, 40))
    Image.fromarray(small + 10).save(tmp_path / 'wrong.png')
    with pytest.raises(DataError, match=r'wrong.png: label 29, but body parts are 0 to 24'):
        read_parts(tmp_path / 'wrong.png', (16, 20))


def test_a_converted_photo(ccp_tree, tmp_path, person_tags):
    (ccp_tree.root / 'bodypix').mkdir()
    parts = np.zeros((30, 15), np.uint8)
    parts[3:7] = LEFT_FACE
    parts[24:, :8], parts[24:, 8:] = RIGHT_FOOT, LEFT_FOOT
    for path in (ccp_tree.root / 'photos').glob('*.jpg'):
        Image.fromarray(parts).save(ccp_tree.root / 'bodypix' / f'{path.stem}.png')
    report, _ = convert(CCPConverter(source=ccp_tree.root, labels='sides', val=2), tmp_path / 'CCP', show_progress=False)
    category = np.array(Image.open(tmp_path / f'CCP/Training/Category_ids/{report.done[0].name}.png'))
    hair, face, shirt, left, right = ids('hair', 'face', 'top', 'left-shoe', 'right-shoe')
    assert (category[12, 24:36] == hair).all()
    assert (category[16:25, 25:35] == face).all()
    assert (category[30, 18:42] == shirt).all()
    assert (category[105, 18:31] == right).all()
    assert (category[105, 33:42] == left).all()
    (ccp_tree.root / f'bodypix/{report.done[0].name}.png').unlink()
    broken, _ = convert(CCPConverter(source=ccp_tree.root, labels='sides', val=2), tmp_path / 'again', show_progress=False)
    assert [outcome.name for outcome in broken.failed] == [report.done[0].name]
