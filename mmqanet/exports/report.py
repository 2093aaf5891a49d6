"""The parsing of many pictures as one HTML file to explore, which needs neither a server nor a network."""
import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

import cv2
import numpy as np

from mmqanet.functional.rle import decode_rle
from mmqanet.structures import LabelSet
from mmqanet.utils.images import encode_jpeg

LONGEST_SIDE = 720  # of a picture in the report, pixels


def report(pictures: Iterable[tuple[Mapping[str, Any], np.ndarray | None]], *,
           label_set: LabelSet) -> Iterator[str]:
    """The page as pieces of text, so that it need not fit into memory.

    Args:
        pictures: described parsings, as ``parsing.schema.json`` has them, each with its picture (H, W, 3) uint8 BGR, or
            ``None`` where it cannot be read any more.
        label_set: names and colours of the classes.
    """
    page = (files('mmqanet') / 'exports/report.html').read_text(encoding='utf-8')
    before, after = page.split('@PICTURES@')
    yield before.replace('@META@', _as_script(dict(classes=label_set.classes, palette=label_set.palette)))
    for record, image in pictures:
        yield f'<script type="application/json" class="picture">{_as_script(_picture(record, image))}</script>\n'
    yield after


def _picture(record: Mapping[str, Any], image: np.ndarray | None) -> dict[str, Any]:
    height, width = record['height'], record['width']
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    parts = [dict(person=index, label=part['label'], quality=part['quality'], pixel=part['pixel_score'], area=part['area'],
                  **_expected(part))
             for index, person in enumerate(record['people']) for part in person['parts']]
    return dict(
        name=record['name'], source=record['source'], width=size[1], height=size[0], jpeg=_thumbnail(image, size),
        people=[dict({key: person[key] for key in ('id', 'quality', 'scores')}, **_expected(person))
                for person in record['people']], parts=parts,
        runs=b64encode(_runs(_numbers(record, size))).decode())


def _thumbnail(image: np.ndarray | None, size: tuple[int, int]) -> str:
    if image is None:
        image = np.full((*size, 3), 128, np.uint8)
    image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
    return b64encode(encode_jpeg(image)).decode()


def _numbers(record: Mapping[str, Any], size: tuple[int, int]) -> np.ndarray:
    """The parts' numbers from 1 on at each pixel of a smaller map, (h, w) int64, 0 none."""
    rows, columns = (np.minimum((np.arange(short) + 0.5) * full / short, full - 1).astype(np.intp)
                     for short, full in zip(size, (record['height'], record['width'])))
    numbers = np.zeros(size, dtype=np.int64)
    parts = [part for person in record['people'] for part in person['parts']]
    for number, part in enumerate(parts, start=1):
        numbers[decode_rle(part['rle'])[rows[:, None], columns]] = number
    return numbers


def _runs(numbers: np.ndarray) -> bytes:
    """Pairs of number and length of each run; 7 bits a byte, lowest first, the highest bit says that more follow."""
    flat = numbers.ravel()
    starts = np.flatnonzero(np.diff(flat, prepend=-1))
    pairs = np.stack([flat[starts], np.diff(starts, append=flat.size)], axis=1)
    return b''.join(map(_varint, pairs.ravel().tolist()))


def _varint(number: int) -> bytes:
    groups = []
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])


def _as_script(content: Any) -> str:
    """JSON that ends no script element."""
    return json.dumps(content, ensure_ascii=True).replace('<', '\\u003c')


def _expected(described: Mapping[str, Any]) -> dict[str, float]:
    """``expected_iou`` of a person or part, where the parser's qualities are calibrated."""
    return {key: described[key] for key in ('expected_iou',) if key in described}
