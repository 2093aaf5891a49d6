"""COCO files for a person detector: from photos whose boxes a teacher scored, and from portraits with label maps.

A photo's split is a function of its file name alone: photos that are added or taken away move no other.
"""
import hashlib
import json
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.preparation.converters.prepared import shown_size
from mmqanet.structures.coco_people import load_coco
from mmqanet.utils.files import check_overwrites, read_label_map, write_bytes
from mmqanet.utils.folders import visible_files

CATEGORIES = [dict(id=1, name='person', supercategory='person')]
SPLITS = ('train', 'val')
VAL_SHARE = 0.1


def split_teacher_boxes(source: Path, out: Path, *, positive: float, val_positive: float,
                        left_out: Collection[str] = ()) -> dict[str, int]:
    """Write ``people_train.json`` and ``people_val.json`` from a file of scored boxes.

    A box below the least score of its split gets ``iscrowd`` 1: evaluation and
    :class:`mmqanet.models.on_mmdet.IgnoringFCOSHead` take it neither for a person nor for background. Photos without boxes
    stay in.

    Args:
        source: COCO-style JSON; its annotations have a ``score``, its images a ``set``.
        out: folder to write to.
        positive: least score of the people that are learnt, in [0, 1].
        val_positive: least score of the people that are to be found in validation, in [0, 1].
        left_out: sets to take no photo of.

    Returns:
        dict: number of photos by split.

    Raises:
        DataError: the file cannot be read, lacks a field, or holds no set of a name in ``left_out``.
        InputError: a score is outside [0, 1].
    """
    least = dict(train=positive, val=val_positive)
    if not all(0 <= score <= 1 for score in least.values()):
        raise InputError(f'positive and val_positive must lie in [0, 1], not {positive} and {val_positive}')
    try:
        content = load_coco(str(source))
        unknown = set(left_out) - {image['set'] for image in content['images']}
        images = [image for image in content['images'] if image['set'] not in left_out]
        splits = {image['id']: split_of(image['file_name']) for image in images}
        annotations = [
            {**annotation, 'iscrowd': int(annotation['score'] < least[splits[annotation['image_id']]])}
            for annotation in content['annotations'] if annotation['image_id'] in splits]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f'{source}: not a file of scored boxes ({error!r})') from None
    if unknown:
        raise DataError(f'{source}: no photo is of the set {sorted(unknown)[0]!r}')
    for split in SPLITS:
        check_overwrites(out / f'people_{split}.json', [source])
    for split in SPLITS:
        write_coco(out / f'people_{split}.json', [image for image in images if splits[image['id']] == split],
                   [annotation for annotation in annotations if splits[annotation['image_id']] == split])
    return {split: list(splits.values()).count(split) for split in SPLITS}


def describe_portraits(photos: Path, labels: Path, out: Path) -> dict[str, int]:
    """Write ``portraits_train.json`` and ``portraits_val.json``. A portrait shows one person, who is all that is labelled.

    Args:
        photos: folder of the photos.
        labels: folder of their label maps, PNGs of the same names: 0 is background, 255 doubtful. A map without a person is
            left out.
        out: folder to write to.

    Returns:
        dict: number of photos by split.

    Raises:
        DataError: a label map is broken, there is none, or one has no photo of its size; a photo is broken or stored turned,
            so that nobody knows which way its labels are.
    """
    images: dict[str, list[dict]] = {split: [] for split in SPLITS}
    annotations: dict[str, list[dict]] = {split: [] for split in SPLITS}
    maps = [path for path in visible_files(labels) if path.suffix == '.png']
    if not maps:
        raise DataError(f'{labels}: no PNG files')
    names = {path.stem: path.name for path in visible_files(photos)}
    for number, path in enumerate(maps, 1):
        if path.stem not in names:
            raise DataError(f'{path}: no photo of this name in {photos}')
        labelled = read_label_map(path)
        size = shown_size(photos / names[path.stem], labelled.shape)
        if labelled.shape != size:
            raise DataError(f'{path}: a label map of {labelled.shape} (rows, columns), but the photo has {size}')
        person = (labelled > 0) & (labelled < 255)
        if not person.any():
            continue
        rows, columns = np.flatnonzero(person.any(axis=1)), np.flatnonzero(person.any(axis=0))
        box = [int(columns[0]), int(rows[0]), int(columns[-1] + 1 - columns[0]), int(rows[-1] + 1 - rows[0])]
        split = split_of(names[path.stem])
        images[split].append(
            dict(id=number, file_name=names[path.stem], height=labelled.shape[0], width=labelled.shape[1]))
        annotations[split].append(dict(id=number, image_id=number, category_id=1, bbox=box, area=box[2] * box[3], iscrowd=0))
    for split in SPLITS:
        write_coco(out / f'portraits_{split}.json', images[split], annotations[split])
    return {split: len(images[split]) for split in SPLITS}


def split_of(name: str) -> str:
    """The split of a file name: ``'val'`` for one in ten, by its hash."""
    share = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], 'big') / 2**48
    return 'val' if share < VAL_SHARE else 'train'


def write_coco(path: Path, images: Sequence[dict], annotations: Sequence[dict]) -> None:
    """Write a COCO file of the one category person."""
    content = dict(images=list(images), annotations=list(annotations), categories=CATEGORIES)
    write_bytes(path, json.dumps(content).encode())
