"""From a name, a config or a checkpoint to a model that is ready to parse."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from torch import nn

from mmqanet.checkpoints.loading import load_checkpoint_file, load_weights
from mmqanet.checkpoints.model_index import find_model, weights_of
from mmqanet.checkpoints.stored_config import read_stored_config
from mmqanet.engine.config import set_test_options
from mmqanet.errors import InputError
from mmqanet.registry import DATASETS, MODELS, TRANSFORMS

META_KEYS = ('classes', 'palette', 'flip_pairs')


def init_model(
    config: str | Path | Config | None,
    checkpoint: str | Path | None = None,
    device: str = 'cpu',
    *,
    tta: bool | Sequence[float] | None = None,
    max_crops: int | None = None,
) -> nn.Module:
    """Build a model, ready to parse.

    Args:
        config: a config file, a ``Config``, the name of a model of ``model-index.yml`` (its weights come along, unless
            others are given), or ``None`` for the config that ``checkpoint`` carries.
        checkpoint: weights, as ``tools/train.py`` writes them; ``None`` leaves a network given by its config untrained.
        device: e.g. ``'cpu'`` or ``'cuda:0'``.
        tta: test-time augmentation: ``True`` averages over the mirror image and the config's ``tta_scales``, a sequence over
            the mirror image and these scales, ``False`` over nothing, ``None`` does what the config says.
        max_crops: most crops that pass the network at once; ``None`` leaves it to the config.

    Returns:
        nn.Module: the model in evaluation mode, with ``cfg``, ``pipeline`` (from an image with boxes to crops) and
        ``dataset_meta`` (classes, palette, flip_pairs).

    Raises:
        DataError: the checkpoint is missing, broken or would execute code.
        InputError: no such config or name, no weights for a name, the checkpoint belongs to another config (names the keys)
            or carries none.
    """
    named = config if isinstance(config, str | Path) and not Path(config).is_file() else None
    if named is not None:
        entry = find_model(str(named))
        config, checkpoint = entry.config, checkpoint or weights_of(entry)
    content = {} if checkpoint is None else load_checkpoint_file(checkpoint)
    if config is None:
        if checkpoint is None:
            raise InputError('config: neither a config nor a checkpoint that carries one is given')
        cfg = read_stored_config(content, checkpoint)
    else:
        cfg = config.copy() if isinstance(config, Config) else Config.fromfile(config)
    for part in ('model', 'test_dataloader'):
        if part not in cfg:
            raise InputError(f'{config or checkpoint}: parsing needs {part!r} in the config')
    _apply_options(cfg, tta=tta, max_crops=max_crops)
    model = _build(cfg)
    model.dataset_meta = dataset_meta(cfg, stored=(content.get('meta') or {}).get('dataset_meta'))
    if checkpoint is not None:
        load_weights(model, content.get('state_dict', content), checkpoint)
    try:
        return model.to(device).eval()
    except (RuntimeError, AssertionError) as error:  # no such device, or torch built without it
        raise InputError(f'device {device!r} cannot be used: {str(error).splitlines()[0]}') from None


def dataset_meta(cfg: Config, *, stored: Mapping | None = None) -> dict:
    """classes, palette and flip_pairs of the data set that a config tests on, unless a checkpoint ``stored`` others."""
    dataset = cfg.test_dataloader.dataset
    meta = {**getattr(DATASETS.get(dataset.type), 'METAINFO', {}), **(dataset.get('metainfo') or {}), **(stored or {})}
    for key in META_KEYS:
        if key not in meta:
            raise InputError(f'{cfg.filename or "config"}: its test data set names no {key}')
    return {key: meta[key] for key in META_KEYS}


def _build(cfg: Config) -> Any:
    """The untrained network of a config."""
    model_cfg = cfg.model.copy()
    model_cfg.backbone = {**model_cfg.backbone, 'init_cfg': None}
    with DefaultScope.overwrite_default_scope('mmqanet'):
        model = revert_sync_batchnorm(MODELS.build(model_cfg))
    model.cfg = cfg
    model.pipeline = inference_pipeline(cfg)
    return model


def inference_pipeline(cfg: Config) -> Compose:
    """The config's test pipeline without its ground truth."""
    steps = [step for step in cfg.test_dataloader.dataset.pipeline if step['type'] != 'LoadImageMaps']
    return Compose([TRANSFORMS.build(step) for step in steps])


def _apply_options(cfg: Config, *, tta: bool | Sequence[float] | None, max_crops: int | None) -> None:
    """Write what the caller wants otherwise into the config."""
    if max_crops is not None and max_crops < 1:
        raise InputError(f'max_crops is {max_crops}, but must be at least 1')
    match tta:
        case None:
            flip, scales = None, None
        case True:
            flip, scales = True, cfg.get('tta_scales', (1.0,))
        case False:
            flip, scales = False, (1.0,)
        case _:
            if not len(tta) or not all(0.1 <= scale <= 10 for scale in tta):
                raise InputError(f'tta {list(tta)}: scales must lie between 0.1 and 10')
            flip, scales = True, [float(scale) for scale in tta]
    set_test_options(cfg, flip=flip, scales=scales, max_batch=max_crops)
