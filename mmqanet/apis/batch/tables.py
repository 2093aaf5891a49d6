"""The tables of a distributed run, as Parquet files. Their schemas have a version, which each file carries.

    people     a row a person with visible pixels
    pictures   a row a picture that was parsed, also where nobody is in it
    errors     a row a picture or shard that could not be parsed
"""
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

VERSION = 1  # of the schemas; to be raised when a column changes its meaning or goes

SCORES = pa.struct([('box', pa.float64()), ('iou', pa.float64()), ('pixel', pa.float64())])
RLE = pa.struct([('size', pa.list_(pa.int32())), ('counts', pa.string())])
PART = pa.struct([
    ('label', pa.int32()), ('name', pa.string()), ('quality', pa.float64()), ('expected_iou', pa.float64()),
    ('pixel_score', pa.float64()), ('area', pa.int64()), ('rle', RLE)])
PERSON = [
    ('person', pa.int32()), ('box', pa.list_(pa.float64())), ('quality', pa.float64()), ('expected_iou', pa.float64()),
    ('scores', SCORES), ('parts', pa.list_(PART))]
PICTURE = [('picture', pa.string()), ('height', pa.int32()), ('width', pa.int32())]
SAMPLER = ('crop_sampler', pa.string())  # how people were cut out; null where they were not
SCHEMAS = {
    'people': pa.schema([*PICTURE, *PERSON]),
    'pictures': pa.schema([*PICTURE, ('people', pa.int32()), SAMPLER]),
    'errors': pa.schema([('picture', pa.string()), ('error', pa.string())]),
}
PARSED = pa.schema([*PICTURE, ('people', pa.list_(pa.struct(PERSON))), SAMPLER, ('error', pa.string())])


def parsed_row(picture: str, described: Mapping[str, Any]) -> dict[str, Any]:
    """A row of ``PARSED`` from what :func:`mmqanet.apis.predictions.describe` says of a picture."""
    people = [dict(person, person=person['id']) for person in described['people']]
    return dict(picture=picture, height=described['height'], width=described['width'], people=people,
                crop_sampler=described.get('crop_sampler'), error=None)


def failed_row(picture: str, error: object) -> dict[str, Any]:
    """A row of ``PARSED`` of a picture or shard that could not be parsed."""
    return dict(picture=picture, height=None, width=None, people=None, crop_sampler=None, error=str(error))


def split_rows(rows: Sequence[Mapping[str, Any]], *, classes: Sequence[str]) -> dict[str, pa.Table]:
    """The three tables.

    Args:
        rows: of ``PARSED``.
        classes: of the model, which the files of people carry.
    """
    done = [row for row in rows if row['error'] is None]
    parts: dict[str, list[Any]] = dict(
        people=[dict(person, **{key: row[key] for key, _ in PICTURE}) for row in done for person in row['people']],
        pictures=[dict(row, people=len(row['people'])) for row in done],
        errors=[row for row in rows if row['error'] is not None])
    return {name: _table(name, parts[name], classes) for name in SCHEMAS}


def _table(name: str, rows: list[dict[str, Any]], classes: Sequence[str]) -> pa.Table:
    notes = {'mmqanet.table': name, 'mmqanet.version': str(VERSION), 'mmqanet.classes': json.dumps(list(classes))}
    return pa.Table.from_pylist(rows, schema=SCHEMAS[name]).replace_schema_metadata(notes)
