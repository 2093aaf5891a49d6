"""ATR to the prepared layout.

Reads ``humanparsing/JPEGImages/NAME.jpg`` and ``humanparsing/SegmentationClassAug/NAME.png``. The archive has no split: it
is given by lists of names, or drawn by a seed (700 validation, 1,000 test, the rest training), which is that of no paper.
"""
from dataclasses import dataclass
from pathlib import Path

from mmqanet.datasets.atr import ATRDataset
from mmqanet.errors import InputError
from mmqanet.preparation.converters.base import Converter, Split, draw_names, find, listed_or_found, read_names
from mmqanet.preparation.converters.batch import Sample, load_single_person


@dataclass(frozen=True, kw_only=True)
class ATRConverter(Converter):
    """The archive of ATR, or the folder that holds ``humanparsing``.

    Args:
        lists: files with the names of the training, validation and test split; empty draws the splits.
        seed: of the split that is drawn.
    """

    lists: tuple[Path, ...] = ()
    seed: int = 0

    title = 'ATR'
    num_classes = len(ATRDataset.METAINFO['classes'])
    splits = (Split('Training', 'train', 16000), Split('Validation', 'val', 700), Split('Testing', 'test', 1000))
    whole_image = True

    def __post_init__(self) -> None:
        if len(self.lists) not in (0, len(self.splits)):
            raise InputError(f'lists must name {len(self.splits)} files, one a split, got {len(self.lists)}')

    @property
    def settings(self) -> dict:
        """What decides on the files that are written; another run into the folder must agree with it."""
        return {**super().settings, 'split': [path.name for path in self.lists] or f'seed {self.seed}'}

    def names(self, split: Split) -> list[str]:
        """The sorted names of a split's images; raises ``DataError`` where the source lacks what belongs to them."""
        images = find(self.source, 'JPEGImages')
        find(self.source, 'SegmentationClassAug')
        if self.lists:
            return read_names(self.lists[self.splits.index(split)])
        rest, test = draw_names(listed_or_found(images, '*.txt', images), 1000, seed=self.seed)
        train, val = draw_names(rest, 700, seed=self.seed)
        return {'train': train, 'val': val, 'test': test}[split.short]

    def load(self, split: Split, name: str) -> Sample:
        """An image of the source with its maps; raises ``DataError`` where a file is missing or broken."""
        return load_single_person(find(self.source, 'JPEGImages') / f'{name}.jpg',
                                  find(self.source, 'SegmentationClassAug') / f'{name}.png')
