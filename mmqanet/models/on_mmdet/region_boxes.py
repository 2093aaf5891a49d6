"""Which boxes of an image a region-based parser goes on with.

    N boxes of all views of an image, K boxes kept.
"""
from collections.abc import Mapping
from typing import Any

import torch
from mmdet.models.layers import multiclass_nms
from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData
from torch import Tensor


def best_of_batch(proposals: list[InstanceData], limit: int) -> list[InstanceData]:
    """The ``limit`` proposals of the highest scores among all images, ties included, image by image."""
    scores = torch.cat([found.scores for found in proposals])
    if len(scores) <= limit:
        return proposals
    least = scores.topk(limit).values[-1]
    return [found[found.scores >= least] for found in proposals]


def detected_people(boxes: Tensor, scores: Tensor, rules: Mapping[str, Any], *, last_pixel: int) -> tuple[Tensor, Tensor]:
    """The people among the boxes of all views of an image.

    Args:
        boxes: (N, 4) xyxy.
        scores: (N, 2) of people and of background.
        rules: ``score_thr``, ``nms`` (an NMS of mmcv, soft or hard) and ``max_per_img`` as in mmdet; and, where it is there,
            ``box_voting_thr``: each box kept becomes the mean, weighted by score, of the boxes that overlap it with at least
            this IoU.
        last_pixel: 1 where boxes name their last pixel, else 0.

    Returns:
        tuple: boxes (K, 4) and scores (K,), by descending score.
    """
    kept, _ = multiclass_nms(boxes, scores, rules['score_thr'], rules['nms'], rules['max_per_img'])
    people, threshold = kept[:, :4], rules.get('box_voting_thr')
    if threshold is not None:
        voters = scores[:, 0] > rules['score_thr']
        people = voted(people, boxes[voters], scores[voters, 0], threshold=threshold, last_pixel=last_pixel)
    return people, kept[:, 4]


def voted(people: Tensor, boxes: Tensor, scores: Tensor, *, threshold: float, last_pixel: int) -> Tensor:
    """Boxes (K, 4) after the vote of boxes (N, 4) with scores (N,); without a voter a box stays as it is."""
    end = boxes.new_tensor([0, 0, last_pixel, last_pixel])
    votes = (bbox_overlaps(people + end, boxes + end) >= threshold) * scores
    weights = votes.sum(1, keepdim=True)
    return torch.where(weights > 0, votes @ boxes / weights.clamp(min=torch.finfo(votes.dtype).tiny), people)
