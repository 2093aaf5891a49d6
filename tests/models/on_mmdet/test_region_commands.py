"""A region-based parser goes through every command: trained, resumed, tested, drawn, studied, parsing files."""
import json
from pathlib import Path

import cv2
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from region_toys import TOYS, picture, toy_config
from tool_runs import run

from mmqanet.apis import HumanParsingInferencer, inference_topdown, init_model
from mmqanet.cli.main import main
from mmqanet.engine.changes import prepare_config, show_predictions
from mmqanet.preparation.toy import draw_toy_dataset

pytest.importorskip('mmdet')


def train(root: Path, folder: str, *, epochs: int, resume: bool = False) -> Path:
    """Train RP R-CNN as tools/train.py does; the checkpoint of the last epoch."""
    cfg = toy_config(TOYS[1], data=root / 'data', **{
        'train_cfg.max_epochs': epochs, 'train_cfg.val_interval': 9, 'train_dataloader.batch_size': 2, 'resume': resume,
        'default_hooks.logger.interval': 1, 'log_processor.window_size': 1, 'visualizer': None, 'log_level': 'WARNING',
        'param_scheduler': [dict(type='ConstantLR', factor=1.0)], 'randomness': dict(seed=0)})
    prepare_config(cfg, name='rp', work_dir=str(root / folder), launcher='none', overrides=None)
    cfg.experiment_name = folder
    Runner.from_cfg(cfg).train()
    return root / folder / f'epoch_{epochs}.pth'


@pytest.fixture(scope='module')
def bench(tmp_path_factory) -> Path:
    """A folder with data, a picture, the config and a checkpoint."""
    root = tmp_path_factory.mktemp('rp')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('yapf.yapflib.yapf_api.FormatCode', lambda text, **_: (text, True))  # it takes half of the time
        yield _filled(root)


def _filled(root: Path) -> Path:
    draw_toy_dataset(root / 'data', num_train=2, num_val=2, size=(96, 72), seed=0, num_workers=1, progress=False)
    toy_config(TOYS[1], data=root / 'data').dump(root / 'config.py')
    cv2.imwrite(str(root / 'photo.png'), picture())
    train(root, 'whole', epochs=2)
    return root


@pytest.fixture(scope='module')
def checkpoint(bench) -> Path:
    return bench / 'whole/epoch_2.pth'


def test_a_resumed_run_ends_as_one_that_was_never_cut_off(bench, checkpoint):
    train(bench, 'cut', epochs=1)
    resumed = torch.load(train(bench, 'cut', epochs=2, resume=True), weights_only=False)['state_dict']
    whole = torch.load(checkpoint, weights_only=False)['state_dict']
    assert whole.keys() == resumed.keys()
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key


@pytest.fixture(scope='module')
def tested(bench, checkpoint) -> dict[str, float]:
    """The metrics of tools/test.py --show-dir; pictures lie in the folder ``shown``."""
    cfg = Config.fromfile(bench / 'config.py')
    cfg.load_from = str(checkpoint)
    prepare_config(cfg, name='rp', work_dir=str(bench / 'tested'), launcher='none', overrides=None)
    show_predictions(cfg, str(bench / 'shown'))
    cfg.experiment_name = 'tested'
    return Runner.from_cfg(cfg).test()


def test_it_is_tested_and_drawn(bench, tested):
    assert 0 < tested['mIoU'] <= 100
    assert len(list((bench / 'shown').rglob('*.jpg'))) == 2


def parse(bench: Path, checkpoint: Path, out: Path, *options) -> list[dict]:
    assert main(['parse', str(bench / 'photo.png'), '--checkpoint', str(checkpoint), '--out', str(out), '--device', 'cpu',
                 '--save', 'overlay', *map(str, options)]) == 0
    assert len(list(out.glob('photo*'))) == 2
    return json.loads((out / 'photo.json').read_text())['people']


def test_the_command_finds_people_or_parses_given_boxes(bench, checkpoint, tmp_path):
    found, = inference_topdown(init_model(None, checkpoint), picture())  # the checkpoint carries its config
    inferencer = HumanParsingInferencer(bench / 'config.py', str(checkpoint), device='cpu')
    assert inferencer.detector is None
    again, = inferencer(picture(), return_datasamples=True)['predictions']
    assert len(again.pred_instances) == 3
    assert torch.equal(again.pred_maps.part, found.pred_maps.part)
    assert torch.equal(again.pred_maps.category, found.pred_maps.category)
    plain, = inferencer(picture())['predictions']
    assert parse(bench, checkpoint, tmp_path / 'found') == plain['people']

    boxes = [[10, 5, 60, 70], [30, 20, 90, 71.5]]
    (tmp_path / 'boxes.json').write_text(json.dumps({'photo.png': boxes}))
    given = parse(bench, checkpoint, tmp_path / 'given', '--boxes', tmp_path / 'boxes.json')
    plain, = inferencer(picture(), boxes=boxes)['predictions']
    assert given == plain['people']
    sample, = inferencer(picture(), boxes=boxes, return_datasamples=True)['predictions']
    assert sample.pred_instances.bboxes.tolist() == boxes


def test_the_study_compares_found_with_annotated_people(bench, checkpoint, tested, tmp_path, monkeypatch):
    run('ablate_quality', bench / 'config.py', checkpoint, '--out', tmp_path, '--grid-steps', '0', '--workers', '1',
        '--no-progress', monkeypatch=monkeypatch)
    report = json.loads((tmp_path / 'ablation.json').read_text())
    table = next(table for table in report['tables'] if table['name'] == 'module')
    assert [row['label'] for row in table['rows']] == [
        [source, module, weights] for source in ('annotated', 'found')
        for module, weights in (('without', '1, 1, 0'), ('with', '3, 1, 1'))]
    for key in ('mIoU', 'APp', 'APr', 'PCP_50'):  # the cache holds the semantic map that people are painted over
        assert report['metrics']['found']['with'][key] == pytest.approx(tested[key], abs=0.05), key
