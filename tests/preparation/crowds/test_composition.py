"""Crowds: who is nearer is larger, stands lower and hides who is farther, in the picture as in the maps."""
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from mmqanet.errors import DataError
from mmqanet.preparation.converters.prepared import write_sample
from mmqanet.preparation.crowds.composition import _all_visible, _expose, compose_crowd, paint, place_people
from mmqanet.preparation.crowds.cutout import Cutout
from mmqanet.preparation.crowds.photos import Photos
from mmqanet.preparation.crowds.view import Placed, View, close_view, street_view
from mmqanet.utils.files import read_bytes, read_label_map


def block(colour, category, *, x, y, height, size=(20, 10), edge=1.0) -> Placed:
    """A rectangle of one colour; its first column is as opaque as ``edge``."""
    alpha = np.ones(size, np.float32)
    alpha[:, 0] = edge
    image = np.empty((*size, 3), np.uint8)
    image[:] = colour
    return Placed(Cutout(image, alpha, np.full(size, category, np.uint8)), x, y, height, shaded=False)


@pytest.fixture
def grey() -> View:
    return View(np.full((60, 80, 3), 100, np.uint8), np.full(3, 100.0), horizon=20, eye_level=0.3, heights=(10, 40))


def test_nearer_hides_farther_in_picture_and_maps(grey):
    far, near = block((0, 0, 250), 2, x=10, y=10, height=20), block((250, 0, 0), 3, x=15, y=15, height=30)
    image, category, human = paint(grey, [far, near])
    expected = ((12, 12), (0, 0, 250), 2, 1), ((20, 17), (250, 0, 0), 3, 2), ((50, 50), (100,) * 3, 0, 0)
    for place, colour, label, person in expected:
        assert (tuple(image[place]), category[place], human[place]) == (colour, label, person)
    assert np.count_nonzero(human == 1) == 200 - 5 * 15
    assert np.count_nonzero(human == 2) == 200
    image, category, human = paint(grey, [near, far])
    assert (tuple(image[20, 17]), category[20, 17], human[20, 17]) == ((0, 0, 250), 2, 2)


@pytest.mark.parametrize(('edge', 'person'), [(0.25, 0), (0.75, 1)])
def test_edges_blend_and_the_larger_share_gets_the_label(grey, edge, person):
    image, category, human = paint(grey, [block((200, 0, 60), 5, x=30, y=10, height=20, edge=edge)])
    np.testing.assert_allclose(image[15, 30], np.float32((200, 0, 60)) * edge + 100 * (1 - edge), atol=0.51)
    assert (human[15, 30], category[15, 30]) == (person, 5 * person)
    assert human[15, 31] == 1


def test_people_over_the_border_are_cut(grey):
    image, _, human = paint(grey, [block((9, 9, 9), 1, x=-6, y=50, height=20), block((7, 7, 7), 1, x=500, y=5, height=30)])
    assert np.count_nonzero(human == 1) == 4 * 10
    assert (human[50:, :4] == 1).all()
    assert (image[50:, :4] == 9).all()


def test_the_ground_is_darker_below_the_feet(grey):
    person = replace(block((9, 9, 9), 1, x=30, y=10, height=20), shaded=True)
    image, _, _ = paint(grey, [person])
    below = image[30, :, 0]
    distance = ((np.arange(80) - 34.5) / (4.5 + 0.04 * 20))**2 + ((30 - 29.6) / (0.022 * 20))**2
    np.testing.assert_allclose(below, 100 * (1 - 0.5 * np.exp(-1.2 * distance)), atol=1)
    assert below.min() < 85
    assert (image[:20, :20] == 100).all()


def test_the_ground_is_dark_below_the_soles_and_not_below_the_shoulders(grey):
    person = block((9, 9, 9), 1, x=30, y=2, height=40, size=(40, 20))
    alpha = person.cutout.alpha.copy()
    alpha[10:, :4], alpha[10:, 8:] = 0, 0  # it stands on four columns, 34 to 37
    shaded = replace(person, shaded=True, cutout=Cutout(person.cutout.image, alpha, person.cutout.category * (alpha > 0)))
    image, *_ = paint(grey, [shaded])
    dark = 100 - image[42, :, 0].astype(int)
    assert 35 <= dark.argmax() <= 36
    assert dark.max() > 12
    assert (dark[42:] < 5).all()


