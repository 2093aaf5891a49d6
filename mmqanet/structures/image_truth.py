"""The annotation of an image, and the files of the prepared layout that hold it."""
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmqanet.errors import DataError
from mmqanet.functional.overlaps import distinct
from mmqanet.utils.files import PathLike, check_shape, read_label_map, read_rows, whole_number

IGNORE = 255


@dataclass(frozen=True)
class ImageTruth:
    """Annotation of one image.

    ``category``, ``human``, ``part``: (H, W) integers, class, person id and part id of each pixel (the last two may
    be None where no metric needs them). ``parts``: (L, 3) rows (part id, class, human id) of ``part``.
    """

    category: np.ndarray
    human: np.ndarray | None = None
    part: np.ndarray | None = None
    parts: np.ndarray | None = None

    def relabelled(self, labels: np.ndarray) -> 'ImageTruth':
        """With other labels: ``labels`` (256,) uint8 says what each becomes. Parts that become ignored or background are
        left out."""
        category = labels[self.category]
        if self.part is None or self.parts is None:
            return ImageTruth(category, self.human)
        rows = np.column_stack([self.parts[:, 0], labels[self.parts[:, 1]], self.parts[:, 2]]).astype(np.int64)
        kept = (rows[:, 1] > 0) & (rows[:, 1] != IGNORE)
        part = self.part if kept.all() else np.where(np.isin(self.part, rows[~kept, 0]), 0, self.part)
        return ImageTruth(category, self.human, part, rows[kept])


def read_truth(category: PathLike, human: PathLike | None = None, instance: PathLike | None = None, *, num_classes: int,
               num_partial_labels: int = 0, shape: tuple[int, int] | None = None) -> ImageTruth:
    """Read the annotation of an image.

    Args:
        category: PNG of classes in ``[0, num_classes)``, then of partial labels, or 255 = ignore.
        human: PNG of person ids, where they are needed.
        instance: PNG of part ids, where they are needed; its table, ``part_id class_id human_id``, is the TXT beside it.
        num_classes: C, background included.
        num_partial_labels: labels from C on, which leave open which of several classes is right. Nothing can be compared
            with them: their pixels are ignored, and their parts are left out.
        shape: (H, W) of the image; ``None`` is that of the class map.

    Returns:
        ImageTruth: ``category`` uint8, ``human`` and ``part`` int32, ``parts`` int64.

    Raises:
        DataError: a file is missing, broken or of another size, a label is out of range, or the table does not list
            exactly the ids of the part map.
    """
    classes = read_category_map(category, shape=shape, num_classes=num_classes + num_partial_labels)
    labels = np.arange(256, dtype=np.uint8)
    labels[num_classes:] = IGNORE
    shape = classes.shape[0], classes.shape[1]
    people = read_sized_map(human, shape=shape).astype(np.int32) if human else None
    if not instance:
        return ImageTruth(classes, people).relabelled(labels)
    ids = read_sized_map(instance, shape=shape).astype(np.int32)
    table = Path(instance).with_suffix('.txt')
    parts = read_part_table(table, ids, instance, num_classes=num_classes + num_partial_labels)
    return ImageTruth(classes, people, ids, parts).relabelled(labels)


def read_category_map(path: PathLike, *, num_classes: int, shape: tuple[int, int] | None = None) -> np.ndarray:
    """The class map (H, W) uint8 of an image, labels in [0, C) or 255; of a ``shape`` (H, W), where it is given.

    Raises:
        DataError: the file is missing or broken, of another size, or holds another label.
    """
    labels = read_label_map(path) if shape is None else read_sized_map(path, shape=shape)
    large = labels >= num_classes
    if large.any() and (wrong := labels[large & (labels != IGNORE)]).size:
        raise DataError(f'{path}: label {wrong[0]} is out of range for {num_classes} classes (255 = ignore)')
    return labels.astype(np.uint8, copy=False)


def read_sized_map(path: PathLike, *, shape: tuple[int, int]) -> np.ndarray:
    """A label map (H, W) of an image of this shape; raises ``DataError`` where it is of another size."""
    labels = read_label_map(path)
    check_shape(labels, shape, path)
    return labels


def read_part_table(path: Path, ids: np.ndarray, ids_path: PathLike, *, num_classes: int) -> np.ndarray:
    """The rows (L, 3) int64 (part id, class, human id) that describe the part ids (H, W) of a map.

    Raises:
        DataError: the file is missing or broken, an id is listed twice or is not positive, a class lies outside [1, C), or
            the ids are not exactly those of the map. The file may be absent where the map holds none.
    """
    rows = read_rows(path, (whole_number, whole_number, whole_number), 'instance_part_id class_id human_id',
                     may_be_absent=not ids.any())
    listed = set[int]()
    for line, (part_id, label, _) in enumerate(rows, 1):
        if part_id < 1 or part_id in listed:
            raise DataError(f'{path}:{line}: part id {part_id} is {"listed twice" if part_id > 0 else "not positive"}')
        if not 1 <= label < num_classes:
            raise DataError(f'{path}:{line}: class {label} is outside [1, {num_classes})')
        listed.add(part_id)
    parts = np.array(rows, dtype=np.int64).reshape(-1, 3)
    check_ids(ids, parts[:, 0], Path(ids_path), path)
    return parts


def check_ids(labels: np.ndarray, listed: np.ndarray, path: Path, table_path: Path) -> None:
    """Raise ``DataError`` unless the ids above 0 of a map are exactly those that its TXT lists."""
    drawn = distinct(labels)
    unlisted, undrawn = np.setdiff1d(drawn, listed), np.setdiff1d(listed, drawn)
    if len(unlisted):
        raise DataError(f'{table_path}: no line for id {unlisted[0]}, which {path.name} holds '
                        f'({len(unlisted)} such ids)')
    if len(undrawn):
        raise DataError(f'{table_path}: a line for id {undrawn[0]}, which has no pixel in {path.name} '
                        f'({len(undrawn)} such ids)')
