"""Scores against coarse labels, such as any clothing or any skin, of photos whose finer classes nobody marked.

Letters: C classes of a model, G groups, H, W height and width of a photo.
"""
from collections.abc import Sequence

import numpy as np

from mmqanet.errors import DataError, InputError

NOT_COUNTED = '-'
# Group: the classes, of any of the package's data sets, that belong to it. One in none is wrong wherever it is predicted.
GROUPS = {
    'background': ('background',),
    'hair': ('hair',),
    'clothing': ('hat', 'top', 'outerwear', 'dress', 'trousers', 'shorts', 'skirt', 'hosiery', 'scarf', 'belt',
                 'upper-clothes', 'coat', 'pants', 'socks'),
    'skin': ('skin', 'face', 'torso-skin', 'left-arm', 'right-arm', 'left-leg', 'right-leg'),
}


def group_table(classes: Sequence[str], groups: Sequence[str]) -> np.ndarray:
    """The group of each class: (C,) int64, G for none.

    Raises:
        InputError: a group is not known.
    """
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        raise InputError(f'group {unknown[0]!r} is none of {", ".join(GROUPS)}')
    return np.array([next((index for index, group in enumerate(groups) if name in GROUPS[group]), len(groups))
                     for name in classes])


class CoarseScores:
    """Counts of pixels, label against prediction, over photos.

    Args:
        labels: what the labels 0, 1, ... of the photos mean: groups, ``'-'`` for those not counted. Labels beyond are not
            counted either.
        classes: of the model.
    """

    def __init__(self, labels: Sequence[str], classes: Sequence[str]) -> None:
        self.groups = tuple(dict.fromkeys(label for label in labels if label != NOT_COUNTED))
        self._of_class = group_table(classes, self.groups)
        self._of_label = np.full(256, -1)
        for label, name in enumerate(labels):
            if name != NOT_COUNTED:
                self._of_label[label] = self.groups.index(name)
        self.counts = np.zeros((len(self.groups), len(self.groups) + 1), np.int64)

    def add(self, labels: np.ndarray, prediction: np.ndarray, *, name: object) -> None:
        """Count a photo: its labels and the predicted classes, both (H, W); ``name`` is what an error calls it."""
        if labels.shape != prediction.shape:
            raise DataError(f'{name}: labels of {labels.shape} (rows, columns), but the photo has {prediction.shape}')
        truth, found = self._of_label[labels], self._of_class[prediction]
        counted = truth >= 0
        np.add.at(self.counts, (truth[counted], found[counted]), 1)

    @property
    def iou(self) -> np.ndarray:
        """IoU of each group (G,), NaN for one that is neither labelled nor predicted."""
        right = np.diagonal(self.counts).astype(float)
        union = self.counts.sum(1) + self.counts[:, :-1].sum(0) - right
        return np.divide(right, union, out=np.full(len(right), np.nan), where=union > 0)
