import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.submission import (
    Submission,
    make_submission,
    read_submission,
    submitted_names,
    write_submission,
)
from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.functional.merging import merge_people
from mmqanet.functional.people import CroppedPeople


def submission(**changes) -> Submission:
    """Two people on 6 x 8 pixels: classes 1 and 2 of person 1, class 2 of person 2."""
    human, part = np.zeros((6, 8), dtype=np.uint8), np.zeros((6, 8), dtype=np.int32)
    human[1:3, 1:3], human[3:5, 4:7] = 1, 2
    part[1, 1:3], part[2, 1:3], part[3:5, 4:7] = 1, 2, 3
    labels = np.array([1, 2, 2])
    category = np.concatenate([[0], labels])[part].astype(np.uint8)
    return replace(Submission(
        category=category, human=human, person_scores=np.array([0.25, 0.990003]),
        boxes=np.array([[1, 1, 3, 3], [3, 4, 5, 7]]), part=part, part_labels=labels, part_people=np.array([0, 0, 1]),
        part_scores=np.array([0.5, 1e-05, 0.73902])), **changes)


@pytest.mark.parametrize('name', ['a', 'videos12/v 1/000.007'])
def test_files_come_back_as_written(tmp_path, name):
    write_submission(tmp_path, name, submission())
    assert submitted_names(tmp_path) == [name]
    back = read_submission(tmp_path, name, num_classes=3, shape=(6, 8))
    for field, value in asdict(submission()).items():
        assert np.array_equal(value, getattr(back, field)), field


def test_lines_are_as_the_servers_read_them(tmp_path):
    write_submission(tmp_path, 'a', submission())
    assert (tmp_path / 'instance_segmentation/a.txt').read_text() == '0.25 1 1 3 3\n0.990003 3 4 5 7\n'
    assert (tmp_path / 'instance_parsing/a.txt').read_text() == '1 0.5\n2 1e-05\n2 0.73902\n'
    for kind in ('global_parsing', 'instance_segmentation', 'instance_parsing'):
        assert Image.open(tmp_path / kind / 'a.png').mode == 'L'
    assert not list(tmp_path.rglob('.*'))


def test_people_are_numbered_by_ascending_score():
    label_maps, offsets = [np.ones((2, 3), np.uint8), np.ones((1, 1), np.uint8), np.ones((3, 3), np.uint8)], np.array(
        [[1, 2], [0, 0], [3, 3]])
    human = np.zeros((6, 8), dtype=np.int32)
    human[1:3, 2:5], human[3:6, 3:6] = 1, 3  # person 2 is hidden
    parsing = ImageParsing(
        category=(human > 0).astype(np.uint8), human=human, part=human, part_labels=np.ones(2, int),
        part_people=np.array([2, 0]), part_scores=np.ones(2), person_scores=np.array([0.9, 0.5, 0.3], dtype=np.float32))
    made = make_submission(parsing, CroppedPeople(label_maps, offsets, human.shape))
    assert made.part_people.tolist() == [0, 1]
    assert made.person_scores.tolist() == np.array([0.3, 0.9], dtype=np.float32).tolist()
    assert made.boxes.tolist() == [[3, 3, 6, 6], [1, 2, 3, 5]]
    assert (made.human == np.array([0, 2, 9, 1])[human]).all()


def test_the_limit_of_254_parts_drops_with_a_warning(tmp_path):
    part = np.arange(1, 301).reshape(15, 20)
    many = Submission(
        category=np.ones((15, 20), np.uint8), human=np.ones((15, 20), np.uint8), person_scores=np.ones(1),
        boxes=np.array([[0, 0, 15, 20]]), part=part, part_labels=np.ones(300, int),
        part_people=np.zeros(300, int), part_scores=np.ones(300))
    with pytest.warns(UserWarning, match='x: 300 visible parts, the submission format holds 254; 46 are dropped'):
        write_submission(tmp_path, 'x', many)
    back = read_submission(tmp_path, 'x', num_classes=2)
    assert len(back.part_labels) == 254
    assert (back.part == np.where(part > 254, 0, part)).all()


