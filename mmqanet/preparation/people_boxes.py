"""COCO files for a person detector from photos whose boxes a teacher gave scores, and from portraits with label maps."""
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import read_bytes, read_label_map, write_bytes

CATEGORIES = [dict(id=1, name='person', supercategory='person')]


def split_teacher_boxes(source: Path, out: Path, *, positive: float, val_positive: float, val_share: float = 0.1,
                        left_out: Sequence[str] = ()) -> dict[str, int]:
    """Write ``people_train.json`` and ``people_val.json`` from a file of scored boxes.

    Boxes of a lower score than the least of their split get ``iscrowd`` 1: evaluation and
    :class:`mmqanet.models.on_mmdet.IgnoringFCOSHead` take them neither for people nor for background. A photo's split is a
    function of its file name alone.

    Args:
        source: COCO-style JSON whose annotations have a ``score``, images a ``set``.
        out: folder to write to.
        positive, val_positive: least score of the people of either split, in [0, 1].
        val_share: share of the photos kept for validation.
        left_out: names of sets to take no photo of.

    Returns:
        dict: photos by split.

    Raises:
        DataError: the file cannot be read, or a field is missing.
        InputError: a score or share is outside [0, 1].
    """
    for name, value in dict(positive=positive, val_positive=val_positive, val_share=val_share).items():
        if not 0 <= value <= 1:
            raise InputError(f'{name} is {value}, but must lie in [0, 1]')
    try:
        content = json.loads(read_bytes(source))
        images = [image for image in content['images'] if image['set'] not in left_out]
        splits = {image['id']: 'val' if _share(image['file_name']) < val_share else 'train' for image in images}
        annotations = {'train': [], 'val': []}
        for annotation in content['annotations']:
            split = splits.get(annotation['image_id'])
            if split:
                doubtful = annotation['score'] < (positive if split == 'train' else val_positive)
                annotations[split].append({**annotation, 'iscrowd': int(doubtful)})
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f'{source}: not a file of scored boxes ({error!r})') from None
    for split, rows in annotations.items():
        chosen = [image for image in images if splits[image['id']] == split]
        write_coco(out / f'people_{split}.json', chosen, rows)
    return {split: sum(found == split for found in splits.values()) for split in annotations}


def describe_portraits(photos: Path, labels: Path, out: Path, *, val_share: float = 0.1) -> dict[str, int]:
    """Write ``portraits_train.json`` and ``portraits_val.json``: the person of a label map is what is not background.

    Args:
        photos: folder of the photos; labels: of their label maps, PNGs of the same names, 0 background, 255 doubtful.
        out: folder to write to.
        val_share: share of the photos kept for validation.

    Returns:
        dict: photos by split.
    """
    images: dict[str, list[dict]] = {'train': [], 'val': []}
    annotations: dict[str, list[dict]] = {'train': [], 'val': []}
    by_stem = {path.stem: path for path in photos.iterdir()}
    for number, path in enumerate(sorted(labels.glob('*.png')), 1):
        if path.stem not in by_stem:
            raise DataError(f'{path}: no photo of this name in {photos}')
        labelled = read_label_map(path)
        person = (labelled > 0) & (labelled < 255)
        if not person.any():
            continue
        rows, columns = np.flatnonzero(person.any(1)), np.flatnonzero(person.any(0))
        box = [int(columns[0]), int(rows[0]), int(columns[-1] + 1 - columns[0]), int(rows[-1] + 1 - rows[0])]
        photo = by_stem[path.stem]
        split = 'val' if _share(photo.name) < val_share else 'train'
        images[split].append(dict(id=number, file_name=photo.name, height=labelled.shape[0], width=labelled.shape[1]))
        annotations[split].append(dict(id=number, image_id=number, category_id=1, bbox=box, area=box[2] * box[3], iscrowd=0))
    for split, rows in annotations.items():
        write_coco(out / f'portraits_{split}.json', images[split], rows)
    return {split: len(found) for split, found in images.items()}


def write_coco(path: Path, images: Sequence[dict], annotations: Sequence[dict]) -> None:
    write_bytes(path, json.dumps(dict(images=list(images), annotations=list(annotations), categories=CATEGORIES)).encode())


def _share(name: str) -> float:
    """A number in [0, 1) that a name alone decides, evenly spread over names."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], 'big') / 2**48
