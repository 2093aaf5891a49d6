"""Which coarser label sets the classes of a data set can be merged into, and how.

``full`` is always what the model has. The classes of :class:`~mmqanet.datasets.ccp_sides.CCPSidesDataset` also become

- ``merged16``, those of :class:`~mmqanet.datasets.ccp.CCPMergedDataset`: one skin, one kind of shoe.
- ``atr``, those of :class:`~mmqanet.datasets.atr.ATRDataset`. ATR has no torso skin, which joins the face that ends in
  it; nor hosiery, which has no side here and joins the pants; nor accessories, whose pixels go to what else is likely there.
"""
from collections.abc import Sequence
from dataclasses import dataclass

from mmqanet.datasets.atr import ATRDataset
from mmqanet.datasets.ccp import CCPMergedDataset
from mmqanet.datasets.ccp_sides import CCP_SIDES_CLASSES, CCP_SIDES_ORIGINS
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.errors import InputError

FULL = 'full'
_TO_ATR = {
    'eyewear': 'sunglasses', 'top': 'upper-clothes', 'outerwear': 'upper-clothes', 'trousers': 'pants', 'shorts': 'pants',
    'hosiery': 'pants', 'torso-skin': 'face', 'accessories': None,
}


@dataclass(frozen=True)
class ClassSet:
    """A label set that a network's classes are merged into.

    dataset: the data set whose classes they are.
    table: for each class of the network the merged one, -1 for none.
    """

    dataset: type[HumanParsingDataset]
    table: tuple[int, ...]


def _atr_table() -> tuple[int, ...]:
    targets = [_TO_ATR.get(name, name) for name in CCP_SIDES_CLASSES]
    return tuple(-1 if name is None else ATRDataset.METAINFO['classes'].index(name) for name in targets)


CLASS_SETS = {
    CCP_SIDES_CLASSES: {
        'merged16': ClassSet(CCPMergedDataset, CCP_SIDES_ORIGINS),
        'atr': ClassSet(ATRDataset, _atr_table()),
    },
}


def find_class_set(classes: Sequence[str], name: str) -> ClassSet:
    """The label set of that name, other than ``'full'``, for a model of these ``classes``.

    Raises:
        InputError: there is none; the message lists those there are.
    """
    known = CLASS_SETS.get(tuple(classes), {})
    if name not in known:
        raise InputError(f'classes is {name!r}, but this model of {len(classes)} classes knows {", ".join([FULL, *known])}')
    return known[name]
