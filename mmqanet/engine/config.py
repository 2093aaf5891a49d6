"""Configs: reading and checking them, what they are for, and the changes that command lines ask for."""
import functools
import logging
from collections.abc import Sequence
from contextlib import redirect_stdout
from enum import Enum
from pathlib import Path

import torch
from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from mmengine.registry import Registry

from mmqanet.checkpoints.loading import last_whole_checkpoint
from mmqanet.checkpoints.mmengine_loading import check_resumable, install
from mmqanet.datasets.transforms.contracts import MultiScaleTransform
from mmqanet.errors import InputError
from mmqanet.models.parsers.base import BaseParser
from mmqanet.registry import DATASETS, MODELS, TRANSFORMS

# What a runner takes together or not at all, by the loader among it.
WITH_LOADER = dict(
    train_dataloader=('train_cfg', 'optim_wrapper', 'param_scheduler'),
    val_dataloader=('val_cfg', 'val_evaluator'),
    test_dataloader=('test_cfg', 'test_evaluator'))


class Task(Enum):
    """What the model of a config is for."""

    PARSING = 'parsing'
    DETECTION = 'detection'
    OTHER = 'other'


def read_config(path: str) -> Config:
    """The config of a file.

    Raises:
        InputError: there is no such file.
    """
    if not Path(path).is_file():
        raise InputError(f'{path}: no such config')
    return Config.fromfile(path)


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
    check_classes(cfg)
    cfg.launcher = launcher
    cfg.work_dir = work_dir or cfg.get('work_dir') or f'work_dirs/{name}'
    if not torch.cuda.is_available():
        _use_cpu(cfg)


# -- what a config is for --------------------------------------------------------------------------------------------------


def task_of(cfg: Config) -> Task:
    """What the model of a config is for, told by its class.

    Raises:
        InputError: no installed package has the class; says what to install where mmdet may have it.
    """
    if parser_class(cfg):
        return Task.PARSING
    model = find_class(MODELS, cfg.model.type, scope=scope_of(cfg))
    if model is None:
        if 'mmdet' in (scope_of(cfg), cfg.model.type.partition('.')[0]):
            require_mmdet()
        raise InputError(f'model.type is {cfg.model.type!r}, but no such model is registered')
    try:
        from mmdet.models.detectors.base import BaseDetector
    except (ImportError, AssertionError):  # then the class is not mmdet's
        return Task.OTHER
    return Task.DETECTION if issubclass(model, BaseDetector) else Task.OTHER


def parser_class(cfg: Config) -> type[BaseParser] | None:
    """The class of a config's model if that is a parser."""
    model = find_class(MODELS, cfg.model.type, scope=scope_of(cfg))
    return model if isinstance(model, type) and issubclass(model, BaseParser) else None


def require_parser(cfg: Config, what: str) -> type[BaseParser]:
    """The class of a config's model; raises ``InputError`` if that is no parser, which ``what`` needs."""
    parser = parser_class(cfg)
    if parser is None:
        raise InputError(f'{what}: needs a parser, and model.type is {cfg.model.type!r}')
    return parser


def find_class(registry: Registry, name: str, *, scope: str) -> type | None:
    """The class that a ``type`` of a config names; ``None`` where no installed package registers it.

    Args:
        registry: of mmqanet.
        name: with the scope of a package before a dot, or plain.
        scope: of plain names, the config's ``default_scope``.
    """
    key = name if '.' in name or scope == registry.scope else f'{scope}.{name}'
    try:
        return registry.get(key)
    except (ImportError, AssertionError, RuntimeError):  # a package is missing, asserts another version, lacks the name
        return None


def scope_of(cfg: Config) -> str:
    """The package whose names are plain in a config."""
    return cfg.get('default_scope') or MODELS.scope


def require_mmdet() -> None:
    """Raise ``InputError`` where mmdet, or what it needs, is not installed."""
    try:
        import mmcv.ops  # noqa: F401
        with redirect_stdout(None):  # it remarks on optional packages
            import mmdet.datasets  # noqa: F401
    except (ImportError, AssertionError) as error:  # mmdet asserts the version of mmcv
        raise InputError(
            "this use of a person detector needs mmdet, and mmcv with its compiled operators: pip install '.[detection]' "
            f'(see README, "Installation"). Import failed with: {error}') from None


