"""What qualities mean on photos with coarse labels, such as portraits of which hair and skin are known.

Letters: K visible parts of a photo, H, W its height and width.
"""
from collections.abc import Sequence

import numpy as np

from mmqanet.analysis.reliability import Reliability, reliability
from mmqanet.errors import InputError
from mmqanet.evaluation.coarse import NOT_COUNTED, group_table
from mmqanet.structures import ParsingDataSample


class CoarseQualities:
    """Qualities and expected IoUs of parts beside their true IoUs, over photos that show one person each.

    Only groups of a single class have parts to compare with: with the 16 merged classes hair and skin, but not clothing.

    Args:
        labels: what the labels 0, 1, ... of the photos mean, as for :class:`~mmqanet.evaluation.coarse.CoarseScores`.
        classes: of the model.

    Raises:
        InputError: a group is not known, or none is of a single class.
    """

    def __init__(self, labels: Sequence[str], classes: Sequence[str]) -> None:
        groups = [label for label in dict.fromkeys(labels) if label != NOT_COUNTED]
        table = group_table(classes, groups)
        self._classes = {group: int(np.flatnonzero(table == index)[0]) for index, group in enumerate(groups)
                         if group != 'background' and np.count_nonzero(table == index) == 1}
        if not self._classes:
            raise InputError(f'none of {", ".join(groups)} is a single class of the model')
        self._labels = {group: [label for label, name in enumerate(labels) if name == group] for group in self._classes}
        self._counted = [label for label, name in enumerate(labels) if name != NOT_COUNTED]
        self._pairs: dict[str, list[tuple[float, float, float]]] = {group: [] for group in self._classes}

    def add(self, labels: np.ndarray, sample: ParsingDataSample) -> None:
        """Compare the parts of a photo with its labels (H, W); pixels that are not counted are left out."""
        counted, people, parts = np.isin(labels, self._counted), sample.pred_instances, sample.pred_parts
        numbers = sample.pred_maps.part[0].numpy()
        for index, (label, person) in enumerate(zip(parts.labels.tolist(), parts.people.tolist())):
            for group in [name for name, known in self._classes.items() if known == label]:
                mask, truth = (numbers == index + 1) & counted, np.isin(labels, self._labels[group])
                union = np.count_nonzero(mask | truth)
                iou = np.count_nonzero(mask & truth) / union if union else np.nan
                quality, expected = (float(scores[person, label - 1])
                                     for scores in (people.part_qualities, people.expected_part_ious))
                self._pairs[group].append((quality, expected, iou))

    def reliabilities(self) -> dict[str, tuple[Reliability, Reliability]]:
        """Of each group, and of ``'all'``: that of the qualities and that of the expected IoUs."""
        found = {**self._pairs, 'all': [pair for pairs in self._pairs.values() for pair in pairs]}
        values = {group: np.array(pairs, dtype=float).reshape(-1, 3) for group, pairs in found.items()}
        return {group: (reliability(pairs[:, 0], pairs[:, 2]), reliability(pairs[:, 1], pairs[:, 2]))
                for group, pairs in values.items()}
