"""People who were labelled one by one, and overlap, laid into one map of classes and one of people."""
from collections.abc import Sequence

import numpy as np

from mmqanet.errors import DataError
from mmqanet.preparation.converters.prepared import LAST_PERSON


def stack_people(people: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Lay the label maps of an image's people over one another, large people first, so that the small ones stay visible.

    Args:
        people: for each person a (H, W) uint8 map, > 0 where the person is; at least one.

    Returns:
        The category map and the person map, (H, W) uint8; ids follow the order of ``people``, from 1. A pixel of several
        people belongs, with its class, to the one with the fewest pixels (of two equal ones to the later).

    Raises:
        DataError: more people than ids.
    """
    if len(people) > LAST_PERSON:
        raise DataError(f'{len(people)} people, but ids end at {LAST_PERSON}')
    category, human = np.zeros_like(people[0]), np.zeros_like(people[0])
    inside = [labels > 0 for labels in people]
    for i in sorted(range(len(people)), key=lambda i: -int(inside[i].sum())):
        category[inside[i]] = people[i][inside[i]]
        human[inside[i]] = i + 1
    return category, human
