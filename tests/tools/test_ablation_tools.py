"""The ablation command from config and checkpoint to tables, on a few drawn people and a network that knows nothing."""
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from tool_runs import run, write_small_config

from mmqanet.analysis.forward import ablation_config, box_sources
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.stored_config import read_stored_config
from mmqanet.datasets import CCPMergedDataset, CIHPDataset
from mmqanet.datasets.class_sets import CLASS_SETS, ClassSet
from mmqanet.errors import DataError, InputError
from mmqanet.functional.calibration import QualityCalibration
from mmqanet.preparation.toy import draw_toy_dataset
from mmqanet.registry import MODELS


@pytest.fixture(scope='module')
def bench(tmp_path_factory) -> Path:
    """A folder with data, a config, the checkpoints one.pth and two.pth, and detections of every other annotated box."""
    root = tmp_path_factory.mktemp('ablation')
    draw_toy_dataset(root / 'data', num_train=2, num_val=4, size=(96, 72), seed=0, num_workers=1, progress=False)
    write_small_config(root / 'config.py', root / 'data')
    cfg = Config.fromfile(root / 'config.py')
    with DefaultScope.overwrite_default_scope('mmqanet'):
        model = MODELS.build(cfg.model)
    for name in ('one', 'two'):
        model.init_weights()
        torch.save(dict(state_dict=model.state_dict()), root / f'{name}.pth')
    people = json.loads((root / 'data/annotations/toy_val.json').read_text())['annotations']
    found = [dict(image_id=person['image_id'], category_id=1, bbox=person['bbox'], score=0.4 + 0.1 * (index % 6))
             for index, person in enumerate(people[::2])]
    (root / 'boxes.json').write_text(json.dumps(found))
    return root


def test_one_forward_pass_answers_everything(bench, tmp_path, monkeypatch, capsys):
    arguments = (bench / 'config.py', bench / 'one.pth', '--out', tmp_path / 'a', '--workers', '1', '--grid-steps', '2')
    boxes = ('--detections', bench / 'boxes.json')
    run('ablate_quality', *arguments, *boxes, '--limit', '3', monkeypatch=monkeypatch)
    text = capsys.readouterr().out
    assert 'annotated boxes: 3 of 3 images parsed' in text
    assert 'detected boxes: 3 of 3 images parsed' in text
    assert 'Quality weights (T = 0.2), detected boxes' in text

    run('ablate_quality', *arguments, *boxes, monkeypatch=monkeypatch)
    text = capsys.readouterr().out
    assert 'annotated boxes: 1 of 4 images parsed' in text
    report = json.loads((tmp_path / 'a/ablation.json').read_text())
    assert [table['name'] for table in report['tables']] == [
        'module', *(f'{source}_{name}' for source in ('annotated', 'detected')
                    for name in ('weights', 'thresholds', 'search'))]
    assert report['images'] == 4
    assert set(report['reliability']) == {'annotated', 'detected'}
    assert set(report['metrics']['detected']['with']) >= {'mIoU', 'APp', 'PCP_50', 'APr', 'APh'}
    for name in ('ablation.md', 'module.csv', 'detected_search.csv', 'reliability_detected.png'):
        assert (tmp_path / 'a' / name).stat().st_size > 100

    monkeypatch.setattr('mmqanet.analysis.forward.Runner', None)  # no second forward pass
    run('ablate_quality', *arguments, *boxes, '--cfg-options', 'model.postprocessor.quality_weights=(1.0,1.0,2.0)',
        monkeypatch=monkeypatch)
    assert '1, 1, 2' in capsys.readouterr().out
    run('merge_ablations', tmp_path / 'a/ablation.json', tmp_path / 'a/ablation.json', '--out', tmp_path / 'merged',
        monkeypatch=monkeypatch)
    assert '± 0.0' in (tmp_path / 'merged/ablation.md').read_text()
    before = (tmp_path / 'a/ablation.json').read_bytes()
    with pytest.raises(InputError, match='would overwrite'):
        run('merge_ablations', tmp_path / 'a/ablation.json', tmp_path / 'merged/ablation.json', '--out', tmp_path / 'a',
            monkeypatch=monkeypatch)
    assert (tmp_path / 'a/ablation.json').read_bytes() == before


