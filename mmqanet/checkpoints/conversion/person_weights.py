"""From the weights of a detector of many classes to those of a person detector."""
from collections.abc import Mapping, Sequence

from torch import Tensor

from mmqanet.errors import DataError

CLASSIFIER = 'bbox_head.conv_cls'


def keep_person(state: Mapping[str, Tensor], classes: Sequence[str]) -> dict[str, Tensor]:
    """Keep the person's outputs of FCOS's classification layer; scores of people do not change by it, classes being judged
    one by one (sigmoid).

    Args:
        state: weights of mmdet's FCOS; ``bbox_head.conv_cls`` has one output a class.
        classes: their names, in order.

    Returns:
        dict: the same weights with one output in that layer.

    Raises:
        DataError: no class is called person, or the layer is missing or has not one output a class.
    """
    if 'person' not in classes:
        raise DataError(f'no class is called person among the {len(classes)} of the detector')
    person = list(classes).index('person')
    kept = dict(state)
    for key in (f'{CLASSIFIER}.weight', f'{CLASSIFIER}.bias'):
        if key not in kept:
            raise DataError(f'{key} is missing: these are not the weights of FCOS')
        if len(kept[key]) != len(classes):
            raise DataError(f'{key} has {len(kept[key])} outputs for {len(classes)} classes')
        kept[key] = kept[key][person:person + 1].clone()
    return kept
