"""People found and boxes right by score, counted by hand."""
import json
import math
import runpy
from pathlib import Path

import pytest

from mmqanet.errors import DataError, InputError

pytest.importorskip('pycocotools')
REPO = Path(__file__).resolve().parents[2]
TOOL = REPO / 'tools/analysis_tools/box_thresholds.py'


@pytest.fixture
def tool():
    return runpy.run_path(str(TOOL))


@pytest.fixture
def files(tmp_path):
    """Two pictures with three people; one is found twice, one by half, one not at all; a box beside everybody."""
    people = [(1, [0, 0, 10, 20]), (1, [50, 0, 10, 20]), (2, [0, 0, 30, 30])]
    truth = dict(
        images=[dict(id=1, width=100, height=50), dict(id=2, width=100, height=50)], categories=[dict(id=1, name='person')],
        annotations=[dict(id=number, image_id=image, category_id=1, bbox=box, area=box[2] * box[3], iscrowd=0)
                     for number, (image, box) in enumerate(people, start=1)])
    boxes = [(1, [0, 0, 10, 20], 0.9), (1, [0, 1, 10, 20], 0.8), (1, [50, 0, 10, 9], 0.7), (2, [60, 0, 30, 30], 0.6),
             (2, [0, 0, 30, 31], 0.3)]
    found = [dict(image_id=image, category_id=1, bbox=box, score=score) for image, box, score in boxes]
    for name, content in (('truth.json', truth), ('found.json', found)):
        (tmp_path / name).write_text(json.dumps(content))
    return str(tmp_path / 'truth.json'), str(tmp_path / 'found.json')


def test_every_person_is_found_once_and_by_a_box_that_covers_it(tool, files):
    matching = tool['match'](*files)
    assert sorted(zip(matching.scores.tolist(), matching.right.tolist())) == [
        (0.3, True), (0.6, False), (0.7, False), (0.8, False), (0.9, True)]
    assert sorted(zip(matching.heights.tolist(), matching.found.tolist())) == [
        (40, -math.inf), (40, 0.9), (60, 0.3)]


def test_who_is_to_be_ignored_counts_nowhere(tool, files):
    truth = json.loads(Path(files[0]).read_text())
    for person in truth['annotations'][1:]:
        person['iscrowd'] = 1
    Path(files[0]).write_text(json.dumps(truth))
    matching = tool['match'](*files)
    assert (matching.heights.tolist(), matching.found.tolist()) == ([40], [0.9])
    assert sorted(zip(matching.scores.tolist(), matching.right.tolist())) == [(0.6, False), (0.8, False), (0.9, True)]


def test_the_table(tool, files, monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['box_thresholds', *files, '--thresholds', '0.2', '0.85', '0.95'])
    tool['main']()
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in capsys.readouterr().out.splitlines() if '│' in line]
    assert rows[0] == ['0.2', '66.7', '40.0', '50.0']
    assert rows[1] == ['0.85', '33.3', '100.0', '50.0']
    assert rows[2][:2] == ['0.95', '0.0']


def test_the_table_of_heights(tool, files, monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', [
        'box_thresholds', *files, '--thresholds', '0.2', '0.85', '--heights', '0', '40', '50', '100'])
    tool['main']()
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in capsys.readouterr().out.splitlines() if '│' in line]
    assert rows[2:] == [['0-40', '0', '-', '-'], ['40-50', '2', '50.0', '50.0'], ['50-100', '1', '100.0', '0.0']]


def test_the_table_by_kind_of_photo(tool, files, monkeypatch, capsys):
    truth = json.loads(Path(files[0]).read_text())
    truth['images'].append(dict(id=3, width=100, height=50))
    for image, kind in zip(truth['images'], ('street', 'home', 'empty')):
        image['set'] = kind
    Path(files[0]).write_text(json.dumps(truth))
    monkeypatch.setattr('sys.argv', ['box_thresholds', *files, '--thresholds', '0.2', '0.85', '--by', 'set'])
    tool['main']()
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in capsys.readouterr().out.splitlines() if '│' in line]
    assert rows[2:] == [['empty', '1', '0', '-', '-', '-', '-'], ['home', '1', '1', '100.0', '50.0', '0.0', '-'],
                        ['street', '1', '2', '50.0', '33.3', '50.0', '100.0']]
    monkeypatch.setattr('sys.argv', ['box_thresholds', *files, '--by', 'place'])
    with pytest.raises(InputError, match=r'--by: image 1 of .* has no place'):
        tool['main']()


@pytest.mark.parametrize('limits', [['5'], ['5', '5'], ['10', '5']])
def test_limits_that_do_not_rise_are_refused(tool, files, monkeypatch, limits):
    monkeypatch.setattr('sys.argv', ['box_thresholds', *files, '--heights', *limits])
    with pytest.raises(InputError, match='--heights: two or more rising limits'):
        tool['main']()


@pytest.mark.parametrize('content', [
    'no JSON', '{}', '[{"image_id": 7, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1}]'])
def test_files_that_are_no_detections_are_refused(tool, files, content):
    Path(files[1]).write_text(content)
    with pytest.raises(DataError, match=r'found\.json: not'):
        tool['match'](*files)
