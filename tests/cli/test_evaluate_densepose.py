"""``mmqanet evaluate-densepose`` on files: what it writes, and one line for each broken thing."""
import json

import numpy as np
import pytest
from dense_bodies import body_tables, write_body

from mmqanet.cli.main import main
from mmqanet.evaluation.dense_pose import write_results
from mmqanet.functional.rle import encode_rle


def people_and_detections():
    """One exact detection and one wrong, of a person of one point."""
    charts, uv, _, _ = body_tables()
    mask = encode_rle(np.ones((256, 256), bool))
    person = dict(id=5, image_id=1, category_id=1, bbox=[10, 5, 30, 40], area=1200, iscrowd=0, dp_masks=[mask],
                  dp_x=[100.0], dp_y=[90.0], dp_I=[int(charts[0])], dp_U=[uv[0, 0]], dp_V=[uv[0, 1]])
    image = dict(id=1, file_name='a.jpg', width=80, height=60)
    right = np.tile(np.array([charts[0], *np.rint(255 * uv[0])], np.uint8)[:, None, None], (1, 40, 30))
    detection = dict(image_id=1, category_id=1, bbox=[10, 5, 30, 40])
    return (dict(images=[image, dict(image, id=2)], annotations=[person]),
            [dict(detection, score=0.9, uv=np.zeros_like(right)), dict(detection, score=0.4, uv=right)])


@pytest.fixture
def files(tmp_path):
    pytest.importorskip('h5py')
    truth, detections = people_and_detections()
    write_body(tmp_path / 'body')
    (tmp_path / 'gt.json').write_text(json.dumps(truth))
    write_results(tmp_path / 'packed.json', detections)
    bare = [{key: value for key, value in one.items() if key != 'uv'} for one in detections]
    (tmp_path / 'arrays.json').write_text(json.dumps(bare))
    np.savez(tmp_path / 'arrays_uv.npz', **{f'det{index:03d}': one['uv'] for index, one in enumerate(detections)})
    return tmp_path


def evaluate(folder, *options, pred='packed.json'):
    return main(['evaluate-densepose', '--pred', str(folder / pred), '--gt', str(folder / 'gt.json'), '--body',
                 str(folder / 'body'), '--no-progress', *options])


@pytest.mark.parametrize('pred', ['packed.json', 'arrays.json'])
@pytest.mark.parametrize('mode', ['GPSm', 'GPS', 'IOU'])
def test_a_right_detection_below_a_wrong_one_is_worth_half(files, pred, mode, capsys):
    assert evaluate(files, '--mode', mode, '--json', str(files / 'out/scores.json'), pred=pred) == 0
    scores = json.loads((files / 'out/scores.json').read_text())
    assert [scores[key] for key in ('AP', 'AP50', 'AP75', 'APm', 'AR', 'AR75')] == pytest.approx([0.5] * 4 + [1] * 2)
    assert scores['APl'] == -1
    assert (scores['mode'], scores['evaluator']) == (mode, 'detectron2')
    printed = capsys.readouterr().out
    assert 'AP 50.00' in printed
    assert 'APl -' in printed


def test_a_cache_and_processes_give_the_same(files):
    for number, options in enumerate(([], ['--workers', '2'], ['--cache', str(files / 'd.npy')])):
        assert evaluate(files, *options, '--json', str(files / f'{number}.json')) == 0
    assert len({(files / f'{number}.json').read_text() for number in range(3)}) == 1
    assert np.load(files / 'd.npy').dtype == np.float16


def test_no_detection_is_no_error(files):
    (files / 'packed.json').write_text('[]')
    assert evaluate(files, '--json', str(files / 'o.json')) == 0
    assert json.loads((files / 'o.json').read_text())['AP'] == 0


def changed(folder, name, change):
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))


FAULTS = {
    'no charts': (lambda f: changed(f, 'packed.json', lambda c: c[1].pop('uv_data')), 'detections[1]'),
    'wrong shape': (lambda f: changed(f, 'packed.json', lambda c: c[0].update(uv_shape=[3, 2, 2])), 'uv_shape [3, 2, 2]'),
    'no png': (lambda f: changed(f, 'packed.json', lambda c: c[0].update(uv_data='eA==')), 'no PNG in base64'),
    'no score': (lambda f: changed(f, 'packed.json', lambda c: c[0].pop('score')), "'score' is missing"),
    'empty box': (lambda f: changed(f, 'packed.json', lambda c: c[0].update(bbox=[1, 1, 0, 5])), 'is empty'),
    'unknown image': (lambda f: changed(f, 'packed.json', lambda c: c[0].update(image_id=9)), 'image_id 9 is not among'),
    'no area': (lambda f: changed(f, 'gt.json', lambda c: c['annotations'][0].pop('area')), "annotation 5: field 'area'"),
    'nobody': (lambda f: changed(f, 'gt.json', lambda c: c.update(annotations=[])), 'nobody has dense pose'),
    'bad point': (lambda f: changed(f, 'gt.json', lambda c: c['annotations'][0].update(dp_U=[2])), 'dp_U 2 lies outside'),
    'no body': (lambda f: (f / 'body/SMPL_subdiv.mat').unlink(), 'SMPL_subdiv.mat: no such file'),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_one_line_for_each_fault(files, fault, capsys):
    damage, named = FAULTS[fault]
    damage(files)
    assert evaluate(files, '--json', str(files / 'o.json')) == 1
    complaint = capsys.readouterr().err
    assert named in complaint, complaint
    assert complaint.count('\n') == 1, complaint
    assert not (files / 'o.json').exists()


def test_charts_above_24_are_refused(files, capsys):
    _, detections = people_and_detections()
    detections[0]['uv'][0] = 25
    write_results(files / 'packed.json', detections)
    assert evaluate(files) == 1
    assert 'detections[0]: chart 25, and the last is 24' in capsys.readouterr().err


def test_what_is_read_is_not_overwritten(files, capsys):
    for given in ('gt.json', 'copy.npy'):  # the copy is still to be made
        assert evaluate(files, '--cache', str(files / 'copy.npy'), '--json', str(files / given)) == 1
        assert f'{given}, which was given; choose another name' in capsys.readouterr().err
    assert not (files / 'copy.npy').exists()
