"""MHP-v2: people in files of their own, who overlap, are empty or missing."""
import numpy as np
import pytest
from PIL import Image

from mmqanet.errors import DataError
from mmqanet.preparation.converters.base import convert
from mmqanet.preparation.converters.prepared import stack_people


@pytest.fixture
def mhp(make_archive):
    return make_archive('MHP-v2')


@pytest.fixture
def run(mhp, tmp_path):
    return lambda: convert(mhp.converter(), tmp_path / 'out', show_progress=False)[0]


def write_people(mhp, *people):
    """The files of image b."""
    for path in mhp.label_file('train', 'b').parent.glob('b_*'):
        path.unlink()
    for i, labels in enumerate(people, 1):
        Image.fromarray(np.stack([labels] * 3, axis=2)).save(mhp.label_file('train', 'b', i, len(people)))


def block(rows, columns, label):
    labels = np.zeros((24, 32), np.uint8)
    labels[rows, columns] = label
    return labels


def written(tmp_path, kind):
    return np.array(Image.open(tmp_path / f'out/Training/{kind}/b.png'))


def test_an_overlapped_pixel_is_the_smaller_persons(mhp, run, tmp_path):
    small, large = block(slice(5, 10), slice(5, 10), 58), block(slice(0, 20), slice(0, 20), 3)
    for people in ((small, large), (large, small)):
        write_people(mhp, *people)
        (tmp_path / 'out/Training/Category_ids/b.png').unlink(missing_ok=True)
        run()
        assert (written(tmp_path, 'Category_ids') == np.where(small, small, large)).all()
        ids = [1 + i for i in range(2) if people[i] is small] + [1 + i for i in range(2) if people[i] is large]
        assert (written(tmp_path, 'Human_ids') == np.where(small, ids[0], (large > 0) * ids[1])).all()


def test_empty_files_are_skipped_and_ids_stay(mhp, run, tmp_path):
    write_people(mhp, block(slice(0, 5), slice(0, 5), 4), block(slice(0), slice(0), 0), block(slice(9, 12), slice(9, 12), 5))
    report = run()
    assert '  person files without a label, skipped: 1 (b_03_02.png)' in report.lines()
    assert not report.incomplete
    assert np.unique(written(tmp_path, 'Human_ids')).tolist() == [0, 1, 3]
    assert [person['parsing_id'] for person in report.outcomes[1].people] == [1, 3]


def test_a_person_behind_another_is_named(mhp, run):
    write_people(mhp, *[block(slice(5, 10), slice(5, 10), label) for label in (3, 7)])
    report = run()
    assert '  people hidden altogether by others, left out: 1 (b_02_01.png)' in report.lines()
    assert [person['parsing_id'] for person in report.outcomes[1].people] == [2]


def test_a_missing_person_is_named(mhp, run):
    mhp.label_file('train', 'b', 2).unlink()
    failed, = run().failed
    assert failed.error == 'b: 1 person files, whose names do not run from 1 to one number of people: b_02_01.png'
    Image.fromarray(block(slice(0, 5), slice(0, 5), 4)).save(mhp.label_file('train', 'b', 2))
    assert not run().failed


def test_contradicting_numbers_of_people_are_named(mhp, run):
    mhp.label_file('train', 'b', 2).rename(mhp.label_file('train', 'b', 3, 3))
    failed, = run().failed
    assert '2 person files' in failed.error


def test_files_of_different_sizes_are_named(mhp, run):
    Image.new('RGB', (31, 24)).save(mhp.label_file('train', 'b', 2))
    failed, = run().failed
    assert failed.error.endswith('b_02_02.png: the map is 31x24, expected 32x24 (width x height)')


def test_a_label_out_of_range_is_named(mhp, run):
    write_people(mhp, block(slice(5, 10), slice(5, 10), 59))
    failed, = run().failed
    assert failed.error.endswith('b_01_01.png: label 59 is outside [0, 59)')


def test_files_of_one_channel_are_read_as_well(mhp, run, tmp_path):
    path = mhp.label_file('train', 'b', 1)
    Image.fromarray(np.array(Image.open(path))[..., 0]).save(path)
    assert not run().incomplete
    assert np.unique(written(tmp_path, 'Category_ids')).tolist() == [0, 1, 2]


def test_stacking_agrees_with_a_loop_over_pixels():
    rng = np.random.default_rng(0)
    people = [(rng.random((9, 11)) < share) * rng.integers(1, 9, (9, 11)).astype(np.uint8) for share in (.5, .2, .9, .2)]
    category, human = stack_people(people)
    for y in range(9):
        for x in range(11):
            owners = [i for i in range(4) if people[i][y, x]]
            owner = min(owners, key=lambda i: ((people[i] > 0).sum(), -i), default=None)
            assert human[y, x] == (0 if owner is None else owner + 1)
            assert category[y, x] == (0 if owner is None else people[owner][y, x])


def test_more_people_than_ids():
    with pytest.raises(DataError, match='256 people'):
        stack_people([np.ones((1, 1), np.uint8)] * 256)
