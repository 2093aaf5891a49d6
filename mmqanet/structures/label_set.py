"""What the labels of a data set or model mean: the names of the classes, their colours, and which are left and right."""
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mmqanet.errors import InputError
from mmqanet.functional.mirroring import mirrored_classes
from mmqanet.utils.wording import count_of


@dataclass(frozen=True)
class LabelSet:
    """C classes, background first.

    Args:
        classes: C names.
        palette: C colours, (red, green, blue) from 0 to 255.
        flip_pairs: pairs of classes that a mirror exchanges, such as left and right arm.

    Raises:
        InputError: there are fewer than two classes, or not as many colours; a pair leaves the classes; a field is of
            another form. The message names the field.
    """

    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    flip_pairs: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        for name in ('classes', 'palette'):
            given = getattr(self, name)
            if isinstance(given, str):
                raise InputError(f'{name} is the string {given!r}; a sequence of one is ({given!r},)')
        for name, size in (('palette', 3), ('flip_pairs', 2)):
            object.__setattr__(self, name, _rows(name, getattr(self, name), size))
        object.__setattr__(self, 'classes', tuple(self.classes))
        number, colours = len(self.classes), len(self.palette)
        if number < 2 or colours != number:
            raise InputError(f'{count_of(number, "class", "classes")}, two at least and background first, with a palette of '
                             f'{count_of(colours, "colour")}')
        if any(not 0 < label < number for pair in self.flip_pairs for label in pair):
            raise InputError(f'flip_pairs {list(self.flip_pairs)} leave the {number} classes')

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> 'LabelSet':
        """The label set of a data set's ``metainfo`` or a model's ``dataset_meta``; ``flip_pairs`` may be missing there.

        Raises:
            InputError: as the class, or classes or palette are missing.
        """
        for name in ('classes', 'palette'):
            if name not in meta:
                raise InputError(f'{name}: none are named')
        return cls(meta['classes'], meta['palette'], meta.get('flip_pairs', ()))

    def __len__(self) -> int:
        return len(self.classes)

    @cached_property
    def mirrored(self) -> tuple[int, ...]:
        """The class that each of C becomes in a mirror."""
        return tuple(mirrored_classes(len(self), self.flip_pairs))

    def name(self, label: int) -> str:
        """The name of a label; of one beyond the classes, such as 255, its number."""
        return self.classes[label] if label < len(self) else str(label)

    def colour_table(self, beyond: tuple[int, int, int]) -> np.ndarray:
        """(256, 3) uint8 RGB, the colour of every label; ``beyond`` is that of labels beyond the classes."""
        table = np.full((256, 3), beyond, dtype=np.uint8)
        table[:len(self)] = self.palette
        return table


def _rows(name: str, given: Any, size: int) -> tuple[tuple[int, ...], ...]:
    """``given`` as rows of ``size`` whole numbers."""
    try:
        rows = tuple(tuple(int(value) for value in row) for row in given)
    except (TypeError, ValueError):
        rows = ((),)
    if any(len(row) != size for row in rows):
        raise InputError(f'{name}: each row must hold {size} whole numbers')
    return rows
