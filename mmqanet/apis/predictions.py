"""A parsing as plain data: what the JSON files hold and ``mmqanet/schemas/parsing.schema.json`` describes."""
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from scipy.ndimage import find_objects

from mmqanet.apis.inputs import Input
from mmqanet.apis.records import VERSION
from mmqanet.apis.second_stage import SecondLook
from mmqanet.apis.videos import Frame
from mmqanet.errors import MMQANetError, printable
from mmqanet.functional.rle import encode_rle
from mmqanet.structures import LabelSet, ParsingDataSample

DIGITS = 5  # of scores; boxes have two decimals


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A frame, the picture or video it is from, its parsing, and a second model's of parts of the people, if any."""

    item: Input
    frame: Frame
    sample: ParsingDataSample
    second: SecondLook | None = None


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A picture, video or frame of one that could not be parsed, and why."""

    item: Input
    error: MMQANetError


def describe(parsed: Parsed, label_set: LabelSet) -> dict[str, Any]:
    """Turn a parsing into numbers, strings, lists and dicts.

    Args:
        parsed: with a prediction.
        label_set: of the model.

    Returns:
        dict: the people with visible pixels in the order of ``pred_instances``, their ``id`` being the pixel value of
        ``pred_maps.human``, each with its visible parts in the order of their classes.
    """
    frame, sample = parsed.frame, parsed.sample
    described: dict[str, Any] = dict(
        version=VERSION, name=frame.name, source=printable(frame.source), height=frame.image.shape[0],
        width=frame.image.shape[1], classes=list(label_set.classes), people=_people(sample, label_set))
    if 'crop_sampler' in sample:
        described['crop_sampler'] = sample.crop_sampler
    if frame.index is not None:
        described.update(frame=frame.index, seconds=None if frame.seconds is None else round(frame.seconds, 4))
    if parsed.second is not None:
        look = parsed.second
        described['second_classes'] = list(look.label_set.classes)
        found = {look.owners[person.pop('id') - 1] + 1: person for person in _people(look.sample, look.label_set)}
        for person in described['people']:
            if person['id'] in found:
                person['second'] = found[person['id']]
    return described


def _people(sample: ParsingDataSample, label_set: LabelSet) -> list[dict[str, Any]]:
    """The people with visible pixels, and their parts."""
    parts = sample.pred_parts
    owners = parts.people.tolist()
    people = {person: dict(_person(sample, person), parts=[]) for person in sorted(set(owners))}
    part_map = sample.pred_maps.part[0].cpu().numpy()
    for index, window in enumerate(find_objects(part_map)):
        label, owner = int(parts.labels[index]), owners[index]
        mask = part_map[window] == index + 1
        people[owner]['parts'].append(dict(
            label=label, name=label_set.name(label), quality=_score(parts.scores[index]),
            **_expected(sample, 'expected_part_ious', (owner, label - 1)),
            pixel_score=_score(sample.pred_instances.part_pixel_scores[owner, label - 1]), area=int(mask.sum()),
            rle=encode_rle(mask, offset=(window[0].start, window[1].start), image_shape=part_map.shape)))
    return list(people.values())


def _person(sample: ParsingDataSample, index: int) -> dict[str, Any]:
    people = sample.pred_instances
    followed = dict(track=int(people.tracks[index])) if 'tracks' in people else {}
    return dict(
        id=index + 1, **followed, box=[round(float(value), 2) for value in people.bboxes[index]],
        quality=_score(people.qualities[index]), **_expected(sample, 'expected_ious', index),
        scores=dict(box=_score(people.bbox_scores[index]), iou=_score(people.iou_scores[index]),
                    pixel=_score(people.pixel_scores[index])))


def _expected(sample: ParsingDataSample, name: str, index: Any) -> dict[str, float]:
    """``expected_iou`` where the parser's qualities are calibrated."""
    people = sample.pred_instances
    return {'expected_iou': _score(people[name][index])} if name in people else {}


def _score(value: Any) -> float:
    return round(float(value), DIGITS)


def schema(of: str = 'parsing') -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a described parsing, or of the record of a ``'video'``."""
    return json.loads((files('mmqanet') / f'schemas/{of}.schema.json').read_text(encoding='utf-8'))
