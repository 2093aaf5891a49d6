"""Average precision as COCO and LVIS define it, from matches of single images, also over images drawn with replacement.

    I images, C classes, D detections of a class on all images, T IoU thresholds.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RECALLS = np.linspace(0, 1, 101)  # where the precision is looked at


@dataclass(frozen=True, kw_only=True)
class ClassMatches:
    """The detections of a class on all images, by descending score, and how many instances there are to find.

    Attributes:
        images: (D,) position of the image of each detection.
        hits: (T, D) whether it found an instance; ignored: (T, D) whether it counts neither way.
        targets: (I,) instances in each image that are not to be ignored.
    """

    images: np.ndarray
    hits: np.ndarray
    ignored: np.ndarray
    targets: np.ndarray

    @classmethod
    def join(cls, found: Sequence[dict | None], *, names: tuple[str, str, str, str], num_thresholds: int) -> 'ClassMatches':
        """From what an evaluator of COCO's kind says of each image.

        Args:
            found: I of them, ``None`` where an image has neither detections nor instances of the class.
            names: the keys of detections' scores, their matches (0 for none), their ignore flags, and instances' flags.
            num_thresholds: T.
        """
        score, match, ignore, ignore_target = names
        images = np.array([index for index, one in enumerate(found) if one is not None], dtype=np.int64)
        parts = [one for one in found if one is not None]
        scores = np.concatenate([np.zeros(0), *(np.asarray(one[score], dtype=np.float64) for one in parts)])
        order = np.argsort(-scores, kind='mergesort')
        shape = num_thresholds, -1

        def joined(key: str) -> np.ndarray:
            empty = np.zeros((num_thresholds, 0), dtype=bool)
            arrays = [np.asarray(one[key]).reshape(shape).astype(bool) for one in parts if len(one[score])]
            return np.concatenate([empty, *arrays], axis=1)[:, order]

        targets = np.zeros(len(found), dtype=np.int64)
        targets[images] = [np.count_nonzero(np.asarray(one[ignore_target]) == 0) for one in parts]
        return cls(images=np.repeat(images, np.array([len(one[score]) for one in parts], dtype=np.int64))[order],
                   hits=joined(match), ignored=joined(ignore), targets=targets)

    def average_precision(self, times: np.ndarray | None = None) -> np.ndarray:
        """(T,) in [0, 1], NaN where there is nothing to find.

        Args:
            times: (I,) how often each image counts, once by default. Copies of an image stand side by side in the ranking.
        """
        times = np.ones(len(self.targets)) if times is None else times
        total = float(times @ self.targets)
        if not total:
            return np.full(len(self.hits), np.nan)
        counting = ~self.ignored * times[self.images]
        hits = (counting * self.hits).cumsum(1)
        misses = (counting * ~self.hits).cumsum(1)
        precision = hits / (hits + misses + np.spacing(1))
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        padded = np.concatenate([precision, np.zeros((len(precision), 1))], axis=1)
        columns = [np.searchsorted(row, RECALLS, side='left') for row in hits / total]
        return np.array([row[column].mean() for row, column in zip(padded, columns)])


def mean_precision(classes: Sequence[ClassMatches], times: np.ndarray | None = None) -> np.ndarray:
    """(T,) mean over the classes that have something to find, NaN where none has."""
    values = np.array([matches.average_precision(times) for matches in classes])
    defined = ~np.isnan(values[:, 0])
    return values[defined].mean(0) if defined.any() else np.full(values.shape[1], np.nan)


def bootstrap(settings: Sequence[Sequence[ClassMatches]], *, draws: int, seed: int = 0) -> np.ndarray:
    """Mean precisions of several settings over the same images, drawn with replacement as often as there are.

    Returns:
        (draws, settings, T). Differences between settings are paired: all see the same draw.
    """
    number = len(settings[0][0].targets)
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(draws):
        times = np.bincount(rng.integers(number, size=number), minlength=number).astype(float)
        result.append([mean_precision(classes, times) for classes in settings])
    return np.array(result)
