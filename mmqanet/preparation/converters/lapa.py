"""LaPa to the prepared layout.

Reads ``{train,val,test}/images/NAME.jpg``, ``labels/NAME.png`` (class per pixel) and, for boxes by landmarks,
``landmarks/NAME.txt``: a first line with the number of points, then ``x y`` a line.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmqanet.datasets.faces import LaPaDataset
from mmqanet.errors import DataError
from mmqanet.preparation.converters.base import Converter, Split, find, find_folders
from mmqanet.preparation.converters.batch import Sample
from mmqanet.preparation.converters.faces import box_around, check_labels, head_sample
from mmqanet.utils.files import read_bytes, read_label_map
from mmqanet.utils.folders import visible_files

FARTHEST = 2**31  # that a landmark may be from the corner, in pixels


@dataclass(frozen=True, kw_only=True)
class LaPaConverter(Converter):
    """The folder LaPa, or one that holds it."""

    title = 'LaPa'
    num_classes = len(LaPaDataset.METAINFO['classes'])
    splits = (Split('Training', 'train', 18176), Split('Validation', 'val', 2000), Split('Testing', 'test', 2000))

    def names(self, split: Split) -> list[str]:
        """The sorted names of a split's images; raises ``DataError`` where the source lacks what belongs to them."""
        folder = find(self.source, f'{split.short}/images').parent
        find_folders(folder, 'labels', *(('landmarks',) if self.own_boxes else ()))
        names = [path.stem for path in visible_files(folder / 'images') if path.suffix == '.jpg']
        if not names:
            raise DataError(f'{folder / "images"}: no .jpg files')
        return names

    def load(self, split: Split, name: str) -> Sample:
        """An image of the source with its labels; raises ``DataError`` where a file is missing or broken."""
        folder = find(self.source, f'{split.short}/images').parent
        path = folder / 'labels' / f'{name}.png'
        classes = LaPaDataset.METAINFO['classes']
        labels = check_labels(read_label_map(path), classes, where=path)
        return head_sample(folder / 'images' / f'{name}.jpg', labels, classes, where=path)


@dataclass(frozen=True, kw_only=True)
class LaPaLandmarksConverter(LaPaConverter):
    """The same with boxes around the landmarks."""

    own_boxes = True

    @property
    def settings(self) -> dict:
        """What tells one conversion from another."""
        return super().settings | {'boxes': 'landmarks'}

    def box(self, split: Split, name: str) -> list[float]:
        """The square around the landmarks, made larger; raises ``DataError`` where the file is missing or broken."""
        return box_around(read_points(find(self.source, f'{split.short}/images').parent / 'landmarks' / f'{name}.txt'))


def read_points(path: Path) -> np.ndarray:
    """The landmarks (K, 2) of a file whose first line is their number.

    Raises:
        DataError: it is missing, or its lines are not as many as it says.
    """
    try:
        lines = read_bytes(path).decode().split('\n')
        points = np.array([[float(word) for word in line.split()] for line in lines[1:] if line.strip()])
        number = int(lines[0])
    except (UnicodeDecodeError, ValueError):
        points, number = np.zeros((0, 2)), -1
    if points.shape != (number, 2) or not number or not (np.abs(points) < FARTHEST).all():
        raise DataError(f'{path}: not a number of landmarks and as many lines "x y"')
    return points
