"""Reading people out of COCO-style JSON, with every complaint naming the file and the annotation."""
import json
import math

from mmqanet.errors import DataError
from mmqanet.utils.files import check_inside, read_bytes

PERSON_CATEGORY = 1


def load_coco(path: str) -> dict:
    """A COCO-style annotation file: a dict with ``images`` and ``annotations``."""
    content = _load_json(path)
    for field in ('images', 'annotations'):
        if not isinstance(content, dict) or field not in content:
            raise DataError(f'{path}: field {field!r} is missing')
    return content


def load_detections(path: str) -> list[dict]:
    """A COCO-style detection file: a list."""
    content = _load_json(path)
    if not isinstance(content, list):
        raise DataError(f'{path}: a list of detections is expected')
    return content


def _load_json(path: str):
    try:
        return json.loads(read_bytes(path))
    except ValueError as error:
        raise DataError(f'{path}: not readable as JSON ({error})') from None


def image_index(images: list[dict], path: str) -> dict[int, dict]:
    """Image records by id; file names must stay below their folder and ids must be unique."""
    index: dict[int, dict] = {}
    for image in images:
        missing = [field for field in ('id', 'file_name', 'height', 'width') if field not in image]
        if missing:
            raise DataError(f'{path}: image {image.get("id", image)}: field {missing[0]!r} is missing')
        try:
            check_inside(image['file_name'])
        except DataError as error:
            raise DataError(f'{path}: image {image["id"]}: {error}') from None
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

    Annotations need a ``parsing_id`` and get score 1; ``detections`` need a ``score``, belong to nobody (parsing_id 0)
    and those of other categories than person are left out.
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
        if not (isinstance(bbox, list) and len(bbox) == 4 and all(
                isinstance(value, int | float) and math.isfinite(value) for value in bbox)):
            raise DataError(f'{path}: annotation {name}: bbox {bbox} is not four finite numbers')
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