def test_sixteen_bit_maps_are_read_and_written(tmp_path):
    human = np.arange(1, 301).reshape(15, 20)
    crowd = Submission(
        category=np.ones((15, 20), np.uint8), human=human, person_scores=np.linspace(0, 1, 300),
        boxes=np.zeros((300, 4), int), part=np.ones((15, 20), int), part_labels=np.ones(1, int),
        part_people=np.zeros(1, int), part_scores=np.ones(1))
    write_submission(tmp_path, 'x', crowd)
    assert (read_submission(tmp_path, 'x', num_classes=2).human == human).all()


def test_palette_maps_and_boxes_with_decimals_are_read(tmp_path):
    write_submission(tmp_path, 'a', submission())
    colours = Image.fromarray(submission().category, mode='P')
    colours.putpalette([7, 7, 7, 255, 0, 0, 0, 255, 0])
    colours.save(tmp_path / 'global_parsing/a.png')
    (tmp_path / 'instance_segmentation/a.txt').write_text('0.25 1.0 1.2 2.9 3\n0.5 3 4 5 7\n\n')
    back = read_submission(tmp_path, 'a', num_classes=3)
    assert (back.category == submission().category).all()
    assert (back.boxes == submission().boxes).all()


@pytest.mark.parametrize('name', ['../a', '/a', 'b/../../a'])
def test_names_cannot_leave_the_folder(tmp_path, name):
    with pytest.raises(InputError, match=re.escape(repr(name))):
        write_submission(tmp_path / 'out', name, submission())


def rewrite(path, change):
    path.write_text(change(path.read_text()))


def save(path, labels):
    Image.fromarray(labels).save(path)


SPOILED = [
    ('instance_parsing/a.txt', lambda p: rewrite(p, lambda text: text + '1 0.5\n'), 'a line for id 4, which has no pi'),
    ('instance_parsing/a.txt', lambda p: rewrite(p, lambda text: text[:-10]), 'no line for id 3'),
    ('instance_segmentation/a.txt', lambda p: p.write_text('0.25 1 1 3 3\n'), 'no line for id 2'),
    ('instance_parsing/a.txt', lambda p: p.write_text('1 0.5\n3 0.5\n2 0.7\n'), r':2: class 3 is outside \[1, 3\)'),
    ('instance_parsing/a.txt', lambda p: p.write_text('1 0.5\n2 nan\n2 0.7\n'), ":2: '2 nan' holds NaN"),
    ('instance_segmentation/a.txt', lambda p: p.write_text('inf 1 1 3 3\n1 3 4 5 7\n'), ':1: .*holds NaN or inf'),
    ('instance_segmentation/a.txt', lambda p: p.write_text('0.5 1 1 3\n1 3 4 5 7\n'), ':1: .* is not "score y1'),
    ('instance_segmentation/a.txt', lambda p: p.write_bytes(b'\xff\xfe\x00'), 'not a text file'),
    ('instance_segmentation/a.txt', lambda p: p.unlink(), 'no such file'),
    ('instance_segmentation/a.png', lambda p: p.unlink(), 'no such file'),
    ('instance_segmentation/a.png', lambda p: p.write_bytes(p.read_bytes()[:60]), 'not readable as a label map'),
    ('instance_parsing/a.png', lambda p: p.write_text('no picture'), 'not readable as a label map'),
    ('instance_parsing/a.png', lambda p: save(p, np.zeros((6, 8, 3), np.uint8)), 'one integer channel.*RGB'),
    ('instance_parsing/a.png', lambda p: save(p, np.zeros((8, 6), np.uint8)), 'is 6x8, expected 8x6'),
    ('global_parsing/a.png', lambda p: save(p, np.full((6, 8), 3, np.uint8)), r'class 3 is outside \[0, 3\)'),
    ('global_parsing/a.png', lambda p: save(p, np.zeros((8, 6), np.uint8)), 'is 6x8, expected 8x6'),
]


