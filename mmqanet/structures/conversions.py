"""A prediction in the forms of other people's tools."""
from typing import TYPE_CHECKING, Any

import numpy as np

from mmqanet.errors import InputError
from mmqanet.functional.rle import encode_rle
from mmqanet.structures.instances import MaskInstance, mask_instances

if TYPE_CHECKING:
    from supervision import Detections

    from mmqanet.structures.parsing_data_sample import ParsingDataSample


def to_coco(sample: 'ParsingDataSample', *, image_id: int = 1, of: str = 'parts') -> list[dict[str, Any]]:
    """COCO results, which are COCO annotations too: they have ``area``, ``iscrowd`` and an ``id`` from 1 on.

    Args:
        sample: with a prediction.
        image_id: of the image in the data set.
        of: ``'people'``, all of category 1, or ``'parts'``, whose category is their label.

    Returns:
        list: one dict a person or part with visible pixels. ``bbox`` is x, y, width, height of the mask. ``segmentation`` is
        COCO's compressed run-length encoding. ``score`` is the quality. ``person`` is the person's number from 1 on.

    Raises:
        InputError: ``of`` is another word, or there is no prediction.
    """
    shape = tuple(sample.pred_maps.human.shape[-2:]) if 'pred_maps' in sample else (0, 0)
    return [_annotation(instance, number, image_id=image_id, shape=shape)
            for number, instance in enumerate(mask_instances(sample, of=of), start=1)]


def _annotation(instance: MaskInstance, number: int, *, image_id: int, shape: tuple[int, ...]) -> dict[str, Any]:
    left, top, right, bottom = instance.extent
    return dict(
        id=number, image_id=image_id, category_id=instance.label, person=instance.person + 1, score=instance.quality,
        bbox=[left, top, right - left, bottom - top], area=int(instance.mask.sum()), iscrowd=0,
        segmentation=encode_rle(instance.mask, offset=(top, left), image_shape=(shape[0], shape[1])))


def to_supervision(sample: 'ParsingDataSample', *, of: str = 'parts') -> 'Detections':
    """The ``Detections`` of Roboflow's supervision, with masks.

    Args:
        sample: with a prediction, and ``classes`` in its metainfo.
        of: ``'people'`` or ``'parts'``.

    Returns:
        Detections: of M people or parts with visible pixels: ``xyxy`` (M, 4) float32, of people their boxes and of parts the
        extent of their masks; ``mask`` (M, H, W) bool; ``confidence`` (M,) float32, the qualities; ``class_id`` (M,) int64,
        labels, of people 0; ``data``: ``class_name`` (M,) and ``person`` (M,) int64, numbers from 1 on.

    Raises:
        InputError: supervision is not installed, ``of`` is another word, or there is no prediction.
    """
    try:
        from supervision import Detections
    except ImportError:
        raise InputError("to_supervision needs the package supervision (pip install 'mmqanet[supervision]')") from None
    instances = list(mask_instances(sample, of=of))
    height, width = sample.pred_maps.human.shape[-2:]
    masks = np.zeros((len(instances), height, width), dtype=bool)
    for mask, instance in zip(masks, instances):
        mask[instance.window] = instance.mask
    people = [instance.person for instance in instances]
    if of == 'people':
        boxes, labels, names = sample.pred_instances.bboxes[people].cpu().numpy(), [0] * len(people), ['person']
    else:
        boxes, labels = [instance.extent for instance in instances], [instance.label for instance in instances]
        names = sample.get('classes') or [str(label) for label in range(max(labels, default=0) + 1)]
    return Detections(
        xyxy=np.asarray(boxes, dtype=np.float32).reshape(-1, 4), mask=masks,
        confidence=np.array([instance.quality for instance in instances], dtype=np.float32),
        class_id=np.array(labels, dtype=np.int64),
        data=dict(class_name=np.array([names[label] for label in labels], dtype=str),
                  person=np.array(people, dtype=np.int64) + 1))
