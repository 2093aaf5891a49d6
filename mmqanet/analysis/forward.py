"""The one forward pass over a test set, into a :class:`PredictionCache`; cut off, it goes on where it stopped."""
import copy
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmqanet.analysis.predictions import PredictionCache
from mmqanet.checkpoints.loading import load_checkpoint_file, load_weights
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.engine.config import dataset_of, inner_datasets, require_parser
from mmqanet.errors import DataError, InputError
from mmqanet.models.parsers.base import BoxUse
from mmqanet.registry import DATASETS
from mmqanet.utils.processes import progress_bar

#: What of a model's config does not change the predictions that are kept, besides the parser's own `speed_options`; of the
#: post-processor, all but `min_region`.
NOT_PREDICTION = ('postprocessor', 'init_cfg')


def box_sources(cfg: Config, detections: str | None = None) -> dict[str, dict[str, Any]]:
    """Where the people of a test can come from.

    Args:
        cfg: config of a parser.
        detections: COCO detection JSON; the test set's own ``detection_file`` by default.

    Returns:
        dict: a name → the entries of the data set that ask for it. ``'annotated'`` boxes and those ``'detected'`` in a file,
        for parsers that take boxes; the people ``'found'`` by the parser itself where it can.

    Raises:
        InputError: ``detections`` for a parser that takes no boxes.
    """
    parser = require_parser(cfg, 'studies of the quality')
    dataset = dataset_of(cfg, 'test_dataloader')
    if parser.box_use is BoxUse.REFUSED:
        if detections:
            raise InputError(f'detections: a {cfg.model.type} finds the people itself and takes no boxes')
        return {'found': dict(detection_file=None, annotated_boxes=False)}
    if not detections and dataset.get('detection_file'):
        detections = str(Path(dataset.get('data_root') or '') / dataset.detection_file)
    sources: dict[str, dict[str, Any]] = {'annotated': dict(detection_file=None, annotated_boxes=True)}
    if detections:
        sources['detected'] = dict(detection_file=str(Path(detections).resolve()))
    if parser.box_use is BoxUse.OPTIONAL:
        sources['found'] = dict(detection_file=None, annotated_boxes=False)
    return sources


def ablation_config(cfg: Config, *, checkpoint: str, boxes: Mapping[str, Any], split: str = 'test') -> Config:
    """A copy of a config that tests on one box source.

    Args:
        checkpoint: its weights.
        boxes: one of :func:`box_sources`.
        split: ``'test'``, or ``'train'`` for the images of the training set, prepared as for testing.

    Raises:
        InputError: the config has no such data, or it is joined of several sets.
    """
    cfg = copy.deepcopy(cfg)
    cfg.load_from, cfg.resume = str(checkpoint), False
    cfg.log_level = 'WARNING'  # the runner would print config and hooks
    cfg.visualizer = None  # nothing is drawn, and a second runner may not make one of the same name
    if len(inner_datasets(dataset_of(cfg, 'test_dataloader'))) > 1:
        raise InputError('test_dataloader: the config tests on data sets joined, and one is needed')
    dataset = cfg.test_dataloader.dataset
    if split == 'train':
        train, *others = inner_datasets(copy.deepcopy(dataset_of(cfg, 'train_dataloader')))
        if others:
            raise InputError(f"split 'train': the config trains on {1 + len(others)} data sets joined, and one is needed")
        train.update(pipeline=dataset.pipeline, test_mode=True)
        folder = Path(train.data_prefix.category).parent  # training reads no part maps: they lie where the test set has them
        for kind, path in dataset.data_prefix.items():
            train.data_prefix.setdefault(kind, str(folder / Path(path).name))
        cfg.test_dataloader.dataset = dataset = train
    dataset.update(boxes, test_mode=True)
    return cfg


def build_dataset(cfg: Config) -> HumanParsingDataset:
    """The test set of a config."""
    with DefaultScope.overwrite_default_scope('mmqanet'):
        return DATASETS.build(cfg.test_dataloader.dataset)


def prediction_origin(cfg: Config, *, thresholds: Sequence[float], files: Sequence[str | Path] = ()) -> dict[str, Any]:
    """What a test set's predictions depend on, by name: contents of files as digests, the rest as text.

    ``files`` are those of the weights, where they are several.
    """
    ignored = (*NOT_PREDICTION, *require_parser(cfg, 'studies of the quality').speed_options)
    model = {key: value for key, value in cfg.model.to_dict().items() if key not in ignored}
    dataset = cfg.test_dataloader.dataset.to_dict()
    detections = dataset.pop('detection_file', None)
    if dataset.get('annotated_boxes'):
        del dataset['annotated_boxes']  # the default
    annotations = Path(dataset.get('data_root') or '') / dataset['ann_file']
    return {
        'checkpoint': ' '.join(map(file_digest, files or [cfg.load_from])), 'model config': repr(model),
        'annotation file': file_digest(annotations),
        'min_region': float((cfg.model.get('postprocessor') or {}).get('min_region', 0)),
        'test set config': repr(dataset), 'detection file': file_digest(detections) if detections else None,
        'list of thresholds': [float(threshold) for threshold in thresholds]}


def predict_images(cfg: Config, dataset: HumanParsingDataset, names: Sequence[str], cache: PredictionCache, *,
                   thresholds: Sequence[float], content: dict | None = None, progress: bool = False) -> int:
    """Predict those of the first images of a data set that the cache lacks.

    Args:
        cfg: from :func:`ablation_config`.
        dataset: from :func:`build_dataset`.
        names: of the images, in the order of the data set.
        thresholds: T thresholds of the pixel scores to keep.
        content: what the checkpoint holds, where it is no single file.
        progress: show a progress bar on the terminal.

    Returns:
        int: how many there were.

    Raises:
        DataError: the checkpoint is missing or broken. InputError: it belongs to another config, or this has no
            post-processor.
    """
    missing = cache.missing(names)
    if not missing:
        return 0
    if not cfg.model.get('postprocessor'):
        raise InputError('model.postprocessor: the config needs one to predict')
    cfg = copy.deepcopy(cfg)
    cfg.model.postprocessor.pixel_score_sweep = list(thresholds)
    runner = Runner.from_cfg(cfg)
    content = content or load_checkpoint_file(cfg.load_from)
    # Not by the runner: hooks such as EMAHook answer to its loading only where a loop runs.
    load_weights(runner.model, content.get('state_dict', content), cfg.load_from)
    model = runner.model.eval()
    subset = dataset.get_subset(missing)
    loader = Runner.build_dataloader({**cfg.test_dataloader, 'dataset': subset}, seed=0)
    todo = iter(missing)
    with progress_bar(progress) as bar, torch.no_grad():
        task = bar.add_task('Parsing', total=len(missing))
        for batch in loader:
            for sample in model.test_step(batch):
                cache.write(names[next(todo)], sample)
                bar.advance(task)
    return len(missing)


def file_digest(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    try:
        with open(path, 'rb') as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        raise DataError(f'{path}: {error.strerror}') from None
    return digest.hexdigest()
