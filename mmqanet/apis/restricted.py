"""Parsing a person of whom it is known which classes can be seen, from tags or from the annotation of another data set."""
from collections.abc import Sequence

import numpy as np
import torch

from mmqanet.apis.inference import prepare, read_frames
from mmqanet.functional.class_merging import restrict_classes
from mmqanet.models import TopdownParser
from mmqanet.structures import ParsingDataSample


@torch.no_grad()
def parse_restricted(model: TopdownParser, image: np.ndarray, box: Sequence[float] | np.ndarray,
                     possible: Sequence[bool]) -> ParsingDataSample:
    """Parse the one person of an image; its pixels get possible classes only.

    Args:
        model: from :func:`mmqanet.apis.init_model`.
        image: (H, W, 3) uint8 BGR.
        box: x1, y1, x2, y2 of the person in pixels.
        possible: for each class whether it can be seen; background always can.

    Returns:
        ParsingDataSample: with ``pred_instances``, ``pred_maps`` and ``pred_parts``; qualities are of what was decided so.
    """
    frame, = read_frames([image])
    packed = prepare(model, frame, boxes=np.asarray(box, np.float32)[None])
    sample = packed['data_samples']
    boxes = sample.gt_instances
    probs, ious = zip(*model.forward_crops([packed['inputs']], flip_pairs=sample.flip_pairs))
    person = model.postprocessor.paste([restrict_classes(scale, possible) for scale in probs],
                                       [crop.window for crop in sample.crops], image_shape=sample.ori_shape[:2])
    model.postprocessor.pack(sample, [person], bboxes=boxes.bboxes, bbox_scores=boxes.bbox_scores,
                             iou_scores=[torch.stack(ious).mean()], num_classes=model.num_classes)
    return sample
