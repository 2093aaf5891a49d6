"""From Python: parse images with a model that was built once. Every other way in ends here."""
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate

from mmqanet.apis.inputs import as_picture, is_single
from mmqanet.apis.videos import Frame
from mmqanet.errors import InputError
from mmqanet.models import BaseParser, BoxUse
from mmqanet.structures import ParsingDataSample
from mmqanet.utils.wording import count_of

MAX_SIDE = 2**15 - 2  # OpenCV resamples no larger pictures


def inference_topdown(
    model: BaseParser,
    images: Any,
    boxes: Any = None,
    *,
    box_scores: Any = None,
) -> list[ParsingDataSample]:
    """Parse the people in given boxes, or those that the parser finds.

    Args:
        model: from :func:`mmqanet.apis.init_model`.
        images: one image or an iterable of some: paths, bytes of files, open files, images of Pillow, or (H, W, 3) uint8 BGR
            or (H, W) grey arrays.
        boxes: for each image (N, 4) xyxy in pixels, or (N, 5) with the score, or ``None``: a parser that needs boxes then
            takes the whole image as one, others find the people. With a single image, its boxes alone.
        box_scores: for each image (N,) in [0, 1]; 1 by default.

    Returns:
        list[ParsingDataSample]: one an image, with ``pred_instances``, ``pred_maps`` and ``pred_parts``.

    Raises:
        DataError: an image cannot be read. InputError: boxes or scores are out of range, or given to a parser that takes
            none; names the image.
    """
    if is_single(images):
        images, boxes = [images], None if boxes is None else [boxes]
        box_scores = None if box_scores is None else [box_scores]
    images = list(images)
    boxes = [None] * len(images) if boxes is None else list(boxes)
    box_scores = [None] * len(images) if box_scores is None else list(box_scores)
    if not len(images) == len(boxes) == len(box_scores):
        raise InputError(f'boxes and box_scores must be as many as the images ({len(images)}), not {len(boxes)} and '
                         f'{len(box_scores)}')
    return predict(model, [prepare(model, frame, boxes=given, scores=scores)
                           for frame, given, scores in zip(read_frames(images), boxes, box_scores)])


def inference_parser(
    model: BaseParser,
    images: Any,
    detector: Any,
) -> list[ParsingDataSample]:
    """Find the people with a detector and parse them: :func:`inference_topdown` on the boxes that it finds.

    A parser that finds people itself needs no detector: :func:`inference_topdown` without boxes.

    Args:
        model, images: as there.
        detector: from :func:`mmqanet.apis.init_detector`, or anything whose ``detect`` turns a list of (H, W, 3) uint8 BGR
            arrays into a list of (boxes (N, 4) xyxy, scores (N,) in [0, 1]).
    """
    frames = read_frames([images] if is_single(images) else images)
    found = detector.detect([frame.image for frame in frames])
    return predict(model, [prepare(model, frame, boxes=boxes, scores=scores, found=True)
                           for frame, (boxes, scores) in zip(frames, found)])


def read_frames(images: Iterable) -> list[Frame]:
    """The frames of images as users give them: paths, arrays, Pillow images or open files."""
    return [frame for index, image in enumerate(images) for frame in as_picture(image, index=index).frames()]


def prepare(model: BaseParser, frame: Frame, *, boxes: Any = None, scores: Any = None, found: bool = False,
            keep_probs: bool = False) -> dict:
    """Run an image through the parser's pipeline: ``inputs`` and ``data_samples``, one ``ParsingDataSample``.

    Args:
        model: from ``init_model``.
        frame: the image.
        boxes: (N, 4) xyxy in pixels, or (N, 5) with the score, or ``None``: the whole image is one box for a parser that
            needs boxes.
        scores: (N,) in [0, 1], 1 by default.
        found: the boxes are of a detector, whose threshold says who counts: all of them enter the category map, and not
            only those of the post-processor's ``bbox_score_thr``.
        keep_probs: the prediction is to have the people's probabilities (:attr:`BaseParser.keeps_probs`).

    Raises:
        InputError: boxes or scores are out of range or given to a parser that takes none, or the image is too large; names
            the image.
    """
    height, width = frame.image.shape[:2]
    if max(height, width) > MAX_SIDE:
        raise InputError(f'{frame.source}: {width}x{height} pixels; sides of more than {MAX_SIDE} are not supported')
    if boxes is None and model.box_use is BoxUse.REQUIRED:
        boxes = whole_image(frame)
    meta = model.dataset_meta
    results = dict(img_id=frame.index or 0, img=frame.image, img_path=frame.source, name=frame.name,
                   classes=meta['classes'], flip_pairs=meta['flip_pairs'])
    if boxes is not None:
        refuse_boxes(model, where=frame.source)
        results['bboxes'], results['bbox_scores'] = _box_arrays(boxes, scores, frame)
    elif scores is not None:
        raise InputError(f'{frame.source}: box_scores without boxes')
    packed = model.pipeline(results)
    if found:
        packed['data_samples'].set_metainfo(dict(bbox_score_thr=0.0))
    if keep_probs:
        packed['data_samples'].set_metainfo(dict(keep_probs=True))
    return packed


