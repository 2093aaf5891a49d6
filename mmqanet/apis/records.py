"""The record of an input, NAME.json: it is written last and vouches for the other files.

Results without a record, or with one that says they are not complete, count for nothing when a run is resumed.
"""
import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from mmqanet.apis.layout import possible_records
from mmqanet.errors import MMQANetError
from mmqanet.functional.rle import decode_rle
from mmqanet.structures.coco_people import MOST_PIXELS
from mmqanet.utils.files import check_file, read_bytes

VERSION = 1
DIGEST = 'sha256:'
LONGEST_LINE = 2**24  # bytes


def read_record(path: Path) -> dict[str, Any] | None:
    """The record in a file; ``None`` if there is none or it is of something else."""
    try:
        record = json.loads(read_bytes(path))
    except (MMQANetError, ValueError, RecursionError):
        return None
    return record if _is_record(record) else None


def _is_record(record: Any) -> bool:
    return (isinstance(record, dict) and record.get('version') == VERSION and isinstance(record.get('name'), str)
            and isinstance(record.get('files'), dict) and isinstance(record.get('options', {}), dict)
            and all(isinstance(files, list) and all(isinstance(file, str) for file in files)
                    for files in record['files'].values()))


def is_parsing(record: Mapping) -> bool:
    """Whether a record says of a picture what mmqanet/schemas/parsing.schema.json wants, as far as summaries read it: the
    file may have been edited or damaged since it was written."""
    try:
        shape, classes = (record['height'], record['width']), record['classes']
        fits = (all(isinstance(side, int) and side > 0 for side in shape) and math.prod(shape) <= MOST_PIXELS
                and all(isinstance(text, str) for text in (record['name'], record['source'], *classes)))
        return fits and all(_is_person(person, shape, len(classes)) for person in record['people'])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return False


def _is_person(person: Mapping, shape: tuple[int, int], number: int) -> bool:
    scores = person['quality'], person.get('expected_iou', 0), *(person['scores'][key] for key in ('box', 'iou', 'pixel'))
    return (isinstance(person['id'], int) and all(map(_is_share, scores)) and bool(person['parts'])
            and all(_is_part(part, shape, number) for part in person['parts']))


def _is_part(part: Mapping, shape: tuple[int, int], number: int) -> bool:
    scores = part['quality'], part['pixel_score'], part.get('expected_iou', 0)
    return (isinstance(part['label'], int) and 0 < part['label'] < number and isinstance(part['name'], str)
            and isinstance(part['area'], int) and all(map(_is_share, scores))
            and bool(decode_rle(part['rle'], image_shape=shape).any()))


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def is_whole(record: Mapping, folder: Path) -> bool:
    """Whether all was parsed, and the files are there."""
    return bool(record.get('complete', True)) and all((folder / file).is_file() for file in listed_files(record))


def listed_files(record: Mapping) -> list[str]:
    """The other files, as paths below the output folder."""
    return [file for files in record['files'].values() for file in files]


def differences(record: Mapping, options: Mapping[str, Any]) -> list[str]:
    """What was otherwise when a record was made, in words; options that it does not know differ."""
    old, new = record.get('options', {}), json.loads(json.dumps(options))
    return [_told(key, old.get(key), new[key]) for key in new if key not in old or old[key] != new[key]]


def _told(key: str, old: Any, new: Any) -> str:
    if key == 'input':
        return 'the input has changed'
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return ', '.join(_told(f'{key}.{inner}', old.get(inner), new.get(inner))
                         for inner in {**old, **new} if old.get(inner) != new.get(inner))
    if any(isinstance(value, str) and value.startswith(DIGEST) for value in (old, new)):
        return f'{key} differs'
    return f'{key} was {"not noted" if old is None else old}, is {new}'


class EarlierResults:
    """Tells the results that earlier runs left below a folder from what was there before.

    Args:
        folder: results whose records lie below it are known.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._listed = lru_cache(4096)(self._read)

    def holds(self, path: Path) -> bool:
        """Whether a file is a result."""
        below = PurePosixPath(path.relative_to(self.folder).as_posix())
        return any(below.as_posix() in self._listed(record) for record in possible_records(below))

    def _read(self, path: str) -> frozenset[str]:
        """The record at ``path`` and what it lists, relative to the folder."""
        record = read_record(self.folder / path)
        if record is None:
            return self._read_lines(path.removesuffix('.json'))
        base, name, _ = path.rpartition(f'{record["name"]}.json')
        if not name or (base and not base.endswith('/')):
            return frozenset()
        return frozenset([path, *(f'{base}{file}' for file in listed_files(record))])

    def _read_lines(self, stem: str) -> frozenset[str]:
        """Earlier versions left no record of a video: its lines tell."""
        path = self.folder / f'{stem}.jsonl'
        try:
            check_file(path)
            with path.open('rb') as file:
                first = json.loads(file.readline(LONGEST_LINE))
        except (MMQANetError, OSError, ValueError, RecursionError):
            return frozenset()
        is_frame = isinstance(first, dict) and first.get('version') == VERSION and first.get('frame') == 0
        return frozenset([f'{stem}.jsonl', f'{stem}.mp4'] if is_frame else [])


def kept_kinds(record: Mapping | None, options: Mapping[str, Any], kinds: Sequence[str]) -> dict[str, list[str]]:
    """The files of other kinds than ``kinds`` that were made with the same options."""
    if record is None or differences(record, options):
        return {}
    return {kind: files for kind, files in record['files'].items() if kind not in kinds}
