"""QANet's mask mode: an epoch on toy instances, as the training tool runs it, and the metrics of COCO."""
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

pytest.importorskip('mmdet.evaluation')

from mmqanet.datasets import CIHPDataset
from mmqanet.engine.changes import prepare_config
from mmqanet.engine.config import read_config
from mmqanet.preparation.part_instances import write_part_instances
from mmqanet.preparation.toy import draw_toy_dataset

REPO = Path(__file__).resolve().parents[2]
CLASSES = CIHPDataset.METAINFO['classes']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A folder with toy instances and ``config.py`` of a small network."""
    root = tmp_path_factory.mktemp('mask_mode')
    draw_toy_dataset(root, num_train=2, num_val=2, size=(96, 72), max_people=2, progress=False)
    for split, name in (('Training', 'train'), ('Validation', 'val')):
        write_part_instances(root / split, root / f'annotations/toy_{name}.json', root / f'{name}.json', classes=CLASSES,
                             show_progress=False)
    cfg = Config.fromfile(REPO / 'configs/instance_segmentation/qanet-mask_r50_coco.py')
    cfg.model.backbone = dict(type='ResNetV1c', depth=18, base_channels=8, stem_channels=8, init_cfg=None)
    cfg.model.neck[0].in_channels = [8, 16, 32, 64]
    cfg.model.mask_head.num_classes = cfg.model.iou_head.num_classes = len(CLASSES)
    for loader, name in ((cfg.train_dataloader, 'train'), (cfg.val_dataloader, 'val'), (cfg.test_dataloader, 'val')):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.update(data_root=str(root), ann_file=f'{name}.json', metainfo=dict(classes=('person', *CLASSES[1:])),
                              data_prefix=dict(img=f'{"Training" if name == "train" else "Validation"}/Images'))
        for step in loader.dataset.pipeline:
            if step.type == 'BoxesToCrops':
                step.input_size = (32, 32)
    cfg.train_dataloader.batch_size = 8
    cfg.val_evaluator.ann_file = cfg.test_evaluator.ann_file = str(root / 'val.json')
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.dump(root / 'config.py')
    return root


def test_training_and_its_metrics(folder):
    cfg = read_config(str(folder / 'config.py'))
    prepare_config(cfg, name='mask_mode', work_dir=str(folder / 'work'), launcher='none', overrides=None)
    cfg.visualizer = None
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert (folder / 'work/epoch_1.pth').exists()
    assert 0 <= runner.message_hub.get_scalar('val/coco/segm_mAP').current() <= 1
