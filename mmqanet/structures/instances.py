"""The people or parts of a prediction as instances: one mask each, cut to its extent."""
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import find_objects

from mmqanet.errors import InputError

if TYPE_CHECKING:
    from mmqanet.structures.parsing_data_sample import ParsingDataSample

KINDS = ('people', 'parts')
PERSON = 1  # the label of a person among people


@dataclass(frozen=True, kw_only=True)
class MaskInstance:
    """A person or a part with visible pixels.

    Attributes:
        index: in ``pred_instances`` or ``pred_parts``.
        person: index in ``pred_instances``.
        label: class of a part, 1 of a person.
        quality: in [0, 1].
        window: (rows, columns) of the image that hold all pixels.
        mask: (h, w) bool, the window's pixels that belong to it.
    """

    index: int
    person: int
    label: int
    quality: float
    window: tuple[slice, slice]
    mask: np.ndarray

    @property
    def extent(self) -> tuple[int, int, int, int]:
        """x1, y1, x2, y2 of the mask in pixels; the end is exclusive."""
        rows, columns = self.window
        return columns.start, rows.start, columns.stop, rows.stop


def mask_instances(sample: 'ParsingDataSample', *, of: str) -> Iterator[MaskInstance]:
    """What is visible of a prediction, in the order of its maps' numbers.

    Args:
        sample: with ``pred_instances``, ``pred_maps`` and ``pred_parts``.
        of: ``'people'`` or ``'parts'``.

    Raises:
        InputError: another word, or a sample without a prediction.
    """
    if of not in KINDS:
        raise InputError(f'of: {of!r} is neither people nor parts')
    if 'pred_maps' not in sample:
        raise InputError('this sample has no prediction')
    numbers = (sample.pred_maps.human if of == 'people' else sample.pred_maps.part)[0].cpu().numpy()
    people, parts = sample.pred_instances, sample.pred_parts
    for index, window in enumerate(find_objects(numbers)):
        if window is None:  # hidden by others
            continue
        person, label, quality = (index, PERSON, people.qualities[index]) if of == 'people' else (
            int(parts.people[index]), int(parts.labels[index]), parts.scores[index])
        yield MaskInstance(index=index, person=person, label=label, quality=float(quality), window=window,
                           mask=numbers[window] == index + 1)
