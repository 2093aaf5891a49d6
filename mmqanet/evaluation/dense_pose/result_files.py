"""Files of dense pose detections: COCO's result lists, with the charts beside them or packed into them.

    [{"image_id": 1, "category_id": 1, "bbox": [x, y, w, h], "score": 0.9, "uv_shape": [3, h, w], "uv_data": "..."}, ...]

The charts of a detection, (3, h, w) uint8 of chart, 255 U and 255 V, are either an array ``detNNN`` in ``<stem>_uv.npz``
beside the list, NNN being the detection's place in it from 000 on, or packed: ``uv_data`` is the base64 of a PNG of three
channels, as the challenge server takes it.
"""
import base64
import io
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmqanet.errors import DataError
from mmqanet.functional.charts import CHARTS
from mmqanet.structures.coco_people import PERSON_CATEGORY, load_detections
from mmqanet.utils.files import PathLike, check_file, write_bytes

FIELDS = ('image_id', 'bbox', 'score')


def read_results(path: PathLike) -> list[dict[str, Any]]:
    """The detections of people in a result file, each with its ``id``, its place in the list from 1 on.

    Raises:
        DataError: the file is missing or broken, or a detection lacks a field or the charts; names the detection.
    """
    path = str(path)
    found = []
    for position, record in enumerate(load_detections(path)):
        missing = [name for name in FIELDS if name not in record]
        if missing:
            raise DataError(f'{path}: detections[{position}]: field {missing[0]!r} is missing')
        if record.get('category_id', PERSON_CATEGORY) != PERSON_CATEGORY:
            continue
        if min(record['bbox'][2:]) <= 0:
            raise DataError(f'{path}: detections[{position}]: bbox {record["bbox"]} is empty')
        found.append({**record, 'id': position + 1})
    return found


def read_charts(record: Mapping[str, Any], path: PathLike) -> np.ndarray:
    """The (3, h, w) uint8 charts of a detection that :func:`read_results` found in ``path``.

    Raises:
        DataError: there are none, they cannot be read, or one is above 24.
    """
    where = f'{path}: detections[{record["id"] - 1}]'
    charts = unpack_charts(record, where) if 'uv_data' in record else _read_array(record['id'] - 1, Path(path), where)
    if not isinstance(charts, np.ndarray):
        raise DataError(f'{where}: the charts are no array')
    if charts.ndim != 3 or charts.shape[0] != 3 or charts.dtype != np.uint8:
        raise DataError(f'{where}: charts of shape {charts.shape} and type {charts.dtype}, not (3, h, w) uint8')
    if charts[0].max(initial=0) >= len(CHARTS):
        raise DataError(f'{where}: chart {charts[0].max()}, and the last is {len(CHARTS) - 1}')
    return charts


def pack_charts(charts: np.ndarray) -> dict[str, Any]:
    """(3, h, w) uint8 → ``uv_shape`` and ``uv_data`` of a result."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(charts.transpose(1, 2, 0))).save(buffer, format='PNG', optimize=True)
    return dict(uv_shape=list(charts.shape), uv_data=base64.b64encode(buffer.getvalue()).decode())


def unpack_charts(record: Mapping[str, Any], where: str) -> np.ndarray:
    """The inverse of :func:`pack_charts`."""
    shape = record.get('uv_shape')
    try:
        content = base64.b64decode(record['uv_data'])
        with Image.open(io.BytesIO(content), formats=('PNG',)) as image:
            if list(shape or ()) != [3, image.height, image.width]:
                raise DataError(f'{where}: uv_shape {shape}, but uv_data is {image.width}x{image.height} pixels')
            charts = np.array(image)
    except DataError:
        raise
    except Exception as error:  # Pillow raises many kinds for broken files
        raise DataError(f'{where}: uv_data is no PNG in base64 ({error})') from None
    if charts.ndim != 3 or charts.shape[2] != 3:
        raise DataError(f'{where}: uv_data is a PNG of mode {image.mode}, not of three channels')
    return charts.transpose(2, 0, 1)


def write_results(path: PathLike, results: Sequence[Mapping[str, Any]]) -> None:
    """Write detections with their ``uv`` (3, h, w) uint8 as the challenge server takes them."""
    records = [{**{key: value for key, value in result.items() if key != 'uv'}, **pack_charts(result['uv'])}
               for result in results]
    write_bytes(path, json.dumps(records, allow_nan=False).encode())


def array_file(path: PathLike) -> Path:
    """Where the charts of a result file lie that does not hold them itself."""
    return Path(path).with_name(f'{Path(path).stem}_uv.npz')


def _read_array(position: int, path: Path, where: str) -> np.ndarray:
    source, key = array_file(path), f'det{position:03d}'
    arrays = _open_arrays(str(source)) if source.exists() else {}
    try:
        return arrays[key]
    except KeyError:
        raise DataError(f'{where}: neither uv_data nor {key} in {source}') from None
    except Exception as error:  # numpy and zipfile raise many kinds for broken files
        raise DataError(f'{source}: {key} cannot be read ({_line(error)})') from None


@lru_cache(2)
def _open_arrays(path: str) -> Any:
    check_file(path)
    try:
        arrays = np.load(path, allow_pickle=False)
    except Exception as error:
        raise DataError(f'{path}: not readable as .npz ({_line(error)})') from None
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise DataError(f'{path}: holds one array and no names')
    return arrays


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [''])[0] or type(error).__name__
