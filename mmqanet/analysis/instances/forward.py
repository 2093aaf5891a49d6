"""The one forward pass of an instance segmenter over a test set; cut off, it goes on where it stopped."""
import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, DefaultScope
from mmengine.runner import Runner

from mmqanet.analysis.forward import file_digest
from mmqanet.analysis.instances.detections import DetectionFolder
from mmqanet.checkpoints.loading import load_checkpoint_file, load_weights
from mmqanet.engine.config import scope_of
from mmqanet.errors import DataError, InputError
from mmqanet.utils.processes import progress_bar


def build_test_set(cfg: Config) -> BaseDataset:
    """The test set of a config.

    Raises:
        InputError: the config has none, or one without COCO-style categories.
    """
    if not cfg.get('test_dataloader'):
        raise InputError('the config has no test_dataloader')
    with DefaultScope.overwrite_default_scope(scope_of(cfg)):
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
    if not hasattr(dataset, 'cat_ids'):
        raise InputError(f'{type(dataset).__name__}: a test set with COCO-style annotations is needed')
    return dataset


def detection_origin(cfg: Config, *, thresholds: Sequence[float]) -> dict[str, Any]:
    """What a test set's detections depend on, by name: contents of files as digests, the rest as text."""
    dataset = cfg.test_dataloader.dataset.to_dict()
    return {
        'checkpoint': file_digest(cfg.load_from), 'model config': repr(cfg.model.to_dict()),
        'annotation file': file_digest(Path(dataset.get('data_root') or '') / dataset['ann_file']),
        'test set config': repr(dataset), 'list of thresholds': [float(threshold) for threshold in thresholds]}


def detect_images(cfg: Config, dataset: BaseDataset, names: Sequence[str], folder: DetectionFolder, *,
                  progress: bool = False) -> int:
    """Detect on those of the first images of a data set that the folder lacks.

    Args:
        cfg: with quality-aware heads that keep their statistics; ``load_from`` is the checkpoint.
        dataset: from :func:`build_test_set`.
        names: of the images, in the order of the data set.
        progress: show a progress bar on the terminal.

    Returns:
        int: how many there were.

    Raises:
        DataError: the checkpoint is missing or broken, or an image has no masks. InputError: it belongs to another config.
    """
    missing = folder.missing(names)
    if not missing:
        return 0
    cfg = copy.deepcopy(cfg)
    cfg.log_level, cfg.resume, cfg.visualizer = 'WARNING', False, None
    model = Runner.from_cfg(cfg).model.eval()
    content = load_checkpoint_file(cfg.load_from)
    load_weights(model, content.get('state_dict', content), cfg.load_from)
    loader = Runner.build_dataloader({**cfg.test_dataloader, 'dataset': dataset.get_subset(missing)}, seed=0)
    todo = iter(missing)
    with progress_bar(progress) as bar, torch.no_grad():
        task = bar.add_task('Detecting', total=len(missing))
        for batch in loader:
            for sample in model.test_step(batch):
                if 'masks' not in sample.pred_instances:
                    raise DataError(f'{sample.img_path}: the model gives no masks')
                folder.write(names[next(todo)], sample.pred_instances, sample.ori_shape[:2])
                bar.advance(task)
    return len(missing)
