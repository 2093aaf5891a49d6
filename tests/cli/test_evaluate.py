import json

import pytest
from evaluation_files import write_prediction, write_truth
from PIL import Image
from scenes import random_scenes

from mmqanet.cli.evaluate import ALL_METRICS, METRIC_NAMES, MISSING_READINGS
from mmqanet.cli.main import main
from mmqanet.evaluation import evaluate_folders, records, scores
from mmqanet.evaluation.curves import precision_recall_curves


@pytest.fixture
def folders(tmp_path):
    for scene in random_scenes(10, first_seed=40):
        write_truth(tmp_path / 'gt', scene)
        write_prediction(tmp_path / 'pred', scene)
    return tmp_path / 'pred', tmp_path / 'gt'


def evaluate(folders, *options):
    return main(['evaluate', '--pred', str(folders[0]), '--gt', str(folders[1]), '--num-classes', '5', *options])


def test_json_holds_unrounded_fractions(folders, tmp_path, capsys):
    assert evaluate(folders, '--json', str(tmp_path / 'out/scores.json'), '--missing', 'count') == 0
    document = json.loads((tmp_path / 'out/scores.json').read_text())
    scores = evaluate_folders(*folders, num_classes=5, missing='count')
    assert list(document)[:12] == ['mIoU', 'mAcc', 'aAcc', 'APp', 'APp_50', 'PCP', 'PCP_50', 'APr', 'APr_50', 'APh',
                                   'APh_50', 'APh_75']
    assert {key: document[key] for key in scores.values} == scores.values
    assert (document['missing'], document['num_images']) == ('count', 10)
    assert document['num_missing'] == scores.num_missing > 0
    assert document['per_class']['class 2']['IoU'] == scores.segmentation.class_iou[2]
    assert document['per_class']['background']['APr'] is None
    assert document['confusion'] == scores.confusion.tolist()
    printed = capsys.readouterr().out
    assert f'{100 * scores.values["APr"]:.2f}' in printed
    assert f'Images without prediction: {scores.num_missing}, counted in every metric' in printed


def test_borders_need_class_maps_only(folders, tmp_path, capsys):
    for kind in ('instance_segmentation', 'instance_parsing'):
        (folders[0] / kind).rename(folders[0] / f'unused_{kind}')
    options = ('--metrics', 'mBIoU', 'mTIoU', '--json', str(tmp_path / 's.json'), '--plots', str(tmp_path / 'plots'))
    assert evaluate(folders, *options) == 0
    document = json.loads((tmp_path / 's.json').read_text())
    scores = evaluate_folders(*folders, num_classes=5, metrics=('mBIoU', 'mTIoU'))
    assert list(scores.values) == ['mBIoU', 'mTIoU', 'mTIoU_2', 'mTIoU_4', 'mTIoU_8']
    assert {key: document[key] for key in scores.values} == scores.values
    assert document['per_class']['class 2'] == {'BIoU': scores.boundary_iou[2], 'TIoU': scores.trimap_iou[:, 2].mean()}
    assert (tmp_path / 'plots/per_class.png').exists()
    assert 'class 2' in capsys.readouterr().out


def test_undefined_scores_are_null(tmp_path):
    scene = next(scene for scene in random_scenes(40) if len(scene.people) and not scene.human.any())
    write_truth(tmp_path / 'gt', scene)
    write_prediction(tmp_path / 'pred', scene)
    assert evaluate((tmp_path / 'pred', tmp_path / 'gt'), '--json', str(tmp_path / 's.json')) == 0
    assert json.loads((tmp_path / 's.json').read_text())['PCP'] is None


def test_class_names_and_chosen_metrics(folders, tmp_path, capsys):
    names = tmp_path / 'names.txt'
    names.write_text('background\nhat\nhair\ncoat\nshoe\n')
    assert evaluate(folders, '--class-names', str(names), '--metrics', 'mIoU') == 0
    printed = capsys.readouterr().out
    assert '3 coat' in printed
    assert 'AP^r' not in printed.partition('Images without')[0]
    names.write_text('background\nhat\n')
    assert evaluate(folders, '--class-names', str(names)) == 1
    assert f'--class-names {names}: 2 names' in capsys.readouterr().err


def test_an_error_is_one_line_and_status_1(folders, tmp_path, capsys):
    path = next(folders[0].glob('global_parsing/*/*.png'))
    path.write_bytes(b'')
    assert evaluate(folders, '--json', str(tmp_path / 's.json')) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f'mmqanet evaluate: {path}: not readable')
    assert printed.err.count('\n') == 1
    assert not (tmp_path / 's.json').exists()


def test_pictures_are_written(folders, tmp_path):
    assert evaluate(folders, '--plots', str(tmp_path / 'plots')) == 0
    files = sorted(path.name for path in (tmp_path / 'plots').iterdir())
    assert files == ['confusion.png', 'per_class.png', 'precision_recall_APh.png', 'precision_recall_APp.png',
                     'precision_recall_APr.png']
    labels = precision_recall_curves(evaluate_folders(*folders, num_classes=5), class_names=list('abcde'))['APr']
    assert list(labels) == list('bcde')
    for name in files:
        with Image.open(tmp_path / 'plots' / name) as picture:
            assert len(picture.convert('L').getcolors()) > 20


def test_images_without_prediction_count_as_in_the_release_unless_asked(folders, tmp_path):
    assert evaluate(folders, '--json', str(tmp_path / 's.json')) == 0
    document = json.loads((tmp_path / 's.json').read_text())
    assert document['missing'] == 'release'
    release, count = (evaluate_folders(*folders, num_classes=5, missing=missing) for missing in ('release', 'count'))
    assert document['mIoU'] == release.values['mIoU'] != count.values['mIoU']


def test_the_choices_are_those_of_the_evaluation():
    assert METRIC_NAMES == records.METRIC_NAMES
    assert ALL_METRICS == records.ALL_METRICS
    assert tuple(scores.MISSING_READINGS) == MISSING_READINGS


@pytest.mark.parametrize('number', ['1', '256'])
def test_so_many_classes_are_refused(folders, capsys, number):
    assert evaluate(folders, '--num-classes', number) == 1
    assert f'--num-classes must lie in [2, 255], got {number}' in capsys.readouterr().err


@pytest.mark.parametrize('option', ['--num-classes', '--workers'])
@pytest.mark.parametrize('number', ['0', '-1', '9' * 25, '1e3', ''])
def test_numbers_out_of_range_are_refused_by_name(folders, capsys, option, number):
    with pytest.raises(SystemExit, match='2'):
        evaluate(folders, f'{option}={number}')
    assert option in capsys.readouterr().err.splitlines()[-1]
