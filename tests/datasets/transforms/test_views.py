"""Closer and cut-off views of a person, loose boxes, blur: where the borders lie, how often, and what stays."""
import numpy as np
import pytest

from mmqanet.datasets.transforms import RandomBlur, RandomBoxShift, RandomCloseUp
from mmqanet.errors import InputError

HEAD = dict(top=(0, 0), bottom=(0.2, 0.3), prob=1.0)
LEGS = dict(top=(0.5, 0.6), bottom=(1, 1), prob=1.0)


def standing(height=200, width=120) -> dict:
    """A head of 16 columns over a body of 40, rows 20 to 179. The picture's red counts rows, its green columns."""
    labels = np.zeros((height, width), np.uint8)
    labels[20:60, 52:68] = 1
    labels[60:180, 40:80] = 2
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([np.zeros_like(rows), columns, rows], axis=-1).astype(np.uint8)
    return dict(img=image, gt_map=labels, bboxes=np.array([[40, 20, 80, 180]], np.float32))


def test_head_and_shoulders_end_at_the_new_border():
    np.random.seed(0)
    for _ in range(20):
        view = RandomCloseUp(stretches=[HEAD], margin=(0.5, 0.5)).transform(standing())
        (x1, y1, x2, y2), = view['bboxes']
        height, width = view['img'].shape[:2]
        assert view['gt_map'].shape == (height, width)
        last = int(view['img'][-1, 0, 2]) + 1  # of the photo
        assert 20 + round(0.2 * 160) <= last <= 20 + round(0.3 * 160)
        assert y2 == height  # the person goes on below the border
        body = last > 60
        assert (x2 - x1, y2 - y1) == (40 if body else 16, last - 20)
        keep = round(0.5 * (x2 - x1))
        assert (x1, width - x2) == (min(keep, 40), min(keep, 40))
        assert y1 == min(round(0.5 * (y2 - y1)), 20)
        assert (view['gt_map'][:int(y1)] == 0).all()
        # picture, labels and box still belong together
        rows, columns = view['img'][int(y1), int(x1), [2, 1]]
        assert (rows, columns) == (20, 40 if body else 52)


def test_the_top_can_be_cut_off_as_well():
    np.random.seed(1)
    view = RandomCloseUp(stretches=[LEGS], margin=(0, 0)).transform(standing())
    (x1, y1, x2, y2), = view['bboxes']
    assert 20 + 80 <= view['img'][0, 0, 2] <= 20 + 96
    assert (x1, y1, x2, y2) == (0, 0, 40, view['img'].shape[0])
    assert view['img'][-1, 0, 2] == 179
    assert (view['gt_map'] == 2).all()


def test_how_often_each_stretch_is_taken():
    np.random.seed(2)
    transform = RandomCloseUp(stretches=[dict(HEAD, prob=0.2), dict(LEGS, prob=0.3)])
    kinds = []
    for _ in range(400):
        view = transform.transform(standing())
        kinds.append('whole' if len(view['img']) == 200 and (view['bboxes'] == standing()['bboxes']).all() else
                     'head' if 1 in view['gt_map'] else 'legs')
    assert kinds.count('head') / 400 == pytest.approx(0.2, abs=0.06)
    assert kinds.count('legs') / 400 == pytest.approx(0.3, abs=0.07)


def test_a_stretch_without_the_person_changes_nothing():
    sample = standing()
    sample['gt_map'][:100] = 0
    view = RandomCloseUp(stretches=[HEAD]).transform(dict(sample))
    assert view['img'] is sample['img']
    sample['gt_map'][30, 60] = 1  # a single pixel: less than a twentieth of the cut-out
    sample['gt_map'][20, 45] = 1
    assert RandomCloseUp(stretches=[HEAD]).transform(dict(sample))['img'] is sample['img']


@pytest.mark.parametrize('stretch', [
    dict(top=(0, 0.5), bottom=(0.4, 1), prob=1), dict(top=(0.2, 0.1), bottom=(0.4, 1), prob=1),
    dict(top=(0, 0), bottom=(0.4, 1.1), prob=1)])
def test_stretches_that_are_none(stretch):
    with pytest.raises(InputError, match='one above the other'):
        RandomCloseUp(stretches=[stretch])
    with pytest.raises(InputError, match='sum to at most 1'):
        RandomCloseUp(stretches=[HEAD, LEGS])
    with pytest.raises(InputError, match=r'sum to at most 1, got \[0\.9, -0\.1\]'):
        RandomCloseUp(stretches=[{**HEAD, 'prob': 0.9}, {**LEGS, 'prob': -0.1}])


def test_the_sides_of_a_box_move_by_shares_of_it_and_stay_within_the_picture():
    np.random.seed(3)
    moved = np.stack([RandomBoxShift(std=0.05, limit=0.1).transform(standing())['bboxes'][0] for _ in range(500)])
    shares = (moved - [40, 20, 80, 180]) / [40, 160, 40, 160]
    assert abs(shares).max() <= 0.1 + 1e-6
    assert shares.std(axis=0) == pytest.approx([0.05] * 4, abs=0.006)
    assert abs(np.corrcoef(shares.T) - np.eye(4)).max() < 0.15
    edge = dict(img=np.zeros((50, 40, 3), np.uint8), bboxes=np.array([[0, 0, 40, 50]], np.float32))
    boxes = np.stack([RandomBoxShift(std=1, limit=0.2).transform(dict(edge))['bboxes'][0] for _ in range(50)])
    assert boxes.min() == 0
    assert (boxes.max(axis=0) <= [8, 10, 40, 50]).all()
    with pytest.raises(InputError, match=r'limit lie in \[0, 0.5\)'):
        RandomBoxShift(limit=0.5)


def test_blur_loses_detail_and_keeps_the_mean():
    image = np.random.default_rng(0).integers(0, 256, (60, 40, 3), np.uint8)
    np.random.seed(4)
    blurred = RandomBlur(factor=(3, 3), prob=1).transform(dict(img=image))['img']
    assert blurred.shape == image.shape
    assert blurred.dtype == np.uint8
    assert blurred.std() < 0.5 * image.std()
    assert blurred.mean() == pytest.approx(image.mean(), abs=2)
    kept = [RandomBlur(factor=(3, 3), prob=0.4).transform(dict(img=image))['img'] is image for _ in range(200)]
    assert np.mean(kept) == pytest.approx(0.6, abs=0.1)
    with pytest.raises(InputError, match='factor must be a range from 1 on'):
        RandomBlur(factor=(0.5, 2))
