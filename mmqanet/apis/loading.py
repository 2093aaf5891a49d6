"""From a name, a config or a checkpoint to a model on its device: parsers, and what detectors share with them."""
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope

from mmqanet.checkpoints.loading import load_checkpoint_file, load_weights
from mmqanet.checkpoints.model_index import find_model, weights_of
from mmqanet.checkpoints.stored_config import building, read_stored_config
from mmqanet.checkpoints.stored_meta import read_stored_meta
from mmqanet.datasets.class_sets import FULL
from mmqanet.datasets.transforms.contracts import GroundTruthTransform
from mmqanet.engine.changes import merge_classes_in, set_test_options, use_test_crops
from mmqanet.engine.config import find_class, read_config, require_parser, scope_of
from mmqanet.errors import InputError
from mmqanet.models import BaseParser
from mmqanet.models.parsers.crops import PRECISIONS
from mmqanet.registry import DATASETS, MODELS, TRANSFORMS
from mmqanet.utils.processors import cpu_has_bfloat16

META_KEYS = ('classes', 'palette', 'flip_pairs')


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        cfg: its config, a copy.
        checkpoint: the file of its weights, if there is one.
        content: what that file holds.
        meta: what that file says of itself.
        carries_config: whether ``cfg`` comes out of that file.
    """

    cfg: Config
    checkpoint: str | Path | None
    content: dict
    meta: Mapping
    carries_config: bool

    @classmethod
    def find(cls, config: str | Path | Config | None, checkpoint: str | Path | None, *, purpose: str) -> 'ModelSource':
        """Read what a caller names.

        Args:
            config: a config file, a ``Config``, the name of a model of ``model-index.yml`` (its weights come along, unless
                others are given), or ``None`` for the config that ``checkpoint`` carries.
            checkpoint: weights, or ``None``.
            purpose: names in errors what needs the config.

        Raises:
            DataError: the checkpoint is missing, broken or would execute code.
            InputError: there is no such config or name, no weights for a name, the checkpoint carries no config, or the
                config has no model or no test data.
        """
        if isinstance(config, str | Path) and not os.path.isfile(config):
            entry = find_model(str(config))
            config, checkpoint = entry.config, checkpoint or weights_of(entry)
        if config is None and checkpoint is None:
            raise InputError('config: neither a config nor a checkpoint that carries one is given')
        content = {} if checkpoint is None else load_checkpoint_file(checkpoint)
        meta = read_stored_meta(content, checkpoint or '')
        if config is None:
            cfg = read_stored_config(content, checkpoint)
        else:
            cfg = config.copy() if isinstance(config, Config) else read_config(config)
        for part in ('model', 'test_dataloader'):
            if not cfg.get(part):
                raise InputError(f'{cfg.filename or checkpoint or "config"}: {purpose} needs {part!r} in the config')
        return cls(cfg=cfg, checkpoint=checkpoint, content=content, meta=meta, carries_config=config is None)

    def building(self) -> AbstractContextManager:
        """While something is built by the config: what constructors raise is the fault of a file that carries it."""
        return building(self.checkpoint) if self.carries_config else nullcontext()

    def build(self) -> Any:
        """The untrained network, with its ``cfg``, in the scope of the config."""
        with DefaultScope.overwrite_default_scope(scope_of(self.cfg)):
            model = revert_sync_batchnorm(MODELS.build(self.cfg.model.copy()))
        model.cfg = self.cfg
        return model

    def load(self, model: Any, device: str) -> Any:
        """Put the weights into a model, if there are any; in evaluation mode on a device.

        Raises:
            InputError: the weights belong to another config (names the keys), or there is no such device.
        """
        if self.checkpoint is not None:
            load_weights(model, self.content.get('state_dict', self.content), self.checkpoint)
        return model.to(usable_device(device)).eval()


def usable_device(device: str) -> torch.device:
    """A device of this machine by its name; raises ``InputError`` where it cannot compute."""
    try:
        torch.zeros(1, device=device).cpu()
        return torch.device(device)
    except Exception as error:  # there is none, torch was built without it, or a package is missing
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f'device {device!r} cannot be used: {reason}') from None


def init_model(
    config: str | Path | Config | None,
    checkpoint: str | Path | None = None,
    device: str = 'cpu',
    *,
    tta: bool | Sequence[float] | None = None,
    max_crops: int | None = None,
    crop: str | None = None,
    classes: str | None = None,
    precision: str | None = None,
) -> BaseParser:
    """Build a parser, ready to parse.

    Args:
        config: a config file, a ``Config``, the name of a model of ``model-index.yml`` (its weights come along, unless
            others are given), or ``None`` for the config that ``checkpoint`` carries.
        checkpoint: weights, as ``tools/train.py`` writes them; ``None`` leaves a network given by its config untrained.
        device: e.g. ``'cpu'`` or ``'cuda:0'``.
        tta: test-time augmentation: ``True`` averages over the mirror image and the config's ``tta_scales``, a sequence over
            the mirror image and these scales, ``False`` over nothing, ``None`` does what the config says.
        max_crops: most crops that pass the network at once; ``None`` leaves it to the config.
        crop: how people are cut out, ``'align'`` (averaged over each pixel of the crop) or ``'warp'`` (interpolated at its
            centre); ``None``: as the config says, else the checkpoint, else ``'warp'``.
        classes: ``'full'``, or the name of a coarser label set that the model's classes are merged into
            (:mod:`mmqanet.datasets.class_sets`): ``'merged16'`` or ``'atr'`` with the shipped model. ``None``: as the
            checkpoint says, which is ``'merged16'`` of the shipped model, else ``'full'``.
        precision: of the features: ``'float32'``, ``'bfloat16'``, or ``'auto'``, bfloat16 on a processor that has
            instructions for it; ``None`` leaves it to the config, whose default is float32.

    Returns:
        BaseParser: the model in evaluation mode, with ``cfg``, ``pipeline`` (from an image, and boxes where they are given,
        to what the model reads) and ``dataset_meta`` (classes, palette, flip_pairs).

    Raises:
        DataError: the checkpoint is missing, broken or would execute code.
        InputError: no such config or name, no weights for a name, the config is of no parser, the checkpoint belongs to
            another config (names the keys) or carries none, or no label set of its classes is called ``classes``.
    """
    source = ModelSource.find(config, checkpoint, purpose='parsing')
    cfg = source.cfg
    where = str(cfg.filename or checkpoint or 'config')
    parser = require_parser(cfg, where)
    with source.building():
        use_test_crops(cfg, asked=crop, stored=source.meta.get('crop_sampler'))
        _apply_options(cfg, tta=tta, max_crops=max_crops, precision=_known_precision(precision, device))
        stored = source.meta.get('dataset_meta')
        full_meta, number = dataset_meta(cfg, stored=stored), parser.classes_in(cfg.model)
        meta = merge_classes_in(cfg, full_meta, classes or source.meta.get('default_classes') or FULL)
        model = source.build()
        check_meta(full_meta, number, where=str(checkpoint if stored else where))
        model.pipeline = inference_pipeline(cfg)
        model.dataset_meta = meta
    return source.load(model, device)


def dataset_meta(cfg: Config, *, stored: Mapping | None = None) -> dict:
    """classes, palette and flip_pairs of the data set that a config tests on, unless a checkpoint ``stored`` others."""
    dataset = cfg.test_dataloader.dataset
    declared = getattr(find_class(DATASETS, dataset.type, scope=scope_of(cfg)), 'METAINFO', {})
    meta = {**declared, **(dataset.get('metainfo') or {}), **(stored or {})}
    for key in META_KEYS:
        if key not in meta:
            raise InputError(f'{cfg.filename or "config"}: its test data set names no {key}')
    return {key: meta[key] for key in META_KEYS}


def check_meta(meta: Mapping, number: int, *, where: str) -> None:
    """Raise ``InputError`` unless classes, colours and pairs of left and right are those of a network of so many classes."""
    for key in ('classes', 'palette'):
        if len(meta[key]) != number:
            raise InputError(f'{where}: {key} names {len(meta[key])} of the {number} classes of the network')
    if any(not 0 < label < number for pair in meta['flip_pairs'] for label in pair):
        raise InputError(f'{where}: flip_pairs leave the {number} classes of the network')


def inference_pipeline(cfg: Config) -> Compose:
    """The config's test pipeline without its ground truth."""
    with DefaultScope.overwrite_default_scope(scope_of(cfg)):
        steps = [TRANSFORMS.build(step) for step in cfg.test_dataloader.dataset.pipeline]
    return Compose([step for step in steps if not isinstance(step, GroundTruthTransform)])


def _known_precision(precision: str | None, device: str) -> str | None:
    """The precision that a caller asks for, ``'auto'`` decided."""
    if precision == 'auto':
        return 'bfloat16' if str(device) == 'cpu' and cpu_has_bfloat16() else 'float32'
    if precision not in (None, *PRECISIONS):
        raise InputError(f'precision is {precision!r}, but must be auto or one of {", ".join(PRECISIONS)}')
    return precision


def _apply_options(cfg: Config, *, tta: bool | Sequence[float] | None, max_crops: int | None,
                   precision: str | None) -> None:
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
    set_test_options(cfg, flip=flip, scales=scales, max_batch=max_crops, precision=precision)