def test_there_is_no_shade_where_the_feet_are_below_the_picture_or_not_there(grey):
    low = replace(block((9, 9, 9), 1, x=30, y=52, height=20), shaded=True)
    footless = replace(low, y=10, cutout=replace(low.cutout, alpha=low.cutout.alpha * (np.arange(20) < 15)[:, None]))
    for person in (low, footless):
        image, _, human = paint(grey, [person])
        assert (image[human == 0] == 100).all()
    standing = replace(low, y=40)
    assert (paint(grey, [standing])[0][:, :30] < 100).any()


def test_everyone_needs_a_fifth_of_the_own_pixels_and_three_thousandths_of_the_picture():
    shape = (100, 100)
    person = block((9, 9, 9), 1, x=0, y=0, height=20)  # of 200 pixels

    def visible(hidden_rows, size=(20, 10), height=20):
        before = block((5, 5, 5), 2, x=0, y=0, height=30, size=(hidden_rows, 10))
        return _all_visible([block((9, 9, 9), 1, x=0, y=0, height=height, size=size), before], shape)

    assert _all_visible([person], shape)
    assert [visible(rows) for rows in (15, 16, 17, 20)] == [True, True, False, False]
    assert [visible(rows, size=(9, 10)) for rows in (3, 5, 6, 7)] == [True, True, True, False]
    assert not _all_visible([block((9, 9, 9), 1, x=99, y=99, height=20)], shape), 'one pixel of it lies in the picture'
    assert not _all_visible([block((9, 9, 9), 1, x=200, y=0, height=20)], shape)
    assert _all_visible([], shape)
    assert not _all_visible([block((9, 9, 9), 1, x=0, y=0, height=9, size=(5, 4))], shape), '20 of 10,000 pixels'


def test_exposure_keeps_to_8_bits_and_tints_little():
    gains = []
    for seed in range(60):
        dark, grey, bright = (_expose(np.random.default_rng(seed), np.full((30, 40, 3), value, np.uint8)).astype(int)
                              for value in (0, 128, 255))
        assert dark.max() < 30
        assert bright.min() > 180
        gains.append(grey.mean() / 128)
        assert np.ptp(grey.mean(axis=(0, 1))) < 128 * 0.2
    assert min(gains) == pytest.approx(0.9, abs=0.06)
    assert max(gains) == pytest.approx(1.1, abs=0.06)
    assert np.mean(gains) == pytest.approx(1, abs=0.03)


def test_nobody_on_a_street_is_much_larger_than_the_person_of_the_photo(photo, scenery):
    rng = np.random.default_rng(5)
    views = [street_view(rng, photo, scenery, width=60, height=50, keep_owner=True) for _ in range(60)]
    least, most = np.array([np.divide(view.heights, view.owner.height) for view in views]).T
    assert 0.3 - 1e-9 <= least.min() <= least.max() <= 0.95 + 1e-9
    assert 1 - 1e-9 <= most.min() < 1.25
    assert most.max() == pytest.approx(1.3)


@pytest.mark.parametrize('keep_owner', [False, True])
def test_sizes_follow_the_ground(photo, scenery, keep_owner):
    rng = np.random.default_rng(3)
    for _ in range(10):
        view = street_view(rng, photo, scenery, width=200, height=150, keep_owner=keep_owner)
        people = place_people(rng, view, [photo] * 4)
        assert [one.height for one in people] == sorted(one.height for one in people)
        for one in (one for one in people if one is not view.owner):
            foot = one.y + one.cutout.alpha.shape[0]
            assert foot == pytest.approx(view.horizon + (1 - view.eye_level) * one.height, abs=1)
        _, _, human = paint(view, people)
        assert set(np.unique(human)) - {0} == set(range(1, len(people) + 1))
        assert np.bincount(human.ravel())[1:].min() >= 0.003 * human.size
        assert (view.owner is not None) == keep_owner == any(one is view.owner for one in people)


