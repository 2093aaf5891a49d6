"""From Python: build a model once, parse images with it."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from torch import nn

from mmqanet.datasets.transforms.loading import read_image
from mmqanet.engine.checkpoints import load_checkpoint_file, load_weights
from mmqanet.errors import InputError
from mmqanet.registry import DATASETS, MODELS, TRANSFORMS
from mmqanet.structures import ParsingDataSample

META_KEYS = ('classes', 'palette', 'flip_pairs')


def init_model(config: str | Path | Config, checkpoint: str | Path | None = None, *, device: str = 'cpu') -> nn.Module:
    """Build a model from a config, ready to parse.

    Args:
        config: a config file or a ``Config``.
        checkpoint: its weights, as ``tools/train.py`` writes them; ``None`` leaves the network untrained.
        device: e.g. ``'cpu'`` or ``'cuda:0'``.

    Returns:
        nn.Module: the model in evaluation mode, with ``cfg`` and ``dataset_meta`` (classes, palette, flip_pairs).

    Raises:
        DataError: the checkpoint is missing, broken or would execute code.
        InputError: the checkpoint belongs to another config; names the keys.
    """
    if not isinstance(config, Config) and not Path(config).is_file():
        raise InputError(f'{config}: no such config')
    cfg = config if isinstance(config, Config) else Config.fromfile(config)
    model_cfg = cfg.model.copy()
    model_cfg.backbone = {**model_cfg.backbone, 'init_cfg': None}
    with DefaultScope.overwrite_default_scope('mmqanet'):
        model = revert_sync_batchnorm(MODELS.build(model_cfg))
    model.cfg = cfg
    model.dataset_meta = dataset_meta(cfg)
    if checkpoint is not None:
        content = load_checkpoint_file(checkpoint)
        load_weights(model, content.get('state_dict', content), checkpoint)
        model.dataset_meta.update(content.get('meta', {}).get('dataset_meta') or {})
    return model.to(device).eval()


def dataset_meta(cfg: Config) -> dict:
    """classes, palette and flip_pairs of the data set that a config tests on."""
    dataset = cfg.test_dataloader.dataset
    meta = {**DATASETS.get(dataset.type).METAINFO, **(dataset.get('metainfo') or {})}
    return {key: meta[key] for key in META_KEYS}


def inference_topdown(
    model: Any,
    images: Sequence[str | Path | np.ndarray] | str | Path | np.ndarray,
    boxes: Any = None,
    *,
    box_scores: Any = None,
) -> list[ParsingDataSample]:
    """Parse the people in given boxes.

    Args:
        model: from :func:`init_model`.
        images: one image or several: paths, or (H, W, 3) uint8 BGR arrays.
        boxes: for each image (N, 4) xyxy in pixels, or ``None`` for the whole image as one box. With a single image, its
            boxes alone.
        box_scores: for each image (N,) in [0, 1]; 1 by default.

    Returns:
        list[ParsingDataSample]: one an image, with ``pred_instances``, ``pred_maps`` and ``pred_parts``.

    Raises:
        DataError: an image cannot be read. InputError: boxes or scores are out of range; names the image.
    """
    if isinstance(images, str | Path | np.ndarray):
        images, boxes = [images], None if boxes is None else [boxes]
        box_scores = None if box_scores is None else [box_scores]
    boxes = [None] * len(images) if boxes is None else list(boxes)
    box_scores = [None] * len(images) if box_scores is None else list(box_scores)
    if not len(images) == len(boxes) == len(box_scores):
        raise InputError(f'{len(images)} images need as many boxes and box_scores, not {len(boxes)}, {len(box_scores)}')
    pipeline = inference_pipeline(model.cfg)
    packed = [
        pipeline(_describe(model.dataset_meta, index, *given)) for index, given in enumerate(zip(images, boxes, box_scores))]
    with torch.no_grad():
        return model.test_step(pseudo_collate(packed))


def inference_pipeline(cfg: Config) -> Compose:
    """The config's test pipeline without its ground truth."""
    steps = [step for step in cfg.test_dataloader.dataset.pipeline if step['type'] != 'LoadImageMaps']
    return Compose([TRANSFORMS.build(step) for step in steps])


def _describe(meta: dict, index: int, image: str | Path | np.ndarray, boxes, scores) -> dict:
    """The dict that the pipeline starts from."""
    where = f'image {index}' if isinstance(image, np.ndarray) else str(image)
    pixels = image if isinstance(image, np.ndarray) else read_image(where)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise InputError(f'{where} must be (H, W, 3) uint8, not {pixels.shape} {pixels.dtype}')
    height, width = pixels.shape[:2]
    boxes = [[0, 0, width, height]] if boxes is None else boxes
    boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    scores = np.ones(len(boxes), dtype=np.float32) if scores is None else np.asarray(scores, dtype=np.float32)
    check_boxes(boxes, scores, size=(width, height), where=where)
    return dict(
        img_id=index, img=pixels, img_path='' if isinstance(image, np.ndarray) else where, bboxes=boxes, bbox_scores=scores,
        name=str(index) if isinstance(image, np.ndarray) else Path(image).stem, classes=meta['classes'],
        flip_pairs=meta['flip_pairs'])


def check_boxes(boxes: np.ndarray, scores: np.ndarray, *, size: tuple[int, int], where: str) -> None:
    """Raise ``InputError`` for boxes (N, 4) or scores (N,) that cannot be parsed in an image of (width, height)."""
    if len(scores) != len(boxes):
        raise InputError(f'{where}: {len(boxes)} boxes, but {len(scores)} box_scores')
    if not ((scores >= 0) & (scores <= 1)).all():
        raise InputError(f'{where}: box_scores must lie in [0, 1]')
    x1, y1, x2, y2 = boxes.T
    # Written so that NaN fails as well.
    touching = (x2 > x1) & (y2 > y1) & (x1 < size[0]) & (y1 < size[1]) & (x2 > 0) & (y2 > 0)
    touching &= np.isfinite(boxes).all(axis=1)
    if not touching.all():
        box = boxes[~touching][0].tolist()
        raise InputError(f'{where}: box {box} has no area, lies outside the {size[0]}x{size[1]} image or is not finite')
