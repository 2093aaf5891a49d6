"""What a checkpoint says of its weights beside the config: classes, colours, and pairs of left and right."""
import os
from collections.abc import Mapping
from typing import Any

from mmqanet.errors import DataError

LONGEST_NAME = 100  # characters of a class


def read_stored_meta(content: Mapping[str, Any], path: str | os.PathLike) -> dict[str, Any]:
    """``meta`` of a checkpoint, empty where it says nothing, and in it ``dataset_meta``, whose lists are tuples.

    Raises:
        DataError: one of them is no dict; classes, palette or flip_pairs are of another form than mmengine stores; there is
            no such crop_sampler.
    """
    meta = content.get('meta') or {}
    _check(isinstance(meta, dict), 'meta', 'a dict', path)
    dataset = meta.get('dataset_meta') or {}
    _check(isinstance(dataset, dict), 'meta.dataset_meta', 'a dict', path)
    for name, classes in (('CLASSES', meta.get('CLASSES')), ('dataset_meta.classes', dataset.get('classes'))):
        fits = classes is None or (_is_list(classes, str) and all(0 < len(text) <= LONGEST_NAME and text.isprintable()
                                                                for text in classes))
        _check(fits, f'meta.{name}', 'a list of names that can be shown', path)
    crop = meta.get('crop_sampler')
    _check(crop is None or (isinstance(crop, str) and crop in ('align', 'warp')), 'meta.crop_sampler', 'align or warp', path)
    asked = meta.get('default_classes')
    _check(asked is None or (isinstance(asked, str) and len(asked) <= LONGEST_NAME and asked.isprintable()),
           'meta.default_classes', 'the name of a label set', path)
    for key, size in (('palette', 3), ('flip_pairs', 2)):
        rows = dataset.get(key)
        fits = rows is None or (_is_list(rows, (list, tuple)) and all(
            len(row) == size and _is_list(row, int) and 0 <= min(row) <= max(row) < 256 for row in rows))
        _check(fits, f'meta.dataset_meta.{key}', f'a list of {size} numbers from 0 to 255 each', path)
    return {**meta, 'dataset_meta': {key: _tuples(value) for key, value in dataset.items()}}


def _is_list(value: Any, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, kind) for item in value)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value


def _check(fits: bool, name: str, kind: str, path: str | os.PathLike) -> None:
    if not fits:
        raise DataError(f'{path}: its {name} is not {kind}')