def whole_image(frame: Frame) -> list[list[float]]:
    """The image as the box of one person."""
    return [[0, 0, frame.image.shape[1], frame.image.shape[0]]]


def refuse_boxes(model: BaseParser, *, where: str) -> None:
    """Raise ``InputError`` if a parser takes no boxes."""
    if model.box_use is BoxUse.REFUSED:
        raise InputError(f'{where}: a {type(model).__name__} finds the people itself and takes no boxes')


def _box_arrays(boxes: Any, scores: Any, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """What a caller gave as boxes (N, 4) and scores (N,), float32, checked."""
    try:
        boxes = np.asarray(boxes, dtype=np.float32)
        if boxes.shape[-1:] == (5,):
            if scores is not None:
                raise InputError(f'{frame.source}: the boxes have scores of their own, and box_scores are given too')
            boxes, scores = boxes[..., :4], boxes[..., 4]
        boxes = boxes.reshape(-1, 4)
        scores = np.ones(len(boxes), np.float32) if scores is None else np.asarray(scores, np.float32).reshape(-1)
    except InputError:
        raise
    except (ValueError, TypeError, OverflowError):
        raise InputError(f'{frame.source}: boxes must be (N, 4) numbers x1, y1, x2, y2 or (N, 5) with the score, '
                         'scores (N,)') from None
    check_boxes(boxes, scores, size=(frame.image.shape[1], frame.image.shape[0]), where=frame.source)
    return boxes, scores


@torch.no_grad()
def predict(model: BaseParser, packed: Sequence[dict]) -> list[ParsingDataSample]:
    """Parse what :func:`prepare` made; the people of all images share the network's batches."""
    return model.test_step(pseudo_collate(packed)) if packed else []


def require_calibration(model: BaseParser, *, where: str) -> None:
    """Raise ``InputError`` unless a parser's qualities are calibrated; ``where`` is the option that needs it."""
    if not getattr(model.postprocessor, 'calibration', None):
        raise InputError(f"{where}: the parser's qualities are not calibrated; "
                         'tools/analysis_tools/calibrate_quality.py does it')


def filter_by_quality(model: BaseParser, sample: ParsingDataSample, *, score_thr: float = 0.0,
                      part_score_thr: float = 0.0, expected_iou_thr: float = 0.0) -> ParsingDataSample:
    """Take people and parts whose *quality*, or parts whose expected IoU is below a threshold out of a prediction, in place.

    The maps are merged anew: what a dropped person hid shows again, a dropped part becomes background.
    """
    people = sample.pred_instances
    people = people[people.qualities >= score_thr]
    sure = people.part_qualities >= part_score_thr
    if expected_iou_thr:
        sure &= people.expected_part_ious >= expected_iou_thr
    sure = torch.nn.functional.pad(sure, (1, 0), value=True)
    people.label_maps = [torch.where(row[label_map.long()], label_map, 0)
                         for row, label_map in zip(sure, people.label_maps)]
    sample.pred_instances = people
    return model.postprocessor.rescore(sample)


def check_boxes(boxes: np.ndarray, scores: np.ndarray, *, size: tuple[int, int], where: str) -> None:
    """Raise ``InputError`` for boxes (N, 4) or scores (N,) that cannot be parsed in an image of (width, height)."""
    if len(scores) != len(boxes):
        raise InputError(f'{where}: {count_of(len(boxes), "box", "boxes")}, but {count_of(len(scores), "box_score")}')
    if not ((scores >= 0) & (scores <= 1)).all():
        raise InputError(f'{where}: box_scores must lie in [0, 1]')
    x1, y1, x2, y2 = boxes.T
    # Written so that NaN fails as well.
    touching = (x2 > x1) & (y2 > y1) & (x1 < size[0]) & (y1 < size[1]) & (x2 > 0) & (y2 > 0)
    touching &= np.isfinite(boxes).all(axis=1)
    if not touching.all():
        box = boxes[~touching][0].tolist()
        raise InputError(f'{where}: box {box} has no area, lies outside the {size[0]}x{size[1]} image or is not finite')
