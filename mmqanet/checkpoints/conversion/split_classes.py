"""From the weights of a parser to those of one whose classes are split further."""
from collections.abc import Mapping, Sequence
from math import log

import torch
from torch import Tensor

from mmqanet.errors import DataError, InputError

CLASSIFIER = 'parsing_head.classifier'


def split_classes(state: Mapping[str, Tensor], origins: Sequence[int]) -> dict[str, Tensor]:
    """Widen the classification layer so that the parts of a class share its probability evenly.

    Args:
        state: weights of a :class:`~mmqanet.models.QANet` of C classes.
        origins: for each new class the old one it is a part of; every old class needs one part at least.

    Returns:
        dict: the same weights with one output a new class. Where an old class becomes n, the biases of its parts are less
        by log n, so that their probabilities sum to what it had.

    Raises:
        DataError: the layer is missing.
        InputError: ``origins`` does not cover the C classes.
    """
    widened = dict(state)
    keys = [f'{CLASSIFIER}.{kind}' for kind in ('weight', 'bias')]
    for key in keys:
        if key not in widened:
            raise DataError(f'{key} is missing: these are not the weights of a QANet')
    count = len(widened[keys[0]])
    if sorted(set(origins)) != list(range(count)):
        raise InputError(f'the origins of the new classes must be 0 to {count - 1}, all of them, got {sorted(set(origins))}')
    shares = torch.tensor([log(list(origins).count(origin)) for origin in origins])
    for key in keys:
        widened[key] = widened[key].float()[list(origins)].clone()
    widened[keys[1]] -= shares
    return widened