def test_predictions_of_another_checkpoint_are_refused_or_replaced(bench, tmp_path, monkeypatch, capsys):
    arguments = ('--out', tmp_path, '--workers', '1', '--grid-steps', '0', '--limit', '1', '--split', 'train')
    run('ablate_quality', bench / 'config.py', bench / 'one.pth', *arguments, monkeypatch=monkeypatch)
    with pytest.raises(InputError, match='another checkpoint'):
        run('ablate_quality', bench / 'config.py', bench / 'two.pth', *arguments, monkeypatch=monkeypatch)
    for option, name in (('model.flip_test=False', 'model config'), ('model.postprocessor.min_region=0.001', 'min_region')):
        with pytest.raises(InputError, match=f'another {name}'):
            run('ablate_quality', bench / 'config.py', bench / 'one.pth', *arguments, '--cfg-options', option,
                monkeypatch=monkeypatch)
    capsys.readouterr()
    run('ablate_quality', bench / 'config.py', bench / 'two.pth', *arguments, '--replace', monkeypatch=monkeypatch)
    assert 'annotated boxes: 1 of 1 images parsed' in capsys.readouterr().out


def test_hooks_and_evaluators_of_the_config_are_no_hindrance(bench, tmp_path, monkeypatch, capsys):
    config = tmp_path / 'averaged.py'
    config.write_text(f"_base_ = '{bench}/config.py'\ncustom_hooks = [dict(type='EMAHook')]\n"
                      "test_evaluator = [dict(type='MultiHumanParsingMetric', missing='count')]\n")
    arguments = (config, bench / 'one.pth', '--out', tmp_path, '--workers', '1', '--grid-steps', '0', '--limit', '1')
    run('ablate_quality', *arguments, monkeypatch=monkeypatch)
    assert 'annotated boxes: 1 of 1 images parsed' in capsys.readouterr().out


def test_what_is_wrong_shows_before_the_forward_pass(bench, tmp_path, monkeypatch):
    monkeypatch.setattr('mmqanet.analysis.forward.Runner', None)
    arguments = (bench / 'config.py', bench / 'one.pth', '--out', tmp_path, '--workers', '1')
    with pytest.raises(DataError, match=r'none\.json'):
        run('ablate_quality', *arguments, '--detections', tmp_path / 'none.json', monkeypatch=monkeypatch)
    joined = tmp_path / 'joined.py'
    joined.write_text(f"_base_ = '{bench}/config.py'\none = _base_.train_dataloader.dataset\n"
                      "train_dataloader = dict(dataset=dict(_delete_=True, type='ConcatDataset', datasets=[one, one]))\n")
    with pytest.raises(InputError, match='2 data sets'):
        run('ablate_quality', joined, *arguments[1:], '--split', 'train', monkeypatch=monkeypatch)
    mapless = tmp_path / 'mapless.py'
    mapless.write_text(f"_base_ = '{bench}/config.py'\nfolders = dict(_delete_=True, img='a', category='b', human='c')\n"
                       "test_dataloader = dict(dataset=dict(data_prefix=folders))\n")
    with pytest.raises(DataError, match='no instance maps'):
        run('ablate_quality', mapless, *arguments[1:], monkeypatch=monkeypatch)


def test_bad_arguments_are_refused(bench, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r'one\.pth'):  # weights of another config
        run('ablate_quality', bench / 'config.py', bench / 'one.pth', '--out', tmp_path, '--cfg-options',
            'model.iou_head.hidden_channels=4', monkeypatch=monkeypatch)
    with pytest.raises(InputError, match='--limit'):
        run('ablate_quality', bench / 'config.py', bench / 'one.pth', '--limit', '0', monkeypatch=monkeypatch)
    arguments = (bench / 'config.py', bench / 'one.pth', '--out', tmp_path, '--classes', 'merged16')
    with pytest.raises(InputError, match="classes is 'merged16', but this model of 20 classes knows full"):
        run('ablate_quality', *arguments, monkeypatch=monkeypatch)
    with pytest.raises(InputError, match='--classes merged16: the training set is not merged'):
        run('ablate_quality', *arguments, '--split', 'train', monkeypatch=monkeypatch)


