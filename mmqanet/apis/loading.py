"""From a name, a config or checkpoints to a parser on its device."""
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope

from mmqanet.apis.ensembles import members_in, read_ensemble
from mmqanet.apis.sources import ModelSource, check_meta, dataset_meta
from mmqanet.datasets.class_sets import FULL
from mmqanet.datasets.transforms.contracts import GroundTruthTransform
from mmqanet.engine.changes import merge_classes_in, set_test_options
from mmqanet.engine.config import require_parser, scope_of
from mmqanet.engine.crop_options import use_test_crops
from mmqanet.errors import DataError, InputError
from mmqanet.models import BaseParser
from mmqanet.models.parsers.crops import PRECISIONS
from mmqanet.registry import TRANSFORMS


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
    ensemble: Sequence[Any] = (),
    one_at_a_time: bool | None = None,
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
        crop: how people are cut out: ``'align'`` (averaged over each pixel of the crop), ``'warp'`` (interpolated at its
            centre) or ``'auto'`` (``'align'`` for people who are much larger than the crop); the size of the crops, as
            ``'1024x768'``, height first; ``'refine'`` or ``'refine=3'``, a second look at people who are much larger, in
            tiles that show them two or three times as large; or several of these with commas. ``None``: as the config
            says, else the checkpoint, else ``'warp'``.
        classes: ``'full'``, or the name of a coarser label set that the model's classes are merged into
            (:mod:`mmqanet.datasets.class_sets`): ``'merged16'`` or ``'atr'`` with the shipped model. ``None``: as the
            checkpoint says, which is ``'merged16'`` of the shipped model, else ``'full'``.
        precision: of the features: ``'float32'``, ``'bfloat16'``, or ``'auto'``, bfloat16 on a processor that has
            instructions for it; ``None`` leaves it to the config, whose default is float32.
        ensemble: in place of ``config`` and ``checkpoint`` the members of an ensemble: checkpoints that carry their configs,
            or dicts with ``checkpoint``, ``config`` and ``weight``. Every member keeps its own crops and augmentation;
            ``tta``, ``crop``, ``max_crops`` and ``precision`` are for all.
        one_at_a_time: of an ensemble, keep the network of one member at a time on the device.

    Returns:
        BaseParser: the model in evaluation mode, with ``cfg``, ``pipeline`` (from an image, and boxes where they are given,
        to what the model reads) and ``dataset_meta`` (classes, palette, flip_pairs).

    Raises:
        DataError: the checkpoint is missing, broken or would execute code.
        InputError: no such config or name, no weights for a name, the config is of no parser, the checkpoint belongs to
            another config (names the keys) or carries none, no label set of its classes is called ``classes``, or the
            members of an ensemble have other classes.
    """
    def configure(part: ModelSource) -> None:
        require_parser(part.cfg, str(part.cfg.filename or part.checkpoint or 'config'))
        with part.building():
            use_test_crops(part.cfg, asked=crop, stored=part.meta.get('crop_sampler'))
            _apply_options(part.cfg, tta=tta, max_crops=max_crops, precision=_known_precision(precision, device))

    source = _find(config, checkpoint, ensemble, configure=configure, one_at_a_time=one_at_a_time)
    cfg = source.cfg
    where = str(cfg.filename or source.checkpoint or 'config')
    parser = require_parser(cfg, where)
    with source.building():
        stored = source.meta.get('dataset_meta')
        full_meta, number = dataset_meta(cfg, stored=stored), parser.classes_in(cfg.model)
        meta = merge_classes_in(cfg, full_meta, classes or source.meta.get('default_classes') or FULL)
        model = source.build()
        with source.blamed():
            _check_calibration(model)
        check_meta(full_meta, number, where=str(source.checkpoint if stored else where))
        model.pipeline = inference_pipeline(cfg)
        model.dataset_meta = meta
    return source.load(model, device)


def _find(config: str | Path | Config | None, checkpoint: str | Path | None, ensemble: Sequence[Any], *,
          configure: Callable[[ModelSource], None], one_at_a_time: bool | None) -> ModelSource:
    """The one model, or the ensemble that is given or that the config names, with the options applied."""
    if ensemble:
        if config is not None or checkpoint is not None:
            raise InputError('ensemble: names all of its members; a config or checkpoint besides is not used')
        return read_ensemble(ensemble, one_at_a_time=one_at_a_time, configure=configure)
    source = ModelSource.find(config, checkpoint, purpose='parsing')
    with source.blamed():
        members = members_in(source.cfg)
    if members and source.carries_config:
        raise DataError(f'{source.checkpoint}: its config names members by their files, and a checkpoint may not')
    if members:
        return read_ensemble(members, base=source.cfg, one_at_a_time=one_at_a_time, configure=configure)
    if one_at_a_time is not None:
        raise InputError('one_at_a_time: is an option of ensembles')
    configure(source)
    return source


def _check_calibration(model: BaseParser) -> None:
    """Raise ``InputError`` if a parser's qualities are calibrated for another number of classes."""
    calibration = getattr(model.postprocessor, 'calibration', None)
    if calibration and len(calibration.parts) != model.num_classes - 1:
        raise InputError(f'calibration: of {len(calibration.parts)} parts, and the network has {model.num_classes - 1}')


def inference_pipeline(cfg: Config) -> Compose:
    """The config's test pipeline without its ground truth."""
    with DefaultScope.overwrite_default_scope(scope_of(cfg)):
        steps = [TRANSFORMS.build(step) for step in cfg.test_dataloader.dataset.pipeline]
    return Compose([step for step in steps if not isinstance(step, GroundTruthTransform)])


def _known_precision(precision: str | None, device: str) -> str | None:
    """The precision that a caller asks for, ``'auto'`` decided."""
    if precision == 'auto':
        return 'bfloat16' if str(device) == 'cpu' and _cpu_has_bfloat16() else 'float32'
    if precision not in (None, *PRECISIONS):
        raise InputError(f'precision is {precision!r}, but must be auto or one of {", ".join(PRECISIONS)}')
    return precision


def _cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 numbers itself; where it does not, they are slower than float32."""
    asked = ('_is_avx512_bf16_supported', '_is_amx_tile_supported')  # not in every version of torch
    return any(bool(getattr(torch.cpu, name, bool)()) for name in asked)


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
