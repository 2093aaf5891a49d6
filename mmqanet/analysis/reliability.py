"""How well a predicted quality predicts the true IoU: rank correlation and calibration."""
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from mmqanet.errors import InputError

NUM_BINS = 10


@dataclass(frozen=True)
class Reliability:
    """Predictions of one score beside the truth.

    Attributes:
        scores, truths: (n,) in [0, 1], the pairs that both are known of.
        rank_correlation: Spearman's, NaN where a score is the same for all.
        calibration_error: mean distance of a bin's mean truth from its mean score, weighted by its count; NaN without pairs.
        edges: (B + 1,) of the bins, equally wide in [0, 1], the last one closed; counts, mean_scores, mean_truths: (B,), the
            means NaN where a bin is empty.
    """

    scores: np.ndarray
    truths: np.ndarray
    rank_correlation: float
    calibration_error: float
    edges: np.ndarray
    counts: np.ndarray
    mean_scores: np.ndarray
    mean_truths: np.ndarray

    def document(self) -> dict[str, Any]:
        """As plain JSON values: everything but the pairs themselves."""
        bins = [dict(low=low, high=high, count=int(count), mean_score=_plain(score), mean_iou=_plain(truth))
                for low, high, count, score, truth in zip(
                    self.edges[:-1].tolist(), self.edges[1:].tolist(), self.counts, self.mean_scores, self.mean_truths)]
        return dict(count=len(self.scores), rank_correlation=_plain(self.rank_correlation),
                    calibration_error=_plain(self.calibration_error), bins=bins)


def reliability(scores: np.ndarray, truths: np.ndarray, *, num_bins: int = NUM_BINS) -> Reliability:
    """Compare predicted scores (n,) with true IoUs (n,); pairs with a NaN are left out.

    Raises:
        InputError: the two differ in length, or a score is outside [0, 1].
    """
    scores, truths = np.asarray(scores, dtype=np.float64), np.asarray(truths, dtype=np.float64)
    if scores.shape != truths.shape or scores.ndim != 1:
        raise InputError(f'scores and truths must be (n,) both, got {scores.shape} and {truths.shape}')
    known = ~np.isnan(scores) & ~np.isnan(truths)
    scores, truths = scores[known], truths[known]
    if len(scores) and not 0 <= scores.min() <= scores.max() <= 1:
        raise InputError(f'scores must lie in [0, 1], got {scores.min()} to {scores.max()}')
    edges = np.linspace(0, 1, num_bins + 1)
    places = np.searchsorted(edges, scores, side='right').clip(1, num_bins) - 1
    counts = np.bincount(places, minlength=num_bins)
    mean_scores, mean_truths = (
        np.where(counts, np.bincount(places, values, num_bins) / np.maximum(counts, 1), np.nan)
        for values in (scores, truths))
    varied = len(scores) > 1 and np.ptp(scores) > 0 and np.ptp(truths) > 0
    gaps = np.abs(np.nan_to_num(mean_scores - mean_truths)) * counts
    return Reliability(
        scores=scores, truths=truths, rank_correlation=float(spearmanr(scores, truths)[0]) if varied else np.nan,
        calibration_error=float(gaps.sum() / len(scores)) if len(scores) else np.nan, edges=edges, counts=counts,
        mean_scores=mean_scores, mean_truths=mean_truths)


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
