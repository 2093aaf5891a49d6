"""LIP to the prepared layout.

Reads ``TrainVal_images/{train,val}_images/NAME.jpg``,
``TrainVal_parsing_annotations/{train,val}_segmentations/NAME.png`` and ``{train,val}_id.txt``, each up to two folders below
the source. The photos of the test server have no public labels and are not converted.
"""
from dataclasses import dataclass

from mmqanet.datasets.lip import LIPDataset
from mmqanet.preparation.converters.base import Converter, Split, find, listed_or_found
from mmqanet.preparation.converters.batch import Sample, load_single_person


@dataclass(frozen=True, kw_only=True)
class LIPConverter(Converter):
    """The folder into which the archives of LIP were unpacked."""

    title = 'LIP'
    num_classes = len(LIPDataset.METAINFO['classes'])
    splits = (Split('Training', 'train', 30462), Split('Validation', 'val', 10000))
    whole_image = True

    def names(self, split: Split) -> list[str]:
        """The sorted names of a split's images; raises ``DataError`` where the source lacks what belongs to them."""
        images = find(self.source, f'{split.short}_images')
        find(self.source, f'{split.short}_segmentations')
        return listed_or_found(self.source, f'{split.short}_id.txt', images)

    def load(self, split: Split, name: str) -> Sample:
        """An image of the source with its maps; raises ``DataError`` where a file is missing or broken."""
        return load_single_person(find(self.source, f'{split.short}_images') / f'{name}.jpg',
                                  find(self.source, f'{split.short}_segmentations') / f'{name}.png')
