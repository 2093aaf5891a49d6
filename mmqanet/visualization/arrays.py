"""What is drawn of an image, out of a data sample.

    H, W size of the image, K parts (a class on a person).
"""
from dataclasses import replace

import numpy as np
from torch import Tensor

from mmqanet.errors import InputError
from mmqanet.functional.image_parsing import IGNORE, ImageParsing, number_parts
from mmqanet.structures import ParsingDataSample


def predicted(sample: ParsingDataSample) -> ImageParsing:
    """The prediction: ``pred_maps``, ``pred_instances.qualities`` and, if there, ``pred_parts``."""
    category, human = (_map(getattr(sample.pred_maps, key)) for key in ('category', 'human'))
    people = sample.pred_instances
    qualities = people.qualities.cpu().numpy()
    tracks = people.tracks.cpu().numpy() if 'tracks' in people else None
    surface = _surface(sample, human) if 'uv_maps' in people else None
    if 'pred_parts' not in sample:
        part, labels, owners = number_parts(category, human)
        return ImageParsing(category=category.astype(np.uint8), human=human, part=part, part_labels=labels,
                            part_people=owners, person_scores=qualities, person_tracks=tracks, surface=surface)
    parts = sample.pred_parts
    return ImageParsing(
        category=category.astype(np.uint8), human=human, part=_map(sample.pred_maps.part),
        part_labels=parts.labels.cpu().numpy(), part_people=parts.people.cpu().numpy(),
        part_scores=parts.scores.cpu().numpy(), person_scores=qualities, person_tracks=tracks,
        surface=surface)


def _surface(sample: ParsingDataSample, human: np.ndarray) -> np.ndarray:
    """(2, H, W) float32: U and V of whom each pixel of the person map (H, W) shows."""
    surface = np.zeros((2, *human.shape), dtype=np.float32)
    people = sample.pred_instances
    for number, (uv, (top, left)) in enumerate(zip(people.uv_maps, people.offsets.tolist()), 1):
        window = np.s_[top:top + uv.shape[1], left:left + uv.shape[2]]
        for whole, own in zip(surface, uv.cpu().numpy()):
            np.copyto(whole[window], own, where=human[window] == number)
    return surface


def annotated(sample: ParsingDataSample) -> ImageParsing:
    """The ground truth: ``gt_maps``; without a human map, everything labelled is one person."""
    if 'gt_maps' not in sample or 'category' not in sample.gt_maps:
        raise InputError('the sample has no annotation: gt_maps.category is missing')
    category = _map(sample.gt_maps.category).astype(np.uint8)
    labelled = (category > 0) & (category != IGNORE)
    human = _map(sample.gt_maps.human) if 'human' in sample.gt_maps else labelled.astype(np.int32)
    return ImageParsing.annotated(category, human)


def enlarged(parsing: ImageParsing, zoom: int) -> ImageParsing:
    """Every pixel as ``zoom`` × ``zoom`` pixels."""
    category, human, part = (labels.repeat(zoom, 0).repeat(zoom, 1)
                             for labels in (parsing.category, parsing.human, parsing.part))
    surface = None if parsing.surface is None else parsing.surface.repeat(zoom, 1).repeat(zoom, 2)
    return replace(parsing, category=category, human=human, part=part, surface=surface)


def _map(pixels: Tensor) -> np.ndarray:
    return pixels[0].cpu().numpy()
