"""The files of the LIP / CIHP / VIP challenge servers (docs/metrics.md), written and read.

    global_parsing/NAME.png          class per pixel
    instance_segmentation/NAME.png   person index per pixel, NAME.txt: line k ``score y1 x1 y2 x2`` of person k
    instance_parsing/NAME.png        part index per pixel, NAME.txt: line k ``class_id score`` of part k

NAME may hold sub-folders (videos). An image for which nothing was predicted has no files.
"""
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.folders import complete_names
from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.functional.overlaps import distinct
from mmqanet.functional.people import CroppedPeople
from mmqanet.structures.image_truth import check_ids
from mmqanet.utils.files import check_shape, read_label_map, read_rows, whole_number, write_bytes, write_label_map

GLOBAL, HUMANS, PARTS = 'global_parsing', 'instance_segmentation', 'instance_parsing'
MAX_PARTS = 254  # 0 is background and 255 reserved in the servers' 8-bit maps


@dataclass(frozen=True, kw_only=True, eq=False)
class Submission(ImageParsing):
    """The prediction for one image as the files hold it: people are numbered by ascending score.

    Attributes:
        boxes: (N, 4) int64 rows (y1, x1, y2, x2) of the people.
    """

    boxes: np.ndarray


def make_submission(parsing: ImageParsing, people: CroppedPeople) -> Submission:
    """Number the visible people by ascending instance score, as the official files do.

    Args:
        parsing: the image, with scores.
        people: all its people, whole; number i of ``parsing.human`` is the one at i - 1.
    """
    assert parsing.person_scores is not None
    visible = distinct(parsing.human) - 1
    visible = visible[np.argsort(parsing.person_scores[visible], kind='stable')]
    number = np.zeros(len(people) + 1, dtype=np.uint8 if len(visible) < 256 else np.uint16)
    number[visible + 1] = np.arange(1, len(visible) + 1)
    return Submission(
        category=parsing.category, human=number[parsing.human], part=parsing.part, part_labels=parsing.part_labels,
        part_people=number[parsing.part_people + 1].astype(np.int64) - 1, part_scores=parsing.part_scores,
        person_scores=parsing.person_scores[visible], boxes=people.extents(visible))


def write_submission(folder: str | Path, name: str, submission: Submission) -> list[Path]:
    """Write the five files of image ``name`` (no suffix; may start with sub-folders) under ``folder``; returns their paths.

    Warns where the format's limit of 254 parts drops the parts numbered above it.
    """
    if Path(name).is_absolute() or '..' in Path(name).parts:
        raise InputError(f'name {name!r} must be a relative path without ".."')
    part, count = submission.part, len(submission.part_labels)
    if count > MAX_PARTS:
        warnings.warn(f'{name}: {count} visible parts, the submission format holds {MAX_PARTS}; '
                      f'{count - MAX_PARTS} are dropped', stacklevel=2)
        part, count = np.where(part > MAX_PARTS, 0, part), MAX_PARTS
    assert submission.person_scores is not None
    assert submission.part_scores is not None
    human_lines = [f'{score} {" ".join(map(str, box))}' for score, box in zip(submission.person_scores,
                                                                              submission.boxes.tolist())]
    part_lines = [f'{label} {score}' for label, score in zip(submission.part_labels[:count],
                                                             submission.part_scores[:count])]
    files = [_path(folder, GLOBAL, name, '.png')]
    files += [_path(folder, kind, name, suffix) for kind in (HUMANS, PARTS) for suffix in ('.png', '.txt')]
    write_label_map(files[0], submission.category)
    write_label_map(files[1], submission.human)
    write_bytes(files[2], _text(human_lines))
    write_label_map(files[3], part)
    write_bytes(files[4], _text(part_lines))
    return files


def read_submission(folder: str | Path, name: str, *, num_classes: int,
                    shape: tuple[int, int] | None = None) -> Submission:
    """Read the files of image ``name``.

    Args:
        num_classes: C; classes outside [0, C) in the maps or [1, C) in the part list are an error.
        shape: (H, W) that the maps must have; None takes the global map's.

    Raises:
        DataError: a file is missing, broken, of another size, or its lines do not match its map; names the file.
    """
    category = read_category(folder, name, num_classes=num_classes, shape=shape)
    human_path, part_path = _path(folder, HUMANS, name, '.png'), _path(folder, PARTS, name, '.png')
    human, part = read_label_map(human_path), read_label_map(part_path)
    for path, values in ((human_path, human), (part_path, part)):
        check_shape(values, category.shape, path)
    human_rows = read_rows(human_path.with_suffix('.txt'), (float, *[_coordinate] * 4), 'score y1 x1 y2 x2',
                           may_be_absent=not human.any())
    part_rows = read_rows(part_path.with_suffix('.txt'), (whole_number, float), 'class_id score',
                          may_be_absent=not part.any())
    for path, values, rows in ((human_path, human, human_rows), (part_path, part, part_rows)):
        check_ids(values, np.arange(1, len(rows) + 1), path, path.with_suffix('.txt'))
    labels = np.array([label for label, _ in part_rows], dtype=np.int64)
    for line, label in enumerate(labels, 1):
        if not 1 <= label < num_classes:
            raise DataError(f'{part_path.with_suffix(".txt")}:{line}: class {label} is outside [1, {num_classes})')
    owners = np.zeros(len(labels) + 1, dtype=np.int64)
    owners[part.ravel()] = human.ravel()
    return Submission(
        category=category, human=human, part=part, part_labels=labels, part_people=owners[1:] - 1,
        part_scores=np.array([score for _, score in part_rows], dtype=np.float64),
        person_scores=np.array([row[0] for row in human_rows], dtype=np.float64),
        boxes=np.array([row[1:] for row in human_rows], dtype=np.int64).reshape(-1, 4))


def read_category(folder: str | Path, name: str, *, num_classes: int,
                  shape: tuple[int, int] | None = None) -> np.ndarray:
    """The class map of image ``name``; errors as in :func:`read_submission`."""
    path = _path(folder, GLOBAL, name, '.png')
    category = read_label_map(path)
    if shape is not None:
        check_shape(category, shape, path)
    if category.size and category.max() >= num_classes:
        raise DataError(f'{path}: class {category.max()} is outside [0, {num_classes})')
    return category


def submitted_names(folder: str | Path, *, image_only: bool = False) -> list[str]:
    """Sorted names of the images that have files under ``folder``.

    Raises:
        DataError: a folder of the layout is missing or all are empty, or an image has some of its files but not all.
    """
    kinds = [(GLOBAL, '.png')]
    if not image_only:
        kinds += [(kind, suffix) for kind in (HUMANS, PARTS) for suffix in ('.png', '.txt')]
    return complete_names(Path(folder), kinds)


def _path(folder: str | Path, kind: str, name: str, suffix: str) -> Path:
    return Path(folder) / kind / f'{name}{suffix}'  # not with_suffix: a name may hold dots


def _coordinate(word: str) -> int:
    return round(float(word))  # other models write boxes with decimals; no metric uses them


def _text(lines: list[str]) -> bytes:
    return ''.join(f'{line}\n' for line in lines).encode()
