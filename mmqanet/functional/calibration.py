"""From qualities, which rank well, to the IoU that they promise: monotone calibration.

A calibration is a non-decreasing broken line through K knots. Fitted on pairs of predicted quality and true IoU
(:mod:`mmqanet.analysis.quality_calibration`), its value at a quality is the mean IoU to expect there.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mmqanet.errors import InputError


@dataclass(frozen=True)
class Calibration:
    """A broken line from quality to expected IoU, constant beyond its ends.

    Args:
        qualities: (K,) of the knots, in [0, 1], increasing; K at least 1.
        ious: (K,) expected IoU at each, in [0, 1], not decreasing.

    Raises:
        InputError: the knots are none, out of range or out of order.
    """

    qualities: tuple[float, ...]
    ious: tuple[float, ...]

    def __post_init__(self) -> None:
        qualities, ious = np.asarray(self.qualities, dtype=np.float64), np.asarray(self.ious, dtype=np.float64)
        if qualities.ndim != 1 or not len(qualities) or qualities.shape != ious.shape:
            raise InputError('a calibration needs as many qualities as ious, at least one, not '
                             f'{qualities.shape} and {ious.shape}')
        inside = all(((values >= 0) & (values <= 1)).all() for values in (qualities, ious))  # false for NaN as well
        if not inside or (np.diff(qualities) <= 0).any() or (np.diff(ious) < 0).any():
            raise InputError('the knots of a calibration must lie in [0, 1], qualities increasing and ious not decreasing')

    def __call__(self, quality: np.ndarray) -> np.ndarray:
        """Expected IoUs of qualities of any shape, float64."""
        return np.interp(quality, self.qualities, self.ious)


@dataclass(frozen=True)
class QualityCalibration:
    """The calibrations of people and of parts.

    Args:
        people: of people.
        parts: of parts, one for each class from 1 on: (C - 1).
        pooled: of parts of any class.
        merges: those fitted on merged classes, each behind its table: for each of the C classes the merged one, or -1.
    """

    people: Calibration
    parts: tuple[Calibration, ...]
    pooled: Calibration
    merges: tuple[tuple[tuple[int, ...], 'QualityCalibration'], ...] = ()

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> 'QualityCalibration':
        """From plain values: ``people``, each of ``parts`` and ``pooled`` are dicts of ``qualities`` and ``ious``. Each of
        ``merges``, which may be left out, has these and a ``table``.

        Raises:
            InputError: something is missing or no calibration.
        """
        try:
            people, pooled, *parts = (Calibration(tuple(knots['qualities']), tuple(knots['ious']))
                                      for knots in (config['people'], config['pooled'], *config['parts']))
            merges = tuple((tuple(map(int, merge['table'])), cls.from_config(merge)) for merge in config.get('merges', ()))
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError('calibration: needs people, parts and pooled, each with qualities and ious '
                             f'({error!r})') from None
        return cls(people, tuple(parts), pooled, merges)

    def to_config(self) -> dict[str, Any]:
        """The inverse of :meth:`from_config`."""
        people, pooled, *parts = (dict(qualities=list(line.qualities), ious=list(line.ious))
                                  for line in (self.people, self.pooled, *self.parts))
        merges = [dict(table=list(table), **calibration.to_config()) for table, calibration in self.merges]
        return dict(people=people, parts=parts, pooled=pooled, **(dict(merges=merges) if merges else {}))

    def with_merged(self, table: Sequence[int], calibration: 'QualityCalibration') -> 'QualityCalibration':
        """With a calibration that was fitted on merged classes; one of the same ``table`` is replaced."""
        others = [merge for merge in self.merges if merge[0] != tuple(table)]
        return replace(self, merges=(*others, (tuple(table), calibration)))

    def merged(self, table: Sequence[int]) -> 'QualityCalibration':
        """For fewer classes: the calibration that was fitted on them. Without one, classes that are made of several take the
        calibration of all classes.

        Args:
            table: for each of the C classes the merged one, or -1 for one left out.
        """
        fitted = dict(self.merges)
        if tuple(table) in fitted:
            return fitted[tuple(table)]
        origins = [[label for label, target in enumerate(table) if target == merged] for merged in range(max(table) + 1)]
        parts = tuple(self.parts[labels[0] - 1] if len(labels) == 1 else self.pooled for labels in origins[1:])
        return QualityCalibration(self.people, parts, self.pooled)

    def expected_part_ious(self, qualities: np.ndarray) -> np.ndarray:
        """Of part qualities (N, C-1), by class: (N, C-1) float64."""
        if qualities.shape[-1] != len(self.parts):
            raise InputError(f'calibration: of {len(self.parts)} classes, but there are qualities of {qualities.shape[-1]}')
        return np.stack([line(column) for line, column in zip(self.parts, qualities.T)], axis=-1)

