"""Fitting calibrations of qualities: isotonic regression of true IoUs.

Zadrozny and Elkan, "Transforming Classifier Scores into Accurate Multiclass Probability Estimates", KDD 2002, section 3.

Letters: P people, C classes, K knots.
"""
import numpy as np
from scipy.optimize import isotonic_regression

from mmqanet.errors import InputError
from mmqanet.functional.calibration import Calibration, QualityCalibration

MOST_KNOTS = 20
LEAST_PAIRS = 200  # a class of fewer parts takes the calibration of all classes


def fit_calibration(qualities: np.ndarray, truths: np.ndarray, *, most_knots: int = MOST_KNOTS) -> Calibration:
    """The calibration of pairs of predicted quality (n,) and true IoU (n,), both in [0, 1].

    The pairs, by ascending quality, fall into groups of nearly the same size. A knot is the mean quality of a group beside
    its isotonic mean IoU. Pairs with a NaN are left out.

    Raises:
        InputError: no pair is left.
    """
    qualities, truths = np.asarray(qualities, dtype=np.float64), np.asarray(truths, dtype=np.float64)
    known = ~np.isnan(qualities) & ~np.isnan(truths)
    qualities, truths = qualities[known], truths[known]
    if not len(qualities):
        raise InputError('no quality with a known IoU: there is nothing to fit a calibration to')
    order = np.argsort(qualities, kind='stable')
    qualities, truths = qualities[order], truths[order]
    groups: np.ndarray = np.arange(len(qualities)) * min(most_knots, len(qualities)) // len(qualities)
    groups = groups[np.searchsorted(qualities, qualities)]  # equal qualities stand together
    _, groups, counts = np.unique(groups, return_inverse=True, return_counts=True)
    knots, means = (np.bincount(groups, values) / counts for values in (qualities, truths))
    ious = isotonic_regression(means, weights=counts).x.clip(0, 1)
    return Calibration(tuple(knots.tolist()), tuple(ious.tolist()))


def fit_quality_calibration(*, qualities: np.ndarray, truths: np.ndarray, part_qualities: np.ndarray,
                            part_truths: np.ndarray, least_pairs: int = LEAST_PAIRS) -> QualityCalibration:
    """The calibrations of people and of parts by class.

    Args:
        qualities, truths: (P,) of people.
        part_qualities, part_truths: (P, C-1) of their parts, NaN where a part is not shown.
        least_pairs: classes with fewer known pairs share the calibration of all parts together.
    """
    pooled = fit_calibration(part_qualities.ravel(), part_truths.ravel())
    parts = []
    for scores, ious in zip(part_qualities.T, part_truths.T):
        enough = np.count_nonzero(~np.isnan(scores) & ~np.isnan(ious)) >= least_pairs
        parts.append(fit_calibration(scores, ious) if enough else pooled)
    return QualityCalibration(fit_calibration(qualities, truths), tuple(parts), pooled)
