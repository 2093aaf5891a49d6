"""VIP's annotated frames to the prepared layout, the folder of the video in every name.

Reads ``VIP_Fine``: ``Images/videosN/FRAME.jpg``, ``Category_ids``, ``Human_ids`` and ``Instance_ids`` (PNG and TXT) in
``Annotations`` or directly beside ``Images``, and ``lists/{train,val,test}_id.txt``, whose lines are ``videosN/FRAME``. The
coloured maps and the frames in between (``VIP_Sequence``, ``VIP_Videos``) are not needed. Testing has no public labels: its
images alone are converted.
"""
from dataclasses import dataclass
from pathlib import Path

from mmqanet.datasets.vip import VIPDataset
from mmqanet.errors import DataError
from mmqanet.preparation.converters.base import Converter, Split, find, read_names
from mmqanet.preparation.converters.batch import Sample
from mmqanet.preparation.converters.cihp import load_people


@dataclass(frozen=True, kw_only=True)
class VIPConverter(Converter):
    """The folder VIP_Fine, or one that holds it."""

    title = 'VIP'
    num_classes = len(VIPDataset.METAINFO['classes'])
    splits = (Split('Training', 'train'), Split('Validation', 'val'), Split('Testing', 'test', labelled=False))

    def names(self, split: Split) -> list[str]:
        """The names of a split's frames, ``videosN/FRAME``; ``DataError`` where the source lacks what belongs to them."""
        if split.labelled:
            self._labels()
        find(self.source, 'Images')
        names = read_names(find(self.source, f'lists/{split.short}_id.txt'))
        wrong = [name for name in names if name.count('/') != 1]
        if wrong:
            raise DataError(f'{self.source}: lists/{split.short}_id.txt: {wrong[0]!r} is not videosN/FRAME')
        return names

    def load(self, split: Split, name: str) -> Sample:
        """A frame with its maps; raises ``DataError`` where a file is missing or broken."""
        image = find(self.source, 'Images') / f'{name}.jpg'
        return load_people(self._labels(), image, name) if split.labelled else Sample(image)

    def _labels(self) -> Path:
        """The folder that holds the label maps."""
        return find(self.source, 'Category_ids').parent