@pytest.mark.parametrize(('file', 'spoil', 'message'), SPOILED)
def test_a_bad_file_is_named(tmp_path, file, spoil, message):
    write_submission(tmp_path, 'a', submission())
    spoil(tmp_path / file)
    with pytest.raises(DataError, match=re.escape(str(tmp_path / file)) + '.*' + message):
        read_submission(tmp_path, 'a', num_classes=3, shape=(6, 8))


def test_incomplete_sets_of_files_are_named(tmp_path):
    with pytest.raises(DataError, match='global_parsing: no such folder'):
        submitted_names(tmp_path)
    write_submission(tmp_path, 'a', submission())
    (tmp_path / 'instance_parsing/a.png').unlink()
    with pytest.raises(DataError, match=r'instance_parsing/a\.png: missing, though a has other files'):
        submitted_names(tmp_path)
    assert submitted_names(tmp_path, image_only=True) == ['a']
    for path in tmp_path.glob('*/a.*'):
        path.unlink()
    with pytest.raises(DataError, match='no files'):
        submitted_names(tmp_path)


def test_a_suffix_in_capitals_is_named(tmp_path):
    write_submission(tmp_path, 'a', submission())
    (tmp_path / 'global_parsing/a.png').rename(tmp_path / 'global_parsing/a.PNG')
    with pytest.raises(DataError, match=r'a\.PNG: the suffix must be written \.png'):
        submitted_names(tmp_path)


def test_linked_folders_are_followed_once(tmp_path):
    write_submission(tmp_path / 'far', 'a', submission())
    for kind in ('global_parsing', 'instance_segmentation', 'instance_parsing'):
        (tmp_path / 'near' / kind).mkdir(parents=True)
        (tmp_path / 'near' / kind / 'video').symlink_to(tmp_path / 'far' / kind)
        (tmp_path / 'far' / kind / 'back').symlink_to(tmp_path / 'far' / kind)
    assert submitted_names(tmp_path / 'near') == ['video/a']


def test_files_are_the_recorded_releases(golden_dir, tmp_path):
    """Maps and lines exactly, through merging and writing."""
    golden = json.loads((golden_dir / 'metrics_ppp.json').read_text())
    arrays = np.load(golden_dir / 'metrics_ppp.npz')
    compared = 0
    for image in golden['images']:
        index = image['index']
        if f'img{index:02d}_out_global' not in arrays:
            continue
        get = {key: arrays[f'img{index:02d}_{key}'] for key in ('pred', 'inst_scores', 'bbox_scores', 'part_scores')}
        people = CroppedPeople.whole(get['pred'], get['pred'].shape[1:])
        merged, kept = merge_people(people, qualities=get['inst_scores'], bbox_scores=get['bbox_scores'],
                                    part_qualities=get['part_scores'])
        assert kept.tolist() == golden['kept'][str(index)]
        write_submission(tmp_path, str(index), make_submission(merged, people))
        for kind, key in (('global_parsing', 'global'), ('instance_segmentation', 'instance_segmentation'),
                          ('instance_parsing', 'instance_parsing')):
            written = np.array(Image.open(tmp_path / kind / f'{index}.png'))
            assert (written == arrays[f'img{index:02d}_out_{key}']).all()
        for kind in ('instance_segmentation', 'instance_parsing'):
            lines = (tmp_path / kind / f'{index}.txt').read_text().splitlines()
            expected = image[f'txt_{kind}']
            assert [[float(word) for word in line.split()] for line in lines] == [
                pytest.approx([float(word) for word in line.split()], abs=1e-6) for line in expected]
        compared += 1
    assert compared >= 10
