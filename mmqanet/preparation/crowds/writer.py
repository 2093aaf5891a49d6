"""Composed crowds on disk, in the prepared layout of :mod:`mmqanet.preparation.converters.prepared`."""
import hashlib
import json
import multiprocessing
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.preparation.converters.batch import Sample, SplitReport, claim_folder, convert_split
from mmqanet.preparation.crowds.composition import compose_crowd
from mmqanet.preparation.crowds.photos import CCP_ALONE, CCP_SPLIT, Photos, list_photos
from mmqanet.utils.files import read_bytes, read_json
from mmqanet.utils.images import encode_jpeg

VERSION = 2  # to be raised by a change that alters the pictures, so that old and new ones do not mix in a folder
_SPLITS = (('Training', 'train'), ('Validation', 'val'))
_LONG_SIDES = (480, 800)
_ASPECTS = (0.62, 1.6)  # width over height


def compose_crowds(source: Path | str, target: Path | str, *, num_train: int, num_val: int, num_classes: int,
                   flip_pairs: Sequence[tuple[int, int]] = (), long_sides: tuple[int, int] = _LONG_SIDES, seed: int = 0,
                   workers: int = 0, show_progress: bool = True) -> list[SplitReport]:
    """Compose crowds from a prepared data set with one person an image; run again, it keeps the finished pictures.

    Training crowds are made of training photos only, validation crowds of validation photos only. Every picture has a
    random stream of its own, made from the seed, the split and its number: the files are the same bytes for the same
    arguments, whatever the number of workers.

    Args:
        source: prepared data set, ``Training`` and ``Validation`` with one person an image.
        target: folder to write ``Training``, ``Validation`` and ``annotations/crowds_{train,val}.json`` to.
        num_train, num_val: pictures of the splits.
        num_classes: classes of ``source`` with background.
        flip_pairs: its left and right classes.
        long_sides: least and greatest longer side of a picture in pixels.
        seed: ≥ 0; another seed gives other pictures.
        workers: processes; 0 or 1 works in this one.
        show_progress: draw a progress bar on the terminal.

    Returns:
        The reports of training and validation.

    Raises:
        InputError: an argument is out of its range; nothing is written.
        DataError: ``source`` is not such a data set, a photo is in both of its splits or cannot be used, ``target``
            holds crowds composed with other arguments, or a process died.
    """
    for name, value, least in (('num_train', num_train, 1), ('num_val', num_val, 1), ('seed', seed, 0),
                               ('workers', workers, 0), ('num_classes', num_classes, 2)):
        if not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(f'{name} must be an integer of at least {least}, not {value!r}')
    if len(long_sides) != 2 or not 64 <= long_sides[0] <= long_sides[1] <= 4096:
        raise InputError(f'long_sides must go from the least to the greatest, in 64..4096, not {long_sides}')
    source, target = Path(source), Path(target)
    photos = [split_photos(source, folder) for folder, _ in _SPLITS]
    check_disjoint(*photos)
    claim_folder(target, {'converter': 'composed crowds', 'version': VERSION, 'source': describe_source(photos),
                          'num_train': int(num_train), 'num_val': int(num_val), 'num_classes': int(num_classes),
                          'flip_pairs': [list(pair) for pair in flip_pairs], 'long_sides': list(long_sides),
                          'seed': int(seed)})
    reports = []
    for (folder, split), count, one_split in zip(_SPLITS, (num_train, num_val), photos):
        load = partial(compose_sample, photos=one_split, seed=int(seed), long_sides=long_sides, flip_pairs=flip_pairs)
        names = [f'{split}_{i:06d}' for i in range(1, count + 1)]
        reports.append(convert_split(load, names, target / folder, target / 'annotations' / f'crowds_{split}.json',
                                     num_classes=int(num_classes), workers=int(workers), show_progress=show_progress))
    for outcome in (outcome for report in reports for outcome in report.failed):
        raise DataError(f'{target}: {outcome.name}: {outcome.error}')
    return reports


def compose_sample(name: str, *, photos: Photos, seed: int, long_sides: tuple[int, int],
                   flip_pairs: Sequence[tuple[int, int]]) -> Sample:
    """The crowd of that name, ``train_000001``, ..., with the labels to be written beside it."""
    if multiprocessing.parent_process() is not None:
        cv2.setNumThreads(0)  # the workers share the cores already
    split, number = name.split('_')
    rng = np.random.default_rng([seed, ('train', 'val').index(split), int(number)])
    long = rng.integers(long_sides[0], long_sides[1] + 1)
    aspect = np.exp(rng.uniform(*np.log(_ASPECTS)))
    crowd = compose_crowd(rng, photos, width=round(long * min(aspect, 1)), height=round(long / max(aspect, 1)),
                          flip_pairs=flip_pairs)
    return Sample(encode_jpeg(crowd.image, quality=int(rng.integers(86, 96))), crowd.category, crowd.human)


def split_photos(source: Path, folder: str) -> Photos:
    """The photos of one split: all of them, but for those of Clothing Co-Parsing that are known to be unfit."""
    names = list_photos(source / folder)
    if not _is_ccp(source):
        return Photos(source / folder, people=names, backdrops=names)
    people, backdrops = [name for name in names if name not in CCP_SPLIT], [name for name in names if name in CCP_ALONE]
    if not people or not backdrops:
        raise DataError(f'{source / folder}: no photo that could be cut out, or none that could be a backdrop')
    return Photos(source / folder, people=tuple(people), backdrops=tuple(backdrops))


def check_disjoint(train: Photos, val: Photos) -> None:
    """Raise a ``DataError`` where one photo, by its bytes, is in both splits."""
    found = {_digest(train.folder, name): name for name in {*train.people, *train.backdrops}}
    for name in sorted({*val.people, *val.backdrops}):
        twin = found.get(_digest(val.folder, name))
        if twin is not None:
            raise DataError(f'{val.folder}: photo {name} is photo {twin} of {train.folder} too; crowds would mix the splits')


def describe_source(photos: Sequence[Photos]) -> str:
    """A digest of the photos' names and splits, so that crowds of different sources do not mix in a folder."""
    names = json.dumps([[one.folder.name, one.people, one.backdrops] for one in photos])
    return hashlib.sha256(names.encode()).hexdigest()[:16]


def _digest(folder: Path, name: str) -> bytes:
    return hashlib.sha256(read_bytes(folder / 'Images' / f'{name}.jpg')).digest()


def _is_ccp(source: Path) -> bool:
    path = source / 'conversion.json'
    return path.exists() and read_json(path, expected=dict).get('converter') == 'ccp'
