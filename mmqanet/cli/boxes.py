"""The boxes of people from a JSON file."""
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from mmqanet.errors import DataError
from mmqanet.utils.files import read_json

PERSON = 'person'
MOST = float(np.finfo(np.float32).max)


def read_boxes(path: str) -> dict[str, np.ndarray]:
    """Boxes of people by file name, (N, 4) float32 xyxy, or (N, 5) with the score in [0, 1] where the file has scores.

    A name with folders is found by its last part too, where no other ends in the same.

    Args:
        path: a JSON file of ``{"name": [[x1, y1, x2, y2], ...]}``, or with five numbers a row of
            ``[x1, y1, x2, y2, score]``; or a COCO-style JSON with images and annotations (xywh). Of that people count:
            annotations of the category person, or of the only one, that are no crowds.

    Raises:
        DataError: another layout; names the entry.
    """
    try:
        return _by_name(read_json(path, expected=dict))
    except DataError as error:
        reason = str(error).removeprefix(f'{path}: ')
        raise DataError(f'{path}: not a readable file of boxes ({reason})') from None


def _by_name(content: Mapping) -> dict[str, np.ndarray]:
    rows = _coco_rows(content) if 'images' in content and 'annotations' in content else content
    boxes = {name: _array(given, f'those of {name!r}') for name, given in rows.items()}
    last = {name: PurePosixPath(name).name for name in boxes}
    endings = Counter(last.values())
    return {last[name]: found for name, found in boxes.items() if endings[last[name]] == 1} | boxes


def _array(rows: Any, where: str) -> np.ndarray:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise DataError(f'{where}: must be a list of [x1, y1, x2, y2] or [x1, y1, x2, y2, score]')
    lengths = {len(row) for row in rows} or {4}
    if len(lengths) > 1 or not lengths <= {4, 5}:
        raise DataError(f'{where}: rows must have 4 numbers each, or 5 each with the score')
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for row in rows for value in row):
        raise DataError(f'{where}: a row holds something else than numbers')
    if any(MOST < abs(value) < math.inf for row in rows for value in row):
        raise DataError(f'{where}: a number is too large')
    return np.array(rows, dtype=np.float32).reshape(-1, *lengths)


def _coco_rows(content: Mapping) -> dict[str, list]:
    """Rows by file name of a COCO-style JSON; with scores if all annotations have one."""
    names: dict[Any, str] = {}
    for entry in _entries(content, 'images'):
        key, name = entry.get('id'), entry.get('file_name')
        if not isinstance(key, int | str) or not isinstance(name, str):
            raise DataError(f'an image needs an id and a file_name, not {key!r} and {name!r}')
        if key in names:
            raise DataError(f'two images have the id {key!r}')
        names[key] = name
    if len(set(names.values())) < len(names):
        raise DataError(f'two images have the file_name {Counter(names.values()).most_common(1)[0][0]!r}')
    ids = _person_ids(content)
    people = [annotation for annotation in _entries(content, 'annotations')
              if _is_person(annotation, ids) and not annotation.get('iscrowd')]
    scored = any('score' in annotation for annotation in people)
    rows: dict[str, list] = {name: [] for name in names.values()}
    for annotation in people:
        where, box = f'annotation {annotation.get("id")!r}', annotation.get('bbox')
        image = annotation.get('image_id')
        if not isinstance(image, int | str) or image not in names:
            raise DataError(f'{where}: image_id {image!r} is of no image')
        if not isinstance(box, list) or len(box) != 4 or not all(isinstance(value, int | float) for value in box):
            raise DataError(f'{where}: bbox must be x, y, width, height, not {box!r}')
        if scored and 'score' not in annotation:
            raise DataError(f'{where}: has no score, as others have')
        x, y, width, height = box
        rows[names[image]].append([x, y, x + width, y + height, *([annotation['score']] if scored else [])])
    return rows


def _person_ids(content: Mapping) -> set | None:
    """The ids of the category person, or of the only one; ``None`` where there are no categories."""
    if not content.get('categories'):
        return None
    categories: dict[Any, str] = {}
    for category in _entries(content, 'categories'):
        key = category.get('id')
        if not isinstance(key, int | str):
            raise DataError(f'a category needs an id, not {str(key)[:80]}')
        categories[key] = str(category.get('name'))
    people = {key for key, name in categories.items() if name.lower() == PERSON}
    if not people and len(categories) > 1:
        raise DataError(f'none of its {len(categories)} categories is called {PERSON}')
    return people or set(categories)


def _is_person(annotation: Mapping, ids: set | None) -> bool:
    if ids is None or 'category_id' not in annotation:
        return True
    key = annotation['category_id']
    if not isinstance(key, int | str):
        raise DataError(f'annotation {str(annotation.get("id"))[:80]}: category_id {str(key)[:80]} is of no category')
    return key in ids


def _entries(content: Mapping, key: str) -> Iterable[Mapping]:
    entries = content[key]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(f'{key} must be a list of objects')
    return entries