def test_qualities_are_calibrated_and_the_ranking_stays(bench, tmp_path, monkeypatch, capsys):
    """The checkpoint with its calibration scores the same metrics to the last digit, and is read as data."""
    val = bench / 'data/annotations/toy_val.json'
    arguments = (bench / 'config.py', bench / 'one.pth', '--out', tmp_path / 'calibrated.pth', '--work-dir', tmp_path)
    run('calibrate_quality', *arguments, '--workers', '1', '--fit-on', bench / 'data/annotations/toy_train.json', 'Training',
        '--fit-on', val, 'Validation', bench / 'boxes.json', '--check-on', val, 'Validation', '--cfg-options',
        'model.postprocessor.quality_weights=(1.0,0.0,3.0)', 'model.postprocessor.pixel_score_thr=0.0',
        monkeypatch=monkeypatch)
    text = capsys.readouterr().out
    assert 'check toy_val, annotated' in text
    assert 'fit toy_val, detected' in text
    content = load_checkpoint_file(tmp_path / 'calibrated.pth')
    cfg = read_stored_config(content, 'calibrated.pth')
    calibration = QualityCalibration.from_config(cfg.model.postprocessor.calibration)
    assert len(calibration.parts) == 19
    assert len(calibration.people.qualities) > 1
    assert list(cfg.model.postprocessor.quality_weights) == [1, 0, 3]
    cfg = Config.fromfile(bench / 'config.py')
    before, after = (ablation_config(cfg, checkpoint=str(bench / 'one.pth'), boxes=box_sources(cfg)['annotated'])
                     for _ in range(2))
    after.model.postprocessor.calibration = calibration.to_config()
    metrics = []
    for one in (before, after):
        one.work_dir = str(tmp_path / 'log')
        one.model.postprocessor.update(quality_weights=(1.0, 0.0, 3.0), pixel_score_thr=0.0)
        metrics.append(Runner.from_cfg(one).test())
    assert metrics[0] == metrics[1]
    assert metrics[0]['APr'] >= 0
    with pytest.raises(InputError, match='--fit-on'):
        run('calibrate_quality', *arguments, monkeypatch=monkeypatch)
    with pytest.raises(InputError, match='a data set is ANNOTATIONS FOLDER'):
        run('calibrate_quality', *arguments, '--fit-on', val, monkeypatch=monkeypatch)


def test_merged_classes_have_a_calibration_of_their_own(bench, tmp_path, monkeypatch, capsys):
    """What is merged is compared with the merged annotation; the calibration of all classes stays as it was."""
    table = tuple(min(label, 3) for label in range(20))
    monkeypatch.setitem(CLASS_SETS, CIHPDataset.METAINFO['classes'], {'three': ClassSet(CCPMergedDataset, table)})
    own, both = tmp_path / 'own.pth', tmp_path / 'both.pth'
    more = ('--work-dir', tmp_path, '--workers', '1', '--fit-on', bench / 'data/annotations/toy_train.json', 'Training')
    with pytest.raises(InputError, match=r'one\.pth has no calibration of its own classes; calibrate it without --classes'):
        run('calibrate_quality', bench / 'config.py', bench / 'one.pth', '--out', both, '--classes', 'three', *more,
            monkeypatch=monkeypatch)
    run('calibrate_quality', bench / 'config.py', bench / 'one.pth', '--out', own, *more, monkeypatch=monkeypatch)
    run('calibrate_quality', bench / 'config.py', own, '--out', both, '--classes', 'three', *more, monkeypatch=monkeypatch)
    assert 'fit toy_train, annotated' in capsys.readouterr().out
    stored = [read_stored_config(load_checkpoint_file(path), path.name) for path in (own, both)]
    first, second = (QualityCalibration.from_config(cfg.model.postprocessor.calibration) for cfg in stored)
    assert (first.people, first.parts, first.pooled) == (second.people, second.parts, second.pooled)
    merged = second.merged(table)
    assert len(merged.parts) == 3
    assert merged.people != second.people
    assert merged.pooled != second.pooled


def test_parts_alone_are_calibrated_on_more_data_and_people_stay(bench, tmp_path, monkeypatch, capsys):
    train, val = ([bench / f'data/annotations/toy_{split}.json', folder]
                  for split, folder in (('train', 'Training'), ('val', 'Validation')))
    found = []
    for name, more in (('alone', ()), ('more', ('--fit-parts-on', *val))):
        path = tmp_path / f'{name}.pth'
        run('calibrate_quality', bench / 'config.py', bench / 'one.pth', '--out', path, '--work-dir', tmp_path,
            '--workers', '1', '--fit-on', *train, *more, monkeypatch=monkeypatch)
        stored = read_stored_config(load_checkpoint_file(path), path.name)
        found.append(QualityCalibration.from_config(stored.model.postprocessor.calibration))
    alone, more = found
    assert alone.people == more.people
    assert alone.pooled != more.pooled
    rows = [line for line in capsys.readouterr().out.splitlines() if 'fit toy_val' in line]
    assert [('parts' in line, 'people' in line) for line in rows] == [(True, False)]