def test_the_owner_stays_where_the_photo_shows_it(photo, scenery):
    rng = np.random.default_rng(0)
    for width, height in ((120, 160), (300, 200), (90, 70)) * 8:
        view = street_view(rng, photo, scenery, width=width, height=height, keep_owner=True)
        image, category, human = paint(view, [view.owner])
        red = image[..., 2].astype(int) > image[..., 1].astype(int) + 60
        assert np.count_nonzero(red & (human == 1)) > 0.7 * np.count_nonzero(red | (human == 1))  # legs are thin
        assert np.abs(image.astype(int) - view.image).mean() < 2, 'nothing changes but the outline'
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
        inner = cv2.erode(red.astype(np.uint8), disc, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
        assert np.count_nonzero(inner & (human == 0)) <= 0.005 * np.count_nonzero(inner), 'neither shifted nor stretched'
        assert ((category > 0) == (human > 0)).all()


def test_views_show_no_person_but_the_owner(photo, scenery):
    rng = np.random.default_rng(1)
    for _ in range(5):
        street = street_view(rng, photo, scenery, width=250, height=120, keep_owner=False)
        close = close_view(rng, photo, scenery, width=120, height=150)
        assert street.image.shape == (120, 250, 3)
        assert close.image.shape == (150, 120, 3)
        assert street.image[..., 2].max() < 110
        assert close.image[..., 2].max() < 110
        assert close.horizon - close.eye_level * close.heights[1] > -0.1 * 150, 'the nearest head is in the picture'


def test_crowds_are_many_sided(photos):
    """Nobody, several people, cuts by every border but the sky, hidden people, large and small."""
    rng = np.random.default_rng(0)
    counts, cut, sizes = set(), set(), []
    for _ in range(60):
        crowd = compose_crowd(rng, photos, width=96, height=80)
        counts.add(int(crowd.human.max()))
        assert crowd.image.shape == (80, 96, 3)
        assert crowd.human.shape == crowd.category.shape == (80, 96)
        assert ((crowd.category > 0) == (crowd.human > 0)).all()
        for person in range(1, crowd.human.max() + 1):
            mask = crowd.human == person
            assert mask.sum() >= 0.003 * mask.size
            sizes.append(mask.any(axis=1).sum() / 80)
            cut |= {side for side, line in dict(left=mask[:, 0], right=mask[:, -1], bottom=mask[-1]).items() if line.any()}
        assert len(set(crowd.sources)) == len(crowd.sources)
        assert set(crowd.sources) <= set(photos.people)
    assert counts >= {0, 1, 2, 3, 4}
    assert cut == {'left', 'right', 'bottom'}
    assert min(sizes) < 0.4
    assert max(sizes) > 0.9


def test_where_the_map_says_person_the_picture_shows_one(photos):
    rng = np.random.default_rng(5)
    right = total = 0
    for _ in range(10):
        crowd = compose_crowd(rng, photos, width=160, height=120)
        red = crowd.image[..., 2].astype(int) > crowd.image[..., 1]
        right += np.count_nonzero(red == (crowd.human > 0))
        total += red.size
    assert right > 0.98 * total


def test_same_state_same_arrays(photos):
    one, two = (compose_crowd(np.random.default_rng(8), photos, width=96, height=80) for _ in range(2))
    for field in ('image', 'category', 'human'):
        np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
    assert one.sources == two.sources


def test_people_that_fill_their_photos_leave_no_backdrop(photos, monkeypatch):
    monkeypatch.setattr('mmqanet.preparation.crowds.composition.clear', lambda image, mask: None)
    with pytest.raises(DataError, match='Training'):
        compose_crowd(np.random.default_rng(0), photos, width=96, height=80)


def test_a_photo_of_two_people_is_refused(photos, tmp_path):
    human = read_label_map(photos.folder / 'Human_ids/train0.png')
    category = read_label_map(photos.folder / 'Category_ids/train0.png')
    human[human > 0] += np.arange(human.shape[1])[None].repeat(len(human), 0)[human > 0] > 90
    jpeg = read_bytes(photos.folder / 'Images/train0.jpg')
    write_sample(tmp_path, 'pair', image=jpeg, category=category, human=human, num_classes=4)
    with pytest.raises(DataError, match=r'pair.*shows 2'):
        Photos(tmp_path, ('pair',), ('pair',)).load('pair')


@pytest.mark.parametrize(('end', 'reason'), [(0, 'no known format'), (-200, 'truncated'), (20, '')])
def test_a_photo_that_is_no_whole_picture_is_named(photos, tmp_path, end, reason):
    shutil.copytree(photos.folder, tmp_path / 'in')
    path = tmp_path / 'in/Images/train0.jpg'
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(DataError, match=rf'train0\.jpg: the image cannot be read \(.*{reason}'):
        Photos(tmp_path / 'in', ('train0',), ('train0',)).load('train0')


def test_a_photo_whose_person_has_no_class_is_named(photos, tmp_path):
    human = read_label_map(photos.folder / 'Human_ids/train0.png')
    write_sample(tmp_path, 'bare', image=read_bytes(photos.folder / 'Images/train0.jpg'), category=np.zeros_like(human),
                 human=human, num_classes=4)
    with pytest.raises(DataError, match=r'Category_ids/bare\.png: the person has no label'):
        Photos(tmp_path, ('bare',), ('bare',)).load('bare')
