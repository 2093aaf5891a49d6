"""``LoadPersonMap``: the labels of one person, from files and from what is kept of them."""
import numpy as np
import pytest

from mmqanet.datasets.transforms import LoadPersonMap
from mmqanet.errors import DataError
from mmqanet.utils.files import write_label_map


@pytest.fixture
def sample(tmp_path):
    """Two people, 1 at the left and 2 at the right, with labels up to 3 and one ignored pixel; what is asked for is 2."""
    rng = np.random.default_rng(0)
    category, human = rng.integers(1, 4, (40, 30)).astype(np.uint8), np.zeros((40, 30), np.uint8)
    human[5:30, 2:12], human[8:39, 14:29] = 1, 2
    category[20, 20] = 255
    write_label_map(tmp_path / 'category.png', category * (human > 0))
    write_label_map(tmp_path / 'human.png', human)
    return dict(category_path=str(tmp_path / 'category.png'), human_path=str(tmp_path / 'human.png'),
                parsing_ids=np.array([2]), ann_ids=np.array([7]), bboxes=np.array([[14, 8, 29, 39]], np.float32),
                classes=('background', 'a', 'b', 'c'), ori_shape=(40, 30)), category * (human == 2)


def test_a_second_epoch_gives_the_same_labels_without_opening_a_file(sample, tmp_path):
    asked, expected = sample
    load = LoadPersonMap()
    first = load(dict(asked))['gt_map']
    (tmp_path / 'category.png').unlink()
    (tmp_path / 'human.png').unlink()
    second = load(dict(asked))['gt_map']
    assert second.dtype == np.uint8
    for labels in (first, second):
        assert np.array_equal(labels, expected)
    second[:] = 3  # whoever gets a map may change it
    assert np.array_equal(load(dict(asked))['gt_map'], expected)


def test_everybody_in_a_picture_is_read_at_once(sample, tmp_path):
    asked, _ = sample
    load, other = LoadPersonMap(), dict(asked, parsing_ids=np.array([1]), bboxes=np.array([[2, 5, 12, 30]], np.float32))
    expected = LoadPersonMap(keep_mib=0)(dict(other))['gt_map']
    load(dict(asked))
    (tmp_path / 'category.png').unlink()
    (tmp_path / 'human.png').unlink()
    assert np.array_equal(load(other)['gt_map'], expected)
    assert len(load.kept.store) == 2


def test_what_is_kept_is_of_one_person_with_these_classes(sample):
    asked, _ = sample
    load = LoadPersonMap()
    load(dict(asked))
    other = load(dict(asked, parsing_ids=np.array([1]), bboxes=np.array([[2, 5, 12, 30]], np.float32)))['gt_map']
    assert other[:, :12].any()
    assert not other[:, 12:].any()
    with pytest.raises(DataError, match='label 3 is out of range for 3 classes'):
        load(dict(asked, classes=('background', 'a', 'b')))
    with pytest.raises(DataError, match='no labelled pixel'):
        load(dict(asked, bboxes=np.array([[0, 0, 2, 2]], np.float32)))


def test_no_more_is_kept_than_allowed(sample, tmp_path):
    asked, expected = sample
    load = LoadPersonMap(keep_mib=0)
    assert np.array_equal(load(dict(asked))['gt_map'], expected)
    (tmp_path / 'human.png').unlink()
    with pytest.raises(DataError, match=r'human\.png'):
        load(dict(asked))
    full = LoadPersonMap(keep_mib=5e-4)  # 524 bytes, and the person's labels, which are noise, need more
    full(dict(asked, human_path=asked['category_path'], parsing_ids=np.array([3])))
    assert full.kept.store.full
    assert len(full.kept.store) == 0
