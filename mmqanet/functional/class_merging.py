"""Fewer classes than a network has: merged, so that a class wins where its parts do together, or some alone possible.

Letters: B crops, C classes of the network, M merged classes, h, w size of the maps.
"""
from collections.abc import Sequence

from torch import Tensor

from mmqanet.errors import InputError

LEFT_OUT = -1


def merge_classes(probs: Tensor, table: Sequence[int]) -> Tensor:
    """Sum the probabilities of the classes that become one; those left out lose theirs to the others of the pixel.

    Args:
        probs (Tensor): (B, C, h, w) float, summing to 1 over the classes.
        table (Sequence[int]): for each of the C classes the merged one, 0 to M - 1, or -1: left out, its pixels go to what
            is likely there otherwise.

    Returns:
        Tensor: (B, M, h, w), summing to 1; a pixel that is certainly of a class left out becomes background.
    """
    merged = probs.new_zeros(len(probs), max(table) + 1, *probs.shape[2:])
    for label, target in enumerate(table):
        if target != LEFT_OUT:
            merged[:, target] += probs[:, label]
    if LEFT_OUT in table:
        total = merged.sum(1, keepdim=True)
        merged[:, :1] += total == 0
        merged /= total + (total == 0)
    return merged


def restrict_classes(probs: Tensor, possible: Sequence[bool]) -> Tensor:
    """Probabilities in a world of some classes only.

    Args:
        probs (Tensor): (C, h, w) float, summing to 1 over the classes.
        possible (Sequence[bool]): C of them; background must be.

    Returns:
        Tensor: (C, h, w), summing to 1; a pixel that is certainly of an impossible class becomes background.
    """
    kept = probs * probs.new_tensor(list(map(float, possible))).view(-1, 1, 1)
    total = kept.sum(0)
    kept[0] += total == 0
    return kept / (total + (total == 0))


def check_merge_table(table: Sequence[int], *, num_classes: int) -> None:
    """Raise ``InputError`` unless a table sends ``num_classes`` classes to 0 to M - 1, each of them hit, background to 0."""
    targets = {target for target in table if target != LEFT_OUT}
    if len(table) != num_classes or table[0] != 0 or targets != set(range(len(targets))):
        raise InputError(f'a merging table needs {num_classes} entries, the first 0, the others -1 or a merged class, none '
                         f'without a part; got {list(table)}')
