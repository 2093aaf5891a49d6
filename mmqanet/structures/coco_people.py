"""Reading people out of COCO-style JSON. What is wrong with a value is one line that names the file, record and field."""
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mmqanet.errors import DataError
from mmqanet.utils.files import check_inside, read_json

PERSON_CATEGORY = 1
LARGEST = 2**62  # beyond all ids and sizes
MOST_PIXELS = 2**28  # more than pictures may have: maps of that size are made


@dataclass(frozen=True)
class Field:
    """What a field may hold, in words for errors, and how it is read: a ``ValueError`` refuses a value."""

    kind: str
    read: Callable[[Any], Any]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        raise ValueError
    return value


def _whole(value: Any) -> int:
    """Also where a program that knows only floats wrote it (``5.0``)."""
    if _number(value) != int(value):
        raise ValueError
    return int(value)


def _at_least(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        whole = _whole(value)
        if whole < least:
            raise ValueError
        return whole
    return read


def _share(value: Any) -> float:
    if not 0 <= _number(value) <= 1:
        raise ValueError
    return value


def _flag(value: Any) -> int:
    if value not in (0, 1):
        raise ValueError
    return int(value)


def _box(value: Any) -> list[float]:
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError
    return [_number(side) for side in value]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


ID = Field('an integer of 0 or more', _at_least(0))
SIZE = Field('an integer of 1 or more', _at_least(1))
IMAGE_FIELDS = dict(id=ID, file_name=Field('a string', _text), height=SIZE, width=SIZE)
PERSON_FIELDS = dict(
    id=ID, image_id=ID, category_id=ID, parsing_id=ID, bbox=Field('four finite numbers', _box),
    area=Field('a finite number', _number), score=Field('a number in [0, 1]', _share), iscrowd=Field('0 or 1', _flag))


def load_coco(path: str) -> dict:
    """A COCO-style annotation file: a dict with lists of ``images`` and ``annotations``, whose known fields, as far as they
    are there, hold values of their kind. Fields that are not known stay as they are."""
    content = read_json(path, expected=dict)
    for part, fields in (('image', IMAGE_FIELDS), ('annotation', PERSON_FIELDS)):
        if f'{part}s' not in content:
            raise DataError(f"{path}: field '{part}s' is missing")
        content[f'{part}s'] = _read_records(content[f'{part}s'], fields, path, part)
    return content


def load_detections(path: str) -> list[dict]:
    """A COCO-style detection file: a list, whose known fields, as far as they are there, hold values of their kind."""
    return _read_records(read_json(path, expected=list), PERSON_FIELDS, path, 'detection')


def _read_records(records: Any, fields: Mapping[str, Field], path: str, part: str) -> list[dict]:
    if not isinstance(records, list):
        raise DataError(f'{path}: a list of {part}s is expected, not {_shown(records)}')
    return [_read_record(record, fields, path, part, position) for position, record in enumerate(records)]


def _read_record(record: Any, fields: Mapping[str, Field], path: str, part: str, position: int) -> dict:
    if not isinstance(record, dict):
        raise DataError(f'{path}: {part}s[{position}] is {_shown(record)}, not an object')
    read = dict(record)
    for name, field in fields.items():
        if name in record:
            try:
                read[name] = field.read(record[name])
            except ValueError:
                number = read.get('id')
                where = f'{part} {number}' if isinstance(number, int) and name != 'id' else f'{part}s[{position}]'
                raise DataError(f'{path}: {where}: {name} {_shown(record[name])} is not {field.kind}') from None
    return read


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value)
    except RecursionError:
        return 'nested too deeply'
    return text if len(text) <= 60 else f'{text[:57]}...'


def image_index(images: list[dict], path: str) -> dict[int, dict]:
    """Image records of :func:`load_coco` by id; file names must stay below their folder and ids must be unique."""
    index: dict[int, dict] = {}
    for position, image in enumerate(images):
        missing = [field for field in IMAGE_FIELDS if field not in image]
        if missing:
            raise DataError(f'{path}: image {image.get("id", position)}: field {missing[0]!r} is missing')
        try:
            check_inside(image['file_name'])
        except DataError as error:
            raise DataError(f'{path}: image {image["id"]}: {error}') from None
        if image['height'] * image['width'] > MOST_PIXELS:
            raise DataError(f'{path}: image {image["id"]}: {image["width"]}x{image["height"]} (width x height) is more than '
                            f'{MOST_PIXELS:,} pixels')
        if image['id'] in index:
            raise DataError(f'{path}: image id {image["id"]} stands twice')
        index[image['id']] = image
    return index


def person_boxes(
    annotations: list[dict],
    images: dict[int, dict],
    path: str,
    *,
    detections: bool = False,
) -> dict[int, list[dict]]:
    """People by image id, in the order of the file: id, image_id, bbox (xywh), area, iscrowd, score, parsing_id.

    Annotations, of :func:`load_coco`, need a ``parsing_id`` and get score 1. ``detections``, of :func:`load_detections`,
    need a ``score`` and belong to nobody (parsing_id 0); those of other categories than person are left out.
    """
    people: dict[int, list[dict]] = {}
    needed = ('image_id', 'bbox', 'score') if detections else ('id', 'image_id', 'bbox', 'parsing_id')
    for position, annotation in enumerate(annotations):
        name = annotation.get('id', position)
        missing = [field for field in needed if field not in annotation]
        if missing:
            raise DataError(f'{path}: annotation {name}: field {missing[0]!r} is missing')
        if annotation['image_id'] not in images:
            raise DataError(f'{path}: annotation {name}: image_id {annotation["image_id"]} is not among the images')
        if detections and annotation.get('category_id', PERSON_CATEGORY) != PERSON_CATEGORY:
            continue
        bbox = annotation['bbox']
        people.setdefault(annotation['image_id'], []).append(
            dict(
                id=name, image_id=annotation['image_id'], bbox=bbox, iscrowd=annotation.get('iscrowd', 0),
                area=annotation.get('area', bbox[2] * bbox[3]), score=annotation.get('score', 1.0),
                parsing_id=annotation.get('parsing_id', 0)))
    return people


def valid_box(person: dict, image: dict) -> str | None:
    """``None`` for a box with an area that touches the image, else what is wrong with it."""
    x, y, width, height = person['bbox']
    if not (width > 0 and height > 0) or person['area'] <= 0:
        return f'bbox {person["bbox"]} with area {person["area"]} is empty'
    if x >= image['width'] or y >= image['height'] or x + width <= 0 or y + height <= 0:
        return f'bbox {person["bbox"]} lies outside the image of {image["width"]}x{image["height"]}'
    return None
