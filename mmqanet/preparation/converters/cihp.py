"""CIHP to the prepared layout, in which it nearly lies: what it lacks is the JSON.

Reads ``instance-level_human_parsing/{Training,Validation,Testing}`` with ``Images``, ``Category_ids``, ``Human_ids`` and
``Instance_ids`` (PNG and TXT), and ``{train,val,test}_id.txt``; the coloured maps beside them are not needed. Testing has no
public labels: its images alone are converted.

The official part ids are kept where PNG and TXT agree with each other and with the maps of classes and people. Otherwise
(one is missing, or an 8-bit PNG whose ids pass 255) they are numbered anew out of those maps, which the report tells.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmqanet.datasets.cihp import CIHPDataset
from mmqanet.errors import DataError
from mmqanet.preparation.converters.base import Converter, Split, find, find_folders, listed_or_found
from mmqanet.preparation.converters.batch import Sample
from mmqanet.preparation.converters.prepared import check_parts
from mmqanet.utils.files import read_label_map, read_rows


@dataclass(frozen=True, kw_only=True)
class CIHPConverter(Converter):
    """The archive of CIHP, or the folder that holds ``instance-level_human_parsing``."""

    title = 'CIHP'
    num_classes = len(CIHPDataset.METAINFO['classes'])
    splits = (Split('Training', 'train', 28280), Split('Validation', 'val', 5000),
              Split('Testing', 'test', 5000, labelled=False))

    def names(self, split: Split) -> list[str]:
        """The sorted names of a split's images; raises ``DataError`` where the source lacks what belongs to them."""
        folder = find(self.source, split.folder)
        find_folders(folder, 'Images', *(('Category_ids', 'Human_ids') if split.labelled else ()))
        return listed_or_found(folder, f'{split.short}_id.txt', folder / 'Images')

    def load(self, split: Split, name: str) -> Sample:
        """An image of the source with its maps; raises ``DataError`` where a file is missing or broken."""
        folder = find(self.source, split.folder)
        image = folder / 'Images' / f'{name}.jpg'
        return load_people(folder, image, name) if split.labelled else Sample(image)


def load_people(folder: Path, image: Path, name: str) -> Sample:
    """An image with its maps, which lie in ``folder`` under its name.

    Raises:
        DataError: a map of classes or people is missing or broken.
    """
    category, human = (read_label_map(folder / kind / f'{name}.png') for kind in ('Category_ids', 'Human_ids'))
    try:
        return Sample(image, category, human, parts=read_parts(folder / 'Instance_ids', name, category, human))
    except DataError as error:
        note = 'part ids numbered anew, because the official ones do not fit', f'{name}: {error}'
        return Sample(image, category, human, notes=(note,))


def read_parts(folder: Path, name: str, category: np.ndarray, human: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The official (H, W) map of part ids and its (K, 3) table.

    Raises:
        DataError: they are missing or broken, or disagree with each other or with the (H, W) maps.
    """
    instance = read_label_map(folder / f'{name}.png')
    rows = read_rows(folder / f'{name}.txt', (int, int, int), 'part_id class_id human_id')
    check_parts(name, instance, rows, category, human)
    return instance, np.array(rows, np.int32).reshape(-1, 3)
