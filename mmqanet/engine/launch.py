"""What tools/train.py and tools/test.py have in common: from parsed arguments to a config the runner takes."""
import argparse
import logging
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import torch
from mmengine.config import Config, ConfigDict, DictAction
from mmengine.logging import print_log

from mmqanet.checkpoints.loading import install, last_whole_checkpoint
from mmqanet.errors import InputError, MMQANetError
from mmqanet.registry import DATASETS


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that training and testing share; :func:`config_from` reads them."""
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of logs and results (default: work_dirs/CONFIG_NAME)')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
        help='override config entries, e.g. train_cfg.max_epochs=10 or model.flip_test=False')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def config_from(args: argparse.Namespace) -> Config:
    """The config that the common arguments name, with them applied."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config)
    prepare_config(cfg, name=Path(args.config).stem, work_dir=args.work_dir, launcher=args.launcher,
                   overrides=args.cfg_options)
    return cfg


def prepare_config(cfg: Config, *, name: str, work_dir: str | None, launcher: str, overrides: dict | None) -> None:
    """Apply the command line to a config, in place.

    Args:
        cfg: the config as read from its file.
        name: file name of the config without suffix; names the default work folder.
        work_dir: folder of logs and checkpoints, or ``None`` for the config's or ``work_dirs/NAME``.
        launcher: ``none``, ``pytorch``, ``slurm`` or ``mpi``.
        overrides: entries of ``--cfg-options``.
    """
    install()
    if overrides:
        cfg.merge_from_dict(overrides)
    if is_detector(cfg):
        require_mmdet()
    check_classes(cfg)
    cfg.launcher = launcher
    cfg.work_dir = work_dir or cfg.get('work_dir') or f'work_dirs/{name}'
    if not torch.cuda.is_available():
        _use_cpu(cfg)


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


def check_classes(cfg: Config) -> None:
    """Raise ``InputError`` where the parsing head and a data set do not have the same number of classes."""
    if is_detector(cfg):
        return
    num_classes = cfg.model.parsing_head.num_classes
    for loader in ('train_dataloader', 'test_dataloader'):
        for dataset in inner_datasets(cfg.get(loader, {}).get('dataset', {})):
            if dataset.get('type') not in DATASETS:
                continue
            meta = {**DATASETS.get(dataset.type).METAINFO, **(dataset.get('metainfo') or {})}
            if len(meta['classes']) != num_classes:
                raise InputError(
                    f'model.parsing_head.num_classes is {num_classes}, but {loader} has {len(meta["classes"])} classes')


def inner_datasets(dataset: ConfigDict) -> list[ConfigDict]:
    """The configs of the data sets inside of wrappers (``RepeatDataset``, ``ConcatDataset``), or the config itself."""
    wrapped = dataset.get('datasets') or ([dataset['dataset']] if 'dataset' in dataset else [])
    return [inner for part in wrapped for inner in inner_datasets(part)] if wrapped else [dataset]


def is_detector(cfg: Config) -> bool:
    """Whether a config is of a person detector of mmdet and not of a parser."""
    return 'parsing_head' not in cfg.model


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


def export_detections(cfg: Config, path: str) -> None:
    """Let the test of a detector write the people it finds to a COCO detection file, in place."""
    if not is_detector(cfg):
        raise InputError('--detections: a parser is tested with a detection file, only a detector writes one')
    metrics = cfg.test_evaluator if isinstance(cfg.test_evaluator, list | tuple) else [cfg.test_evaluator]
    cfg.test_evaluator = [*metrics, dict(type='mmqanet.DetectionFile', path=path)]


def show_predictions(cfg: Config, out_dir: str) -> None:
    """Let the test draw its predictions into a folder, in place."""
    if is_detector(cfg):
        out_dir = str(Path(out_dir).absolute())  # mmdet joins it to the work folder
        cfg.default_hooks.visualization = dict(type='mmdet.DetVisualizationHook', draw=True, test_out_dir=out_dir)
    else:
        cfg.default_hooks.visualization = dict(type='ParsingVisualizationHook', out_dir=out_dir)


def use_mixed_precision(cfg: Config) -> None:
    """Train in mixed precision, in place; losses are computed in float32 all the same."""
    if not torch.cuda.is_available():
        raise InputError('--amp: mixed precision needs a GPU, and none is available')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def run_tool(main: Callable[[], None]) -> None:
    """Run an entry point; an error that mmqanet raises on purpose, or a missing file, becomes one line and exit status 1."""
    try:
        main()
    except MMQANetError as error:
        sys.exit(f'{Path(sys.argv[0]).name}: {error}')
    except FileNotFoundError as error:  # as mmdet's data sets raise it
        sys.exit(f'{Path(sys.argv[0]).name}: {error.filename}: no such file')


def read_config(path: str) -> Config:
    if not Path(path).is_file():
        raise InputError(f'{path}: no such config')
    return Config.fromfile(path)


def resume_from(cfg: Config, checkpoint: str) -> None:
    """Let the runner go on from ``checkpoint``, or, for ``'auto'``, from the last whole one of the work folder.

    With ``'auto'`` and nothing to go on from, training starts at the beginning.
    """
    if checkpoint == 'auto':
        found = last_whole_checkpoint(cfg.work_dir)
        if found is None:
            print_log(f'no whole checkpoint in {cfg.work_dir}: starting at the beginning', 'current', logging.INFO)
            return
        checkpoint = str(found)
    cfg.resume = True
    cfg.load_from = checkpoint


def use_test_time_augmentation(cfg: Config) -> None:
    """Average test predictions over the mirror image and over the config's ``tta_scales``, in place."""
    if is_detector(cfg):
        raise InputError('--tta: averages the predictions of parsers, and this config is of a detector')
    cfg.model.flip_test = True
    for step in cfg.test_dataloader.dataset.pipeline:
        if step.type == 'BoxesToCrops':
            step.scales = cfg.get('tta_scales', (1.0,))
