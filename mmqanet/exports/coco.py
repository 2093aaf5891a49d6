"""The parsing of many pictures as COCO data sets, one of people and one of parts."""
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from mmqanet.functional.rle import decode_rle, encode_rle
from mmqanet.version import __version__

Record = Mapping[str, Any]


def coco_dataset(records: Callable[[], Iterable[Record]], *, of: str) -> Iterator[str]:
    """A COCO data set as pieces of JSON text, so that it need not fit into memory.

    Args:
        records: called twice; each time it gives the same described parsings, as ``parsing.schema.json`` has them.
        of: ``'people'``, all of category 1, or ``'parts'``, whose category is their label.

    Yields:
        str: the text of a dict with ``info``, ``images``, ``categories`` and ``annotations``. Annotations have ``score``,
        the quality, and ``person``, the person's id in the picture. ``file_name`` is the picture as it was given.
    """
    describe = _people if of == 'people' else _parts
    yield f'{{"info": {json.dumps(dict(description=f"{of} found by mmqanet {__version__}"))},\n"images": ['
    classes: list[str] = []
    for image_id, record in enumerate(records(), start=1):
        classes = list(record['classes'])
        image = dict(id=image_id, file_name=record['source'], width=record['width'], height=record['height'])
        yield f'{"," if image_id > 1 else ""}\n{json.dumps(image, ensure_ascii=False)}'
    names, group = (['person'], '') if of == 'people' else (classes[1:], 'person')
    categories = [dict(id=label, name=name, supercategory=group) for label, name in enumerate(names, start=1)]
    yield f'],\n"categories": {json.dumps(categories, ensure_ascii=False)},\n"annotations": ['
    number = 0
    for image_id, record in enumerate(records(), start=1):
        for annotation in describe(record):
            number += 1
            row = dict(id=number, image_id=image_id, **annotation, iscrowd=0)
            yield f'{"," if number > 1 else ""}\n{json.dumps(row)}'
    yield ']}\n'


def _parts(record: Record) -> Iterator[dict[str, Any]]:
    for person in record['people']:
        for part in person['parts']:
            yield dict(category_id=part['label'], bbox=_extent(decode_rle(part['rle'])), area=part['area'],
                       segmentation=part['rle'], score=part['quality'], person=person['id'])


def _people(record: Record) -> Iterator[dict[str, Any]]:
    for person in record['people']:
        mask = np.any([decode_rle(part['rle']) for part in person['parts']], axis=0)
        yield dict(category_id=1, bbox=_extent(mask), area=int(mask.sum()), segmentation=encode_rle(mask),
                   score=person['quality'], person=person['id'])


def _extent(mask: np.ndarray) -> list[int]:
    """x, y, width, height of a mask (H, W) that has pixels."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return [int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)]
