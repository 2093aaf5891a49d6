"""Configs: reading and checking them, and what they are for."""
import functools
import os
from contextlib import redirect_stdout
from enum import Enum

from mmengine.config import Config, ConfigDict
from mmengine.registry import Registry

from mmqanet.errors import InputError
from mmqanet.models.parsers.base import BaseParser
from mmqanet.registry import DATASETS, MODELS, TRANSFORMS
from mmqanet.utils.files import PathLike

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


def read_config(path: PathLike) -> Config:
    """The config of a file.

    Raises:
        InputError: there is no such file, or it cannot be read or run.
    """
    if not os.path.isfile(path):
        raise InputError(f'{path}: no such config')
    try:
        return Config.fromfile(path)
    except Exception as error:  # the file is code
        reason = (str(error).splitlines() or [''])[0]
        raise InputError(f'{path}: this config cannot be read ({type(error).__name__}: {reason})') from error


def model_type(cfg: Config) -> str:
    """What a config calls the class of its model; raises ``InputError`` where it does not say."""
    model = cfg.get('model')
    name = model.get('type') if isinstance(model, dict) else None
    if not isinstance(name, str):
        raise InputError(f'model: {str(model)[:80]} names no type')
    return name


def task_of(cfg: Config) -> Task:
    """What the model of a config is for, told by its class.

    Raises:
        InputError: no installed package has the class; says what to install where mmdet may have it.
    """
    if parser_class(cfg):
        return Task.PARSING
    name = model_type(cfg)
    model = find_class(MODELS, name, scope=scope_of(cfg))
    if model is None:
        if 'mmdet' in (scope_of(cfg), name.partition('.')[0]):
            require_mmdet()
        raise InputError(f'model.type is {name!r}, but no such model is registered')
    try:
        from mmdet.models.detectors.base import BaseDetector
    except (ImportError, AssertionError):  # then the class is not mmdet's
        return Task.OTHER
    return Task.DETECTION if issubclass(model, BaseDetector) else Task.OTHER


def parser_class(cfg: Config) -> type[BaseParser] | None:
    """The class of a config's model if that is a parser."""
    model = find_class(MODELS, model_type(cfg), scope=scope_of(cfg))
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


def check_classes(cfg: Config) -> None:
    """Raise ``InputError`` where a parser and a data set do not have the same number of classes, one is no list of names, or
    the model's config does not say how many it has."""
    datasets = {loader: inner_datasets(cfg[loader].dataset) for loader in WITH_LOADER if cfg.get(loader)}
    for loader, found in datasets.items():
        for dataset in found:
            classes = (dataset.get('metainfo') or {}).get('classes')
            if isinstance(classes, str) and not os.path.isfile(classes):
                raise InputError(f'{loader}: metainfo.classes is the string {classes!r}; a sequence of one name is '
                                 f'({classes!r},)')
    parser = parser_class(cfg)
    if parser is None:
        return
    try:
        num_classes = parser.classes_in(cfg.model)
    except (KeyError, TypeError) as error:
        raise InputError(f'model: a {cfg.model["type"]} that does not say its number of classes ({error})') from None
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
