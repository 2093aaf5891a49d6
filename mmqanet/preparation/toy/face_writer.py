"""The toy faces on disk, in the prepared layout of :mod:`mmqanet.preparation.converters.prepared`."""
import multiprocessing
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.preparation.converters.batch import Sample, SplitReport, claim_folder, convert_split
from mmqanet.preparation.toy.face import draw_face
from mmqanet.preparation.toy.parts import FacePart
from mmqanet.preparation.toy.scene import check_size
from mmqanet.utils.images import encode_jpeg

VERSION = 1  # to be raised by a change that alters the pictures
_SPLITS = (('Training', 'train'), ('Validation', 'val'))


def draw_toy_faces(root: Path | str, *, num_train: int, num_val: int, size: tuple[int, int] = (160, 160), seed: int = 0,
                   num_workers: int = 0, progress: bool = True) -> list[SplitReport]:
    """Draw portraits of toy people; run again after an interruption, it keeps the finished pictures and goes on.

    Args:
        root: folder to write ``Training``, ``Validation`` and ``annotations/toy-faces_{train,val}.json`` to. Each picture
            has one head; its box is the extent of its labels.
        num_train, num_val: pictures of the splits.
        size: (W, H) of the pictures in pixels.
        seed: another one gives other pictures.
        num_workers: processes; 0 or 1 works in this one.
        progress: draw a progress bar on the terminal.

    Raises:
        InputError: an argument is out of its range. DataError: ``root`` holds pictures drawn with other arguments.
    """
    for name, value, least in (('num_train', num_train, 1), ('num_val', num_val, 1), ('seed', seed, 0)):
        if value < least:
            raise InputError(f'{name} must be at least {least}, not {value}')
    size, root = check_size(size), Path(root)
    claim_folder(root, dict(converter='toy faces', version=VERSION, num_train=num_train, num_val=num_val, size=list(size),
                            seed=seed))
    reports = []
    for (folder, split), count in zip(_SPLITS, (num_train, num_val)):
        names = [f'{split}_{number:06d}' for number in range(1, count + 1)]
        reports.append(convert_split(
            partial(draw_sample, seed=seed, size=size), names, root / folder,
            root / 'annotations' / f'toy-faces_{split}.json', num_classes=len(FacePart), workers=num_workers,
            show_progress=progress))
    for outcome in (outcome for report in reports for outcome in report.failed):
        raise DataError(f'{root}: {outcome.name}: {outcome.error}')
    return reports


def draw_sample(name: str, *, seed: int, size: tuple[int, int]) -> Sample:
    """The picture of that name, ``train_000001``, …, with its labels."""
    if multiprocessing.parent_process() is not None:
        cv2.setNumThreads(0)  # the workers share the cores already
    split, number = name.split('_')
    drawn = draw_face(np.random.default_rng([seed, ('train', 'val').index(split), int(number)]), size=size)
    return Sample(encode_jpeg(drawn.image, quality=92), drawn.category, (drawn.category > 0).astype(np.uint8))
