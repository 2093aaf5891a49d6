"""The configs of the region-based parsers against the options of the released code."""
import json
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from released_regions import build, model_config

from mmqanet.checkpoints.conversion.region_weights import translate_region_key

pytest.importorskip('mmdet')
CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
#: File name of the release → config.
NAMES = {
    'CIHP/e2e_parsing_rcnn_R-50-FPN_1x_ms.yaml': 'parsing_rcnn/parsing-rcnn_r50-1x_cihp.py',
    'CIHP/e2e_parsing_rcnn_R-50-FPN_3x_ms.yaml': 'parsing_rcnn/parsing-rcnn_r50_cihp.py',
    'MHP-v2/e2e_parsing_rcnn_R-50-FPN_1x_ms.yaml': 'parsing_rcnn/parsing-rcnn_r50-1x_mhp-v2.py',
    'MHP-v2/e2e_parsing_rcnn_R-50-FPN_3x_ms.yaml': 'parsing_rcnn/parsing-rcnn_r50_mhp-v2.py',
    'CIHP/e2e_rp_rcnn_R-50-FPN_3x_ms.yaml': 'rp_rcnn/rp-rcnn_r50-3x_cihp.py',
    'CIHP/e2e_rp_rcnn_R-50-FPN_6x_ms.yaml': 'rp_rcnn/rp-rcnn_r50_cihp.py',
    'MHP-v2/e2e_rp_rcnn_R-50-FPN_3x_ms.yaml': 'rp_rcnn/rp-rcnn_r50-3x_mhp-v2.py',
    'MHP-v2/e2e_rp_rcnn_R-50-FPN_6x_ms.yaml': 'rp_rcnn/rp-rcnn_r50_mhp-v2.py',
}


@pytest.fixture(scope='module')
def released(golden_dir) -> dict[str, dict]:
    path = golden_dir / 'region_based/configs.json'
    if not path.exists():
        pytest.skip('the options of the released code are not here')
    return {row['cfg']: row for row in json.loads(path.read_text())}


@pytest.mark.parametrize('name', NAMES)
def test_the_schedule(released, name):
    cfg, solver = Config.fromfile(CONFIGS / NAMES[name]), released[name]['solver']
    warmup, steps = cfg.param_scheduler
    assert (warmup.type, warmup.start_factor, warmup.end) == ('LinearLR', solver['WARM_UP_FACTOR'], solver['WARM_UP_ITERS'])
    assert (steps.type, steps.milestones, steps.gamma) == ('MultiStepLR', solver['STEPS'], solver['GAMMA'])
    assert not warmup.by_epoch
    assert not steps.by_epoch
    assert cfg.train_cfg.max_iters == solver['MAX_ITER']
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.momentum, optimizer.weight_decay) == (
        'SGD', solver['BASE_LR'], solver['MOMENTUM'], solver['WEIGHT_DECAY'])
    assert cfg.auto_scale_lr.base_batch_size == released[name]['train']['batch']


@pytest.mark.parametrize('name', NAMES)
def test_the_options(released, name):
    cfg, row = Config.fromfile(CONFIGS / NAMES[name]), released[name]
    train, test, rpn, box, parsing = (row[key] for key in ('train', 'test', 'rpn', 'fast_rcnn', 'prcnn'))
    resize, = (step for step in cfg.train_dataloader.dataset.pipeline if step.type == 'RandomShortSide')
    assert (list(resize.short_sides), resize.long_side) == (train['scales'], train['max_size'])
    resize, = (step for step in cfg.test_dataloader.dataset.pipeline if step.type == 'ImagesAtScales')
    assert (resize.short_side, resize.long_side) == (test['scale'], test['max_size'])
    assert cfg.model.train_cfg.rpn.assigner.pos_iou_thr == rpn['FG_IOU_THRESHOLD']
    assert cfg.model.train_cfg.rpn.assigner.neg_iou_thr == rpn['BG_IOU_THRESHOLD']
    assert cfg.model.train_cfg.rpn.allowed_border == rpn['STRADDLE_THRESH']
    assert cfg.model.train_cfg.rpn.sampler.num == rpn['BATCH_SIZE_PER_IMAGE']
    assert cfg.model.train_cfg.rpn_proposal.nms_pre == rpn['PRE_NMS_TOP_N_TRAIN']
    assert cfg.model.train_cfg.rpn_proposal.max_per_batch == rpn['FPN_POST_NMS_TOP_N_TRAIN']
    assert cfg.model.test_cfg.rpn.nms_pre == rpn['PRE_NMS_TOP_N_TEST']
    assert cfg.model.test_cfg.rpn.max_per_img == rpn['FPN_POST_NMS_TOP_N_TEST']
    assert cfg.model.test_cfg.rpn.nms.iou_threshold == rpn['NMS_THRESH']
    assert cfg.model.train_cfg.rcnn.sampler.num == box['BATCH_SIZE_PER_IMAGE']
    assert cfg.model.train_cfg.rcnn.sampler.pos_fraction == box['POSITIVE_FRACTION']
    assert cfg.model.test_cfg.rcnn.score_thr == box['SCORE_THRESH']
    assert cfg.model.test_cfg.rcnn.nms.iou_threshold == box['NMS']
    assert cfg.model.test_cfg.rcnn.max_per_img == box['DETECTIONS_PER_IMG']
    head = cfg.model.roi_head
    assert head.regions_per_image == parsing['ROI_SIZE_PER_IMG']
    assert list(head.mask_roi_extractor.featmap_strides) == parsing['ROI_STRIDES']
    assert head.mask_head.num_classes == row['num_parsing'] == len(cfg_classes(cfg))
    assert ('rescoring_head' in head) == bool(parsing.get('PARSINGIOU_ON'))


def cfg_classes(cfg: Config) -> tuple[str, ...]:
    from mmqanet.registry import DATASETS
    return DATASETS.get(cfg.train_dataloader.dataset.type).METAINFO['classes']


@pytest.mark.parametrize('name', ['parsing_rcnn', 'rp_rcnn'])
def test_the_learning_rates_of_the_weights(golden_dir, name):
    path = golden_dir / f'region_based/keys_{name}.json'
    if not path.exists():
        pytest.skip('the groups of the released optimiser are not here')
    model = build(model_config(name))
    wrapper = build_optim_wrapper(model, Config.fromfile(CONFIGS / '_base_/schedules/sgd_3x.py').optim_wrapper)
    names = {parameter: key for key, parameter in model.named_parameters()}
    found = {names[group['params'][0]]: (group['lr'] / 0.02, group['weight_decay'])
             for group in wrapper.optimizer.param_groups}
    expected = {translate_region_key(key): (group['lr_scale'], group['weight_decay'])
                for group in json.loads(path.read_text())['optimizer_groups'] for key in group['keys']}
    assert found == expected
