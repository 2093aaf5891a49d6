"""The toy data set on disk, in the prepared layout of :mod:`mmqanet.preparation.converters.prepared`."""
import multiprocessing
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.preparation.converters.batch import Sample, SplitReport, claim_folder, convert_split
from mmqanet.preparation.toy.body_mesh import write_body
from mmqanet.preparation.toy.dense_pose import write_dense_pose
from mmqanet.preparation.toy.parts import NUM_CLASSES
from mmqanet.preparation.toy.scene import ToyScene, check_max_people, check_size, draw_scene
from mmqanet.utils.images import encode_jpeg

VERSION = 2  # to be raised by a change that alters the pictures, so that old and new ones do not mix in a folder
_SPLITS = (('Training', 'train'), ('Validation', 'val'))
_JPEG_QUALITY = 92

Size = tuple[int, int]


def draw_toy_dataset(root: Path | str, *, num_train: int, num_val: int, size: Size | tuple[Size, Size] = (320, 240),
                     max_people: int = 6, seed: int = 0, dense_pose: bool = False, num_workers: int = 0,
                     progress: bool = True) -> list[SplitReport]:
    """Draw the toy people; run again after an interruption, it keeps the finished pictures and goes on.

    Every picture has a random stream of its own, made from the seed, the split and its number: the files are the same
    bytes for the same arguments, whatever the number of workers.

    Args:
        root: folder to write ``Training``, ``Validation`` and ``annotations/toy_{train,val}.json`` to.
        num_train, num_val: pictures of the splits.
        size: (W, H) of the pictures in pixels, or ((least W, least H), (greatest W, greatest H)).
        max_people: people in a picture at most, 1..60.
        seed: ≥ 0; another seed gives other pictures.
        dense_pose: also write ``annotations/toy-densepose_{train,val}.json`` and the body that it is measured on,
            ``DensePoseData``; this needs h5py. A folder drawn without can be given it.
        num_workers: processes; 0 or 1 works in this one.
        progress: draw a progress bar on the terminal.

    Returns:
        The reports of training and validation.

    Raises:
        InputError: an argument is out of its range, or h5py is not installed; no pictures are drawn.
        DataError: ``root`` holds a data set drawn with other arguments, or a process died.
    """
    for name, value, least in (('num_train', num_train, 1), ('num_val', num_val, 1), ('seed', seed, 0),
                               ('num_workers', num_workers, 0)):
        if not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(f'{name} must be an integer of at least {least}, not {value!r}')
    check_max_people(max_people)
    sizes = check_sizes(size)
    root = Path(root)
    claim_folder(root, {'converter': 'toy people', 'version': VERSION, 'num_train': int(num_train),
                        'num_val': int(num_val), 'size': [list(s) for s in sizes], 'max_people': int(max_people),
                        'seed': int(seed)})
    if dense_pose:
        write_body(root / 'DensePoseData')
    draw = partial(draw_named, seed=int(seed), sizes=sizes, max_people=int(max_people))
    reports = []
    for (folder, split), count in zip(_SPLITS, (num_train, num_val)):
        people = root / 'annotations' / f'toy_{split}.json'
        names = [f'{split}_{i:06d}' for i in range(1, count + 1)]
        reports.append(convert_split(partial(_sample, draw), names, root / folder, people, num_classes=NUM_CLASSES,
                                     workers=int(num_workers), show_progress=progress))
        if dense_pose:
            write_dense_pose(people, people.with_name(f'toy-densepose_{split}.json'), draw=draw, workers=int(num_workers),
                             progress=progress)
    for outcome in (outcome for report in reports for outcome in report.failed):
        raise DataError(f'{root}: {outcome.name}: {outcome.error}')
    return reports


def draw_named(name: str, *, seed: int, sizes: tuple[Size, Size], max_people: int) -> ToyScene:
    """The scene of that name, ``train_000001``, …"""
    if multiprocessing.parent_process() is not None:
        cv2.setNumThreads(0)  # the workers share the cores already
    split, number = name.split('_')
    rng = np.random.default_rng([seed, ('train', 'val').index(split), int(number)])
    width, height = (int(rng.integers(low, high + 1)) for low, high in zip(*sizes))
    return draw_scene(rng, size=(width, height), max_people=max_people)


def _sample(draw: Callable[[str], ToyScene], name: str) -> Sample:
    """The picture of that name with the labels to be written beside it."""
    scene = draw(name)
    return Sample(encode_jpeg(scene.image, quality=_JPEG_QUALITY), scene.category, scene.human)


def check_sizes(size: Any) -> tuple[Size, Size]:
    """The least and the greatest (W, H) that ``size`` stands for, or InputError."""
    if len(size) != 2 or not all(np.ndim(side) == 1 for side in size):
        size = size, size
    low, high = (check_size(one) for one in size)
    if low[0] > high[0] or low[1] > high[1]:
        raise InputError(f'size must go from the least to the greatest (width, height), not {low} to {high}')
    return low, high
