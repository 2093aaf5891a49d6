"""PASCAL-Person-Part out of PASCAL-Part's MATLAB files, to the prepared layout.

Reads ``Annotations_Part/NAME.mat``, ``JPEGImages/NAME.jpg`` of VOC 2010, and a list of names for each split. A MATLAB file
holds the structure ``anno``: ``anno.objects(k)`` has ``class``, ``mask`` and ``parts``, a part ``part_name`` and ``mask``.
Objects of other classes than person are background. The parts are merged as :data:`PARTS` says, left and right together.

What the published descriptions leave open is decided so:

- The neck belongs to the head (``neck='torso'`` puts it there), hands to the lower arms, feet to the lower legs.
- A person's pixels are those of the object's mask and of the parts. Where no part is, the label is 255: there is somebody,
  but what part it is nobody says.
- Where merged parts of a person overlap, the one with the fewest pixels has the pixel; where people do, the person with
  the fewest pixels.
- A person without any part stays in ``Human_ids`` and is not in the JSON. An object or part whose mask is empty, a part of
  an unknown name and a photo without a person are errors.
"""
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmqanet.datasets.pascal_person_part import PascalPersonPartDataset
from mmqanet.errors import DataError, InputError
from mmqanet.functional.image_parsing import IGNORE
from mmqanet.preparation.converters.base import Converter, Split, find, read_names
from mmqanet.preparation.converters.batch import Sample
from mmqanet.preparation.converters.prepared import stack_people
from mmqanet.utils.matlab import read_mat

# Merged class: PASCAL-Part's names; l and r in front are the person's left and right.
PARTS = {
    'head': ('head', 'hair', 'nose', 'mouth', 'neck', 'leye', 'reye', 'lear', 'rear', 'lebrow', 'rebrow'),
    'torso': ('torso',),
    'upper-arms': ('luarm', 'ruarm'),
    'lower-arms': ('llarm', 'rlarm', 'lhand', 'rhand'),
    'upper-legs': ('luleg', 'ruleg'),
    'lower-legs': ('llleg', 'rlleg', 'lfoot', 'rfoot'),
}
NECKS = ('head', 'torso')


@dataclass(frozen=True, kw_only=True)
class PascalPersonPartConverter(Converter):
    """The folder that holds ``Annotations_Part`` and VOC 2010's ``JPEGImages``.

    Args:
        lists: files with the names of the training and the testing split.
        images: folder of the photos, where ``source`` does not hold them.
        neck: the class of the neck, ``'head'`` or ``'torso'``.
    """

    lists: tuple[Path, ...] = ()
    images: Path | None = None
    neck: str = 'head'

    title = 'PASCAL-Person-Part'
    num_classes = len(PascalPersonPartDataset.METAINFO['classes'])
    splits = (Split('Training', 'train', 1717), Split('Testing', 'test', 1818))
    unlabelled_is_fault = False

    def __post_init__(self) -> None:
        if self.neck not in NECKS:
            raise InputError(f'neck must be one of {NECKS}, got {self.neck!r}')

    @property
    def settings(self) -> dict:
        """What decides on the files that are written; another run into the folder must agree with it."""
        return {**super().settings, 'neck': self.neck}

    def names(self, split: Split) -> list[str]:
        """The sorted names of a split's images; raises ``DataError`` where the source lacks what belongs to them."""
        if len(self.lists) != len(self.splits):
            raise InputError(f'lists must name {len(self.splits)} files, one a split, got {len(self.lists)}')
        find(self.source, 'Annotations_Part')
        self._images()
        return read_names(self.lists[self.splits.index(split)])

    def load(self, split: Split, name: str) -> Sample:
        """An image of the source with its maps; raises ``DataError`` where a file is missing or broken."""
        path = find(self.source, 'Annotations_Part') / f'{name}.mat'
        people = []
        for number, thing in enumerate(_entries(_get(read_mat(path, 'anno'), 'objects', path)), 1):
            if str(_get(thing, 'class', path)) == 'person':
                people.append(merge_parts(thing, f'{path}: object {number}', neck=self.neck))
        if not people:
            raise DataError(f'{path}: no person in it')
        shapes = {person.shape for person in people}
        if len(shapes) > 1:
            raise DataError(f'{path}: masks of different sizes, {" and ".join(map(str, sorted(shapes)))} (rows, columns)')
        return Sample(self._images() / f'{name}.jpg', *stack_people(people))

    def _images(self) -> Path:
        return self.images or find(self.source, 'JPEGImages')


def merge_parts(person: dict, name: str, *, neck: str = 'head') -> np.ndarray:
    """The (H, W) uint8 label map of one person: the six merged parts, 255 where the person has no part, 0 elsewhere.

    Args:
        person: an object of PASCAL-Part: ``mask`` (H, W) and ``parts``, each with ``part_name`` and ``mask`` (H, W).
        name: what errors call it.
        neck: the class of the neck.

    Raises:
        DataError: a field is missing, a part has an unknown name, or masks are empty or of different sizes.
    """
    mask = _mask(person, name)
    merged: dict[str, np.ndarray] = {}
    for part in _entries(_get(person, 'parts', name)):
        title = str(_get(part, 'part_name', name))
        label = neck if title == 'neck' else next((label for label, titles in PARTS.items() if title in titles), None)
        if label is None:
            raise DataError(f'{name}: unknown part {title!r}')
        pixels = _mask(part, f'{name}: part {title}')
        if pixels.shape != mask.shape:
            raise DataError(f'{name}: part {title} of {pixels.shape} (rows, columns), but the person has {mask.shape}')
        merged[label] = merged.get(label, False) | pixels
    background = np.where(mask, np.uint8(IGNORE), np.uint8(0))
    if not merged:
        return background
    classes = PascalPersonPartDataset.METAINFO['classes']
    labels, _ = stack_people([pixels * np.uint8(classes.index(label)) for label, pixels in merged.items()])
    return np.where(labels > 0, labels, background)


def _mask(thing: dict, name: str) -> np.ndarray:
    mask = np.asarray(_get(thing, 'mask', name))
    if mask.ndim != 2 or mask.dtype.kind not in 'buif':
        raise DataError(f'{name}: mask must be a matrix of numbers, got {mask.dtype} of {mask.shape}')
    if not mask.any():
        raise DataError(f'{name}: mask has no pixel')
    return mask > 0


def _get(thing: Any, field: str, name: str | Path) -> Any:
    if not isinstance(thing, dict) or field not in thing:
        raise DataError(f'{name}: field {field!r} is missing')
    return thing[field]


def _entries(array: Any) -> list:
    """The entries of a structure array, which is read as a dict where it has but one."""
    return [array] if isinstance(array, dict) else list(np.ravel(array))
