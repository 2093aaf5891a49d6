"""Files about all pictures of a run: with failures, re-runs and names in the way."""
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from pictures import picture, save, save_video

from mmqanet.apis.inputs import find_inputs
from mmqanet.apis.outputs import ResultWriter
from mmqanet.cli.main import main
from mmqanet.structures import LabelSet

SUMMARIES = ['coco_people.json', 'coco_parts.json', 'labelstudio.json', 'labelstudio.xml', 'report.html']


@pytest.fixture
def parse(small_parser, tmp_path):
    """Run the command on a folder with two pictures, a broken one and a video; the exit status and the output folder."""
    folder, out = tmp_path / 'photos', tmp_path / 'out'
    save(folder / 'b.png', picture(70, 50)), save(folder / 'a.jpg', picture(40, 60))
    (folder / 'broken.jpg').write_bytes(b'nothing')
    save_video(folder / 'film.avi', frames=2)

    def run(*options, save=('coco', 'labelstudio', 'report')):
        model = '--config', str(small_parser / 'config.py'), '--checkpoint', str(small_parser / 'weights.pth')
        return main(['parse', str(folder), *model, '--out', str(out), '--device', 'cpu', '--save', *save, *options]), out

    return run


def read(path):
    return json.loads(path.read_text(encoding='utf-8'))


def test_all_of_them(parse, capsys):
    status, out = parse()
    assert status == 1  # of the broken picture
    assert [name for name in SUMMARIES if (out / name).is_file()] == SUMMARIES
    told = capsys.readouterr().out.splitlines()
    assert told[-5:] == [str(out / name) for name in SUMMARIES]
    parts, records = read(out / 'coco_parts.json'), [read(out / f'{name}.json') for name in ('a', 'b')]
    assert [image['file_name'] for image in parts['images']] == [record['source'] for record in records]
    expected = [(index, part['label'], part['quality'], part['rle']) for index, record in enumerate(records, start=1)
                for person in record['people'] for part in person['parts']]
    keys = 'image_id', 'category_id', 'score', 'segmentation'
    assert [tuple(row[key] for key in keys) for row in parts['annotations']] == expected
    assert len(read(out / 'coco_people.json')['annotations']) == sum(len(record['people']) for record in records)
    assert [task['data']['name'] for task in read(out / 'labelstudio.json')] == ['a', 'b']
    assert len(ElementTree.parse(out / 'labelstudio.xml').find('BrushLabels')) == len(records[0]['classes']) - 1
    shown = re.findall(r'class="picture">(.*?)</script>', (out / 'report.html').read_text(encoding='utf-8'))
    assert [json.loads(text)['name'] for text in shown] == ['a', 'b']
    assert not list(out.glob('.part_*'))


def test_a_run_that_is_broken_off_writes_none_and_one_that_resumes_it_does(parse, monkeypatch):
    def interrupt(self, parsed, file):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr('mmqanet.cli.progress.ParsingProgress.done', interrupt)
        status, out = parse()
    assert status == 130
    assert not [name for name in SUMMARIES if (out / name).exists()]
    assert parse('--resume')[0] == 1
    assert [name for name in SUMMARIES if (out / name).is_file()] == SUMMARIES


def test_what_an_earlier_run_finished_is_in_them(parse):
    parse(save=['overlay'])
    _, out = parse('--resume', save=['coco'])
    first = read(out / 'coco_parts.json')
    assert len(first['images']) == 2
    (out / 'a.json').unlink()
    _, out = parse('--resume', save=['coco'])
    assert read(out / 'coco_parts.json') == first


def test_a_picture_that_has_gone_is_grey_in_the_report(parse, tmp_path):
    _, out = parse(save=['report'])
    whole = (out / 'report.html').read_text(encoding='utf-8')
    save(tmp_path / 'photos/a.jpg', np.zeros((9, 9, 3), np.uint8))
    writer = ResultWriter(out, label_set=LabelSet(['0'] * 60, [(0, 0, 0)] * 60), kinds=['report'])
    assert writer.summarize(find_inputs([tmp_path / 'photos'], recursive=False, outside=out)) == [out / 'report.html']
    changed = (out / 'report.html').read_text(encoding='utf-8')
    first, second = (re.findall(r'"name": "([ab])".*?"jpeg": "(.*?)"', page) for page in (whole, changed))
    assert [name for name, _ in second] == ['a', 'b']
    assert first[0] != second[0]
    assert first[1] == second[1]


def test_a_picture_of_the_same_name_is_refused(parse, tmp_path, capsys):
    save(tmp_path / 'photos/coco_parts.png', picture(30, 30))
    status, out = parse(save=['coco'])
    assert status != 0
    told = capsys.readouterr().err
    assert 'coco_parts.png: its results would be called as a file about all pictures, coco_parts.json' in told
    assert not out.exists()
    assert parse(save=['report'])[0] == 1  # of the broken picture alone
    assert read(out / 'coco_parts.json')['name'] == 'coco_parts'


def test_what_was_given_is_kept(parse, tmp_path, capsys):
    boxes = tmp_path / 'out/coco_people.json'
    boxes.parent.mkdir()
    boxes.write_text('{"a.jpg": [[1, 1, 30, 30]], "b.png": [[1, 1, 30, 30]], "film.avi": [[1, 1, 30, 30]]}')
    before = boxes.read_bytes()
    status, _ = parse('--boxes', str(boxes), save=['coco'])
    assert status != 0
    assert boxes.read_bytes() == before
    assert list(boxes.parent.iterdir()) == [boxes]
    assert 'coco_people.json' in capsys.readouterr().err
