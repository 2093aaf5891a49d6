"""MHP-v2 to the prepared layout.

Reads ``LV-MHP-v2/{train,val,test}/images/ID.jpg``, ``{train,val}/parsing_annos/ID_NN_KK.png`` (NN people in the image, this
is the KK-th) and ``list/{train,val,test_all}.txt``. Testing has no public labels: its images alone are converted.

A person's file has three channels, the label is the first one. Files without a label are skipped. People overlap: a pixel of
several belongs to the one with the fewest pixels (:func:`~mmqanet.preparation.converters.prepared.stack_people`), so a
person may be hidden altogether; the person's id is KK.
"""
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mmqanet.datasets.mhp_v2 import MHPv2Dataset
from mmqanet.errors import DataError
from mmqanet.preparation.converters.base import Converter, Split, find, find_folders, listed_or_found
from mmqanet.preparation.converters.batch import Sample
from mmqanet.preparation.converters.prepared import stack_people
from mmqanet.utils.files import check_shape, read_label_map
from mmqanet.utils.folders import visible_files

PERSON_FILE = re.compile(r'(.+)_(\d+)_(\d+)\.png')


@dataclass(frozen=True, kw_only=True)
class MHPv2Converter(Converter):
    """The archive of MHP-v2, or the folder that holds ``LV-MHP-v2``."""

    title = 'MHP-v2'
    num_classes = len(MHPv2Dataset.METAINFO['classes'])
    splits = (Split('Training', 'train', 15403), Split('Validation', 'val', 5000),
              Split('Testing', 'test', 5000, labelled=False))

    def names(self, split: Split) -> list[str]:
        """The sorted names of a split's images; raises ``DataError`` where the source lacks what belongs to them."""
        folder = find(self.source, split.short)
        find_folders(folder, 'images', *(('parsing_annos',) if split.labelled else ()))
        person_files.cache_clear()
        listing = {'test': 'test_all'}.get(split.short, split.short)
        return listed_or_found(folder.parent / 'list', f'{listing}.txt', folder / 'images')

    def load(self, split: Split, name: str) -> Sample:
        """An image of the source with its maps; raises ``DataError`` where a file is missing or broken."""
        folder = find(self.source, split.short)
        image = folder / 'images' / f'{name}.jpg'
        if not split.labelled:
            return Sample(image)
        paths = check_numbers(name, person_files(folder / 'parsing_annos').get(name, ()))
        people = [self._read(path) for path in paths]
        for path, labels in zip(paths, people):
            check_shape(labels, people[0].shape, path)
        category, human = stack_people(people)
        notes = []
        for person, (path, labels) in enumerate(zip(paths, people), 1):
            if not labels.any():
                notes.append(('person files without a label, skipped', path.name))
            elif not (human == person).any():
                notes.append(('people hidden altogether by others, left out', path.name))
        return Sample(image, category, human, notes=tuple(notes))

    def _read(self, path: Path) -> np.ndarray:
        labels = read_label_map(path, first_channel=True)
        if labels.max(initial=0) >= self.num_classes:
            raise DataError(f'{path}: label {labels.max()} is outside [0, {self.num_classes})')
        return labels.astype(np.uint8)


@lru_cache(maxsize=4)
def person_files(folder: Path) -> dict[str, list[Path]]:
    """The files of ``parsing_annos`` by image; read once a process, because there are tens of thousands."""
    files = defaultdict(list)
    for path in visible_files(folder):
        if match := PERSON_FILE.fullmatch(path.name):
            files[match[1]].append(path)
    return dict(files)


def check_numbers(name: str, paths: list[Path] | tuple[Path, ...]) -> list[Path]:
    """The files of an image's people, in the order of KK, if they are as many as their names promise."""
    numbers = [tuple(map(int, PERSON_FILE.fullmatch(path.name).groups()[1:])) for path in paths]  # type: ignore[union-attr]
    if not numbers:
        raise DataError(f'{name}: no person has a file in parsing_annos')
    count = numbers[0][0]
    if sorted(numbers) != [(count, i) for i in range(1, count + 1)]:
        raise DataError(f'{name}: {len(paths)} person files, whose names do not run from 1 to one number of people: '
                        f'{", ".join(path.name for path in paths)}')
    return sorted(paths, key=lambda path: int(path.stem.rsplit('_', 1)[1]))
