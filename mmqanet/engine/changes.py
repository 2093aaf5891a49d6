"""Changes of configs that command lines and apis ask for; all are made in place."""
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log

from mmqanet.checkpoints.loading import last_whole_checkpoint
from mmqanet.checkpoints.mmengine_loading import check_resumable, install
from mmqanet.datasets.class_sets import FULL, find_class_set
from mmqanet.datasets.transforms.contracts import MultiScaleTransform
from mmqanet.engine.config import (
    WITH_LOADER,
    Task,
    check_classes,
    find_class,
    require_mmdet,
    require_parser,
    scope_of,
    task_of,
    test_steps,
)
from mmqanet.errors import InputError
from mmqanet.registry import DATASETS, METRICS


def prepare_config(cfg: Config, *, name: str, work_dir: str | None, launcher: str, overrides: dict | None) -> None:
    """Apply the command line to a config, in place.

    Args:
        cfg: the config as read from its file.
        name: file name of the config without suffix; names the default work folder.
        work_dir: folder of logs and checkpoints, or ``None`` for the config's or ``work_dirs/NAME``.
        launcher: ``none``, ``pytorch``, ``slurm`` or ``mpi``.
        overrides: entries of ``--cfg-options``.

    Raises:
        InputError: the model is not registered, needs mmdet where that is missing, or does not have the classes of
            its data sets.
    """
    install()
    if overrides:
        cfg.merge_from_dict(overrides)
    if task_of(cfg) is Task.DETECTION:
        require_mmdet()
    _settle_loaders(cfg)
    _settle_evaluators(cfg)
    check_classes(cfg)
    cfg.launcher = launcher
    cfg.work_dir = work_dir or cfg.get('work_dir') or f'work_dirs/{name}'
    _keep_given_config(cfg, name)
    if not torch.cuda.is_available():
        _use_cpu(cfg)


def _keep_given_config(cfg: Config, name: str) -> None:
    """Where mmengine would dump the config over its own file, let it dump under the time of the run instead."""
    if cfg.filename and Path(cfg.work_dir).resolve() == Path(cfg.filename).resolve().parent:
        cfg.setdefault('experiment_name', name)  # which mmengine would take from the file's name
        object.__setattr__(cfg, '_filename', None)


def set_test_options(cfg: Config, *, flip: bool | None = None, scales: Sequence[float] | None = None,
                     max_batch: int | None = None, precision: str | None = None) -> None:
    """Write options of testing into the config of a parser, in place. ``None`` leaves an option as it is.

    Args:
        cfg: its model takes ``flip``, ``max_batch`` and ``precision``, the pipelines of its test data take ``scales``.
        flip, max_batch: as in :meth:`BaseParser.set_test_options`.
        precision: as in :meth:`BaseParser.set_precision`.
        scales: at which scales the pipelines show the network what it parses; predictions are averaged over them.

    Raises:
        InputError: the config is of no parser or of one that does not know the precision, or a test pipeline has no
            step that takes scales.
    """
    parser = require_parser(cfg, 'flip, scales or max_batch')
    parser.set_test_options(cfg.model, flip=flip, max_batch=max_batch)
    if precision is not None:
        parser.set_precision(cfg.model, precision)
    if scales is not None:
        _set_scales(cfg, tuple(scales))


def _set_scales(cfg: Config, scales: tuple[float, ...]) -> None:
    steps = test_steps(cfg, MultiScaleTransform)
    if not steps and scales != (1.0,):
        raise InputError(f'scales {scales}: no step of the test pipeline takes any')
    for step in steps:
        step.scales = scales


def use_test_time_augmentation(cfg: Config) -> None:
    """Average test predictions over the mirror image and over the config's ``tta_scales``, in place."""
    require_parser(cfg, '--tta')
    set_test_options(cfg, flip=True, scales=cfg.get('tta_scales', (1.0,)))


def use_mixed_precision(cfg: Config) -> None:
    """Train in mixed precision, in place; losses are computed in float32 all the same."""
    if not torch.cuda.is_available():
        raise InputError('--amp: mixed precision needs a GPU, and none is available')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def export_detections(cfg: Config, path: str) -> None:
    """Let the test of a detector write the people it finds to a COCO detection file, in place."""
    if task_of(cfg) is not Task.DETECTION:
        raise InputError('--detections: a parser is tested with a detection file, only a detector writes one')
    metrics = cfg.test_evaluator if isinstance(cfg.test_evaluator, list | tuple) else [cfg.test_evaluator]
    cfg.test_evaluator = [*metrics, dict(type='mmqanet.DetectionFile', path=path)]


