"""iBugMask to the prepared layout, with its 14 classes or with LaPa's 11.

Reads ``{train,test}/NAME.jpg`` with the labels beside it, ``NAME.png``. With 11 classes ears and glasses become skin, as
LaPa counts them.
"""
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mmqanet.datasets.faces import IBUGMASK_14_CLASSES, LAPA_CLASSES
from mmqanet.errors import DataError
from mmqanet.functional.image_parsing import IGNORE
from mmqanet.preparation.converters.base import Converter, Split, find
from mmqanet.preparation.converters.batch import Sample
from mmqanet.preparation.converters.faces import check_labels, head_sample
from mmqanet.utils.files import read_label_map
from mmqanet.utils.folders import visible_files


@dataclass(frozen=True, kw_only=True)
class IBugMask14Converter(Converter):
    """The folder with train/ and test/."""

    title = 'iBugMask-14'
    classes: ClassVar[tuple[str, ...]] = IBUGMASK_14_CLASSES
    splits = (Split('Training', 'train'), Split('Testing', 'test'))

    @property
    def num_classes(self) -> int:
        """C, background included."""
        return len(self.classes)

    def names(self, split: Split) -> list[str]:
        """The sorted names of a split's images; raises ``DataError`` where there is none."""
        folder = find(self.source, split.short)
        names = [path.stem for path in visible_files(folder) if path.suffix == '.jpg']
        if not names:
            raise DataError(f'{folder}: no .jpg files')
        return names

    def load(self, split: Split, name: str) -> Sample:
        """An image with its labels; raises ``DataError`` where a file is missing or broken."""
        path = find(self.source, split.short) / f'{name}.png'
        labels = check_labels(read_label_map(path, first_channel=True), IBUGMASK_14_CLASSES, where=path)
        return head_sample(path.with_suffix('.jpg'), self._merged(labels), self.classes, where=path)

    def _merged(self, labels: np.ndarray) -> np.ndarray:
        return labels


@dataclass(frozen=True, kw_only=True)
class IBugMaskConverter(IBugMask14Converter):
    """The same with 11 classes."""

    title = 'iBugMask'
    classes = LAPA_CLASSES

    def _merged(self, labels: np.ndarray) -> np.ndarray:
        beyond = (labels >= len(LAPA_CLASSES)) & (labels != IGNORE)
        return np.where(beyond, LAPA_CLASSES.index('skin'), labels)
