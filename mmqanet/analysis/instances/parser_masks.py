"""A parser's people and parts as instances with masks: what the mask pixel score says of them.

    N people of an image, C classes, h, w size of a crop, H, W size of the image.
"""
import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmqanet.errors import InputError
from mmqanet.functional.mask_quality import join_statistics, mask_statistics
from mmqanet.functional.pasting import paste_mask
from mmqanet.models.parsers.base import BaseParser
from mmqanet.models.parsers.topdown import TopdownParser

HALF = 0.5  # a pixel is the instance's from this probability on


@torch.no_grad()
def people_and_parts(model: BaseParser, packed: dict, *, thresholds: tuple[float, ...]) -> InstanceData:
    """The people in given boxes and their parts, as a general instance segmenter would give them.

    A person's map is 1 - the probability of background, a part's that of its class; a mask is where it is ≥ 0.5, and a part
    without such a pixel is no instance. Part and person have the score of the person's box and the IoU score of the crop.

    Args:
        model: from ``init_model``.
        packed: an image as its test pipeline packs it, with the crops of N people.
        thresholds: T thresholds whose areas and sums are kept, as a quality-aware head with ``keep`` keeps them.

    Returns:
        InstanceData: ``labels`` (0 a person, c class c), ``scores``, ``box_scores``, ``mask_ious``, ``bboxes`` (those of the
        masks), ``masks`` (K, H, W), ``mask_counts`` and ``mask_sums`` (K, T).

    Raises:
        InputError: the parser is no top-down one, or averages over several scales.
    """
    if not isinstance(model, TopdownParser):
        raise InputError(f'{type(model).__name__}: a top-down parser is needed')
    sample = packed['data_samples']
    scores = sample.gt_instances.bbox_scores
    if len(sample.crops) != len(scores):
        raise InputError('the test pipeline makes several crops of a person; one scale is needed')
    shape = tuple(sample.ori_shape[:2])
    inputs = model.data_preprocessor.cast_data([packed['inputs']])
    found = []
    for index, (probs, iou) in enumerate(model.forward_crops(inputs, flip_pairs=sample.flip_pairs)):
        window = sample.crops[index].window
        for label, prob in enumerate(torch.cat([1 - probs[:1], probs[1:]])):
            if prob.max() >= HALF:
                found.append((label, float(scores[index]), float(iou), *paste_mask([prob], [window], image_shape=shape)))
    return _gather([one for one in found if (one[3] >= HALF).any()], shape, thresholds)


def _gather(found: list[tuple[int, float, float, Tensor, tuple[int, int]]], shape: tuple[int, int],
            thresholds: tuple[float, ...]) -> InstanceData:
    masks = torch.zeros(len(found), *shape, dtype=torch.bool)
    boxes, statistics = torch.zeros(len(found), 4), [mask_statistics(torch.zeros(0, *shape), thresholds, sums=True)]
    for index, (_, _, _, prob, (top, left)) in enumerate(found):
        inside = prob >= HALF
        masks[index, top:top + prob.shape[0], left:left + prob.shape[1]] = inside
        rows, columns = inside.any(1).nonzero().flatten(), inside.any(0).nonzero().flatten()
        boxes[index] = torch.tensor([left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1])
        statistics.append(mask_statistics(prob[None], thresholds, sums=True))
    joined = join_statistics(statistics)
    labels, scores, ious = (torch.tensor([one[part] for one in found], dtype=dtype) for part, dtype in enumerate(
        (torch.int64, torch.float32, torch.float32)))
    return InstanceData(labels=labels, scores=scores, box_scores=scores, mask_ious=ious, bboxes=boxes, masks=masks,
                        mask_counts=joined.counts, mask_sums=joined.sums)