def show_predictions(cfg: Config, out_dir: str) -> None:
    """Let the test draw its predictions into a folder, in place."""
    match task_of(cfg):
        case Task.PARSING:
            cfg.default_hooks.visualization = dict(type='mmqanet.ParsingVisualizationHook', out_dir=out_dir)
        case Task.DETECTION:
            out_dir = str(Path(out_dir).absolute())  # mmdet joins it to the work folder
            cfg.default_hooks.visualization = dict(type='mmdet.DetVisualizationHook', draw=True, test_out_dir=out_dir)
        case Task.OTHER:
            raise InputError(f'--show-dir: draws people that were parsed or detected, and a {cfg.model.type} does neither')


def resume_from(cfg: Config, checkpoint: str) -> None:
    """Let the runner go on from ``checkpoint``, or, for ``'auto'``, from the last whole one of the work folder.

    With ``'auto'`` and nothing to go on from, training starts at the beginning.

    Raises:
        DataError: training cannot go on from that file.
    """
    if checkpoint == 'auto':
        found = last_whole_checkpoint(cfg.work_dir)
        if found is None:
            print_log(f'no whole checkpoint in {cfg.work_dir}: starting at the beginning', 'current', logging.INFO)
            return
        checkpoint = str(found)
    check_resumable(checkpoint)
    cfg.resume = True
    cfg.load_from = checkpoint


def merge_classes_in(cfg: Config, meta: Mapping, name: str) -> dict:
    """Let the parser of a config merge its classes, in place.

    Args:
        cfg: of a parser.
        meta: ``classes`` and ``flip_pairs`` of what it was trained on.
        name: of the label set; ``'full'`` changes nothing.

    Returns:
        dict: ``classes``, ``palette`` and ``flip_pairs`` of what it then predicts.

    Raises:
        InputError: there is no such label set, or the parser cannot merge.
    """
    if name == FULL:
        return dict(meta)
    class_set = find_class_set(meta['classes'], name)
    parser = require_parser(cfg, f'classes {name}')
    parser.set_merging(cfg.model, table=class_set.table, flip_pairs=meta['flip_pairs'])
    return dict(class_set.dataset.METAINFO)


def use_class_set(cfg: Config, name: str) -> None:
    """Let a parser predict, and its test set hold, a coarser label set, in place.

    Raises:
        InputError: as :func:`merge_classes_in`, or the config is of no parser.
    """
    if name == FULL:
        return
    require_parser(cfg, '--classes')
    dataset = cfg.test_dataloader.dataset
    meta = {**DATASETS.get(dataset.type).METAINFO, **(dataset.get('metainfo') or {})}
    merge_classes_in(cfg, meta, name)
    dataset.type = find_class_set(meta['classes'], name).dataset.__name__


def _settle_loaders(cfg: Config) -> None:
    """Let ``num_workers=0`` or a loader of ``None`` be said alone, in place."""
    for name, others in WITH_LOADER.items():
        loader = cfg.get(name)
        if loader is None:
            cfg.update(dict.fromkeys(others))
        elif not loader.get('num_workers'):
            loader.pop('prefetch_factor', None)
            loader.persistent_workers = False


def _settle_evaluators(cfg: Config) -> None:
    """Put a metric that is alone into a list, in place: mmengine takes a dict with ``metrics`` for an evaluator."""
    for name in ('val_evaluator', 'test_evaluator'):
        given = cfg.get(name)
        alone = isinstance(given, Mapping) and 'metrics' in given
        if alone and find_class(METRICS, given.get('type', 'Evaluator'), scope=scope_of(cfg)):
            cfg[name] = [given]


def _use_cpu(cfg: Config) -> None:
    """Let a config made for GPUs run on CPUs, on several processes too, in place."""
    _use_plain_norms(cfg.model)
    if cfg.env_cfg.dist_cfg.backend == 'nccl':
        cfg.env_cfg.dist_cfg.backend = 'gloo'
    if cfg.launcher == 'pytorch':
        # mmengine would choose CUDA devices here and when it wraps the model.
        torch.distributed.init_process_group(**cfg.env_cfg.dist_cfg)
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)


def _use_plain_norms(node: Any) -> None:
    """Replace SyncBN, which only trains on GPUs, by BN wherever a model config names it, in place."""
    if isinstance(node, dict):
        if node.get('type') == 'SyncBN':
            node['type'] = 'BN'
        for child in node.values():
            _use_plain_norms(child)
    elif isinstance(node, list | tuple):
        for child in node:
            _use_plain_norms(child)
