"""Helen to the prepared layout, from either release of its part labels.

Smith et al.: ``images/NAME.jpg``, ``labels/NAME/NAME_lbl00.png`` to ``_lbl10.png`` (a soft mask a class, the largest counts)
and ``exemplars.txt``, ``tuning.txt``, ``testing.txt``, whose lines end in a name. JPlin (relabelled):
``{train,tune,test}/NAME_image.jpg`` and ``NAME_label.png``. Hair and skin differ between the two.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmqanet.datasets.faces import HelenDataset
from mmqanet.errors import DataError
from mmqanet.preparation.converters.base import Converter, Split, find
from mmqanet.preparation.converters.batch import Sample
from mmqanet.preparation.converters.faces import check_labels, head_sample, read_masks
from mmqanet.utils.files import read_bytes, read_label_map
from mmqanet.utils.folders import visible_files

CLASSES = HelenDataset.METAINFO['classes']
LISTS = dict(train='exemplars.txt', val='tuning.txt', test='testing.txt')
FOLDERS = dict(train='train', val='tune', test='test')


@dataclass(frozen=True, kw_only=True)
class HelenConverter(Converter):
    """The release of Smith et al."""

    title = 'Helen'
    num_classes = len(CLASSES)
    splits = (Split('Training', 'train', 2000), Split('Validation', 'val', 230), Split('Testing', 'test', 100))

    def names(self, split: Split) -> list[str]:
        """The names of a list; raises ``DataError`` where the source lacks what belongs to them."""
        find(self.source, 'images')
        find(self.source, 'labels')
        text = read_bytes(find(self.source, LISTS[split.short])).decode('utf-8-sig', 'replace')
        return [line.replace(',', ' ').split()[-1] for line in text.splitlines() if line.replace(',', ' ').strip()]

    def load(self, split: Split, name: str) -> Sample:
        """A photo with its labels; raises ``DataError`` where a file is missing or broken."""
        folder = find(self.source, 'labels') / name
        masks = read_masks(folder / f'{name}_lbl{label:02d}.png' for label in range(len(CLASSES)))
        return head_sample(find(self.source, 'images') / f'{name}.jpg', np.argmax(masks, axis=0), CLASSES, where=folder)


@dataclass(frozen=True, kw_only=True)
class RelabelledHelenConverter(HelenConverter):
    """The relabelled release."""

    @property
    def settings(self) -> dict:
        """What tells one conversion from another."""
        return super().settings | {'labels': 'relabelled'}

    def names(self, split: Split) -> list[str]:
        """The sorted names of a folder; raises ``DataError`` where there is none."""
        folder = self._folder(split)
        names = sorted(path.name.removesuffix('_image.jpg') for path in visible_files(folder)
                       if path.name.endswith('_image.jpg'))
        if not names:
            raise DataError(f'{folder}: no NAME_image.jpg')
        return names

    def load(self, split: Split, name: str) -> Sample:
        """A photo with its labels; raises ``DataError`` where a file is missing or broken."""
        path = self._folder(split) / f'{name}_label.png'
        labels = check_labels(read_label_map(path, first_channel=True), CLASSES, where=path)
        return head_sample(path.with_name(f'{name}_image.jpg'), labels, CLASSES, where=path)

    def _folder(self, split: Split) -> Path:
        return find(self.source, FOLDERS[split.short])