# -- checks ----------------------------------------------------------------------------------------------------------------


def check_classes(cfg: Config) -> None:
    """Raise ``InputError`` where a parser and a data set do not have the same number of classes, or one is no list of
    names."""
    datasets = {loader: inner_datasets(cfg[loader].dataset) for loader in WITH_LOADER if cfg.get(loader)}
    for loader, found in datasets.items():
        for dataset in found:
            classes = (dataset.get('metainfo') or {}).get('classes')
            if isinstance(classes, str) and not Path(classes).is_file():
                raise InputError(f'{loader}: metainfo.classes is the string {classes!r}; a sequence of one name is '
                                 f'({classes!r},)')
    parser = parser_class(cfg)
    if parser is None:
        return
    num_classes = parser.classes_in(cfg.model)
    for loader, found in datasets.items():
        for dataset in found:
            if dataset.get('type') not in DATASETS:
                continue
            meta = {**DATASETS.get(dataset.type).METAINFO, **(dataset.get('metainfo') or {})}
            if isinstance(meta['classes'], str):
                continue  # a file of them, which the data set reads
            if len(meta['classes']) != num_classes:
                raise InputError(
                    f"the model's num_classes is {num_classes}, but {loader} has {len(meta['classes'])} classes")


def dataset_of(cfg: Config, loader: str) -> ConfigDict:
    """The config of the data set of a loader, e.g. ``'train_dataloader'``.

    Raises:
        InputError: the config has no such loader.
    """
    if not cfg.get(loader):
        raise InputError(f'{loader}: the config has none')
    return cfg[loader].dataset


def inner_datasets(dataset: ConfigDict) -> list[ConfigDict]:
    """The configs of the data sets inside of wrappers (``RepeatDataset``, ``ConcatDataset``), or the config itself."""
    wrapped = dataset.get('datasets') or ([dataset['dataset']] if 'dataset' in dataset else [])
    return [inner for part in wrapped for inner in inner_datasets(part)] if wrapped else [dataset]


def test_steps(cfg: Config, kind: type) -> list[ConfigDict]:
    """The configs of those steps of the test pipelines whose class is ``kind`` or derived from it."""
    classes = functools.partial(find_class, TRANSFORMS, scope=scope_of(cfg))
    return [step for dataset in inner_datasets(dataset_of(cfg, 'test_dataloader')) for step in dataset.get('pipeline', ())
            if issubclass(classes(step['type']) or object, kind)]


# -- changes that command lines ask for ------------------------------------------------------------------------------------


def set_test_options(cfg: Config, *, flip: bool | None = None, scales: Sequence[float] | None = None,
                     max_batch: int | None = None) -> None:
    """Write options of testing into the config of a parser, in place. ``None`` leaves an option as it is.

    Args:
        cfg: its model takes ``flip`` and ``max_batch``, the pipelines of its test data take ``scales``.
        flip, max_batch: as in :meth:`BaseParser.set_test_options`.
        scales: at which scales the pipelines show the network what it parses; predictions are averaged over them.

    Raises:
        InputError: the config is of no parser, or a test pipeline has no step that takes scales.
    """
    parser = require_parser(cfg, 'flip, scales or max_batch')
    parser.set_test_options(cfg.model, flip=flip, max_batch=max_batch)
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


def _settle_loaders(cfg: Config) -> None:
    """Let ``num_workers=0`` or a loader of ``None`` be said alone, in place."""
    for name, others in WITH_LOADER.items():
        loader = cfg.get(name)
        if loader is None:
            cfg.update(dict.fromkeys(others))
        elif not loader.get('num_workers'):
            loader.pop('prefetch_factor', None)
            loader.persistent_workers = False


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


def _use_plain_norms(node) -> None:
    """Replace SyncBN, which only trains on GPUs, by BN wherever a model config names it, in place."""
    if isinstance(node, dict):
        if node.get('type') == 'SyncBN':
            node['type'] = 'BN'
        for child in node.values():
            _use_plain_norms(child)
    elif isinstance(node, list | tuple):
        for child in node:
            _use_plain_norms(child)
