"""Predicted scores against true IoUs: a cloud, a calibration curve, counts. Drawn without a display."""
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmqanet.visualization.metric_plots import save_figure

CLOUD = 2000  # pairs above which their density is drawn in place of each
SIZE = 2.9  # inches of a panel
DARK, LIGHT, CURVE = '#2b4c7e', '#c9d4e5', '#d1495b'


class Pairs(Protocol):
    """What a panel shows: pairs, bins and correlation, as in :class:`mmqanet.analysis.reliability.Reliability`."""

    scores: np.ndarray
    truths: np.ndarray
    rank_correlation: float
    edges: np.ndarray
    counts: np.ndarray
    mean_scores: np.ndarray
    mean_truths: np.ndarray


def draw_reliability(path: Path, *, panels: Mapping[str, Mapping[str, Any]], title: str = '') -> None:
    """A PNG at ``path`` with one row of panels for each of 'people' and 'parts', say, and one column for each score.

    A panel shows every pair (score, true IoU), or, from ``CLOUD`` pairs on, their density; the mean IoU of each bin of
    scores, with the share of the pairs in each bin below; and the diagonal on which a perfectly calibrated score lies.

    Args:
        panels: row title → score name → :class:`Pairs`.
        title: heading of the picture.
    """
    columns = max(len(row) for row in panels.values())
    figure = Figure(figsize=(SIZE * columns, (SIZE + 0.75) * len(panels)), layout='constrained')
    figure.suptitle(title)
    grid = figure.add_gridspec(2 * len(panels), columns, height_ratios=[4, 1] * len(panels))
    for row, (name, scores) in enumerate(panels.items()):
        for column, (score, pairs) in enumerate(scores.items()):
            cloud = figure.add_subplot(grid[2 * row, column])
            bars = figure.add_subplot(grid[2 * row + 1, column], sharex=cloud)
            _draw_cloud(cloud, pairs)
            _draw_counts(bars, pairs)
            correlation = '–' if np.isnan(pairs.rank_correlation) else f'{pairs.rank_correlation:.2f}'
            cloud.set_title(f'{score}: rank correlation {correlation}', fontsize='medium')
            bars.set_xlabel(f'{score} of {name}')
            if column == 0:
                cloud.set_ylabel(f'true IoU of {name}')
                bars.set_ylabel('share')
    save_figure(figure, path)


def _draw_cloud(axes: Axes, pairs: Pairs) -> None:
    axes.plot([0, 1], [0, 1], color='0.6', linewidth=1, linestyle='--')
    if len(pairs.scores) > CLOUD:
        axes.hexbin(pairs.scores, pairs.truths, gridsize=40, extent=(0, 1, 0, 1), bins='log', mincnt=1, cmap='Blues')
    else:
        size = float(np.clip(2000 / max(len(pairs.scores), 1), 3, 14))
        axes.scatter(pairs.scores, pairs.truths, s=size, alpha=0.35, color=DARK, linewidths=0)
    filled = pairs.counts > 0
    axes.plot(pairs.mean_scores[filled], pairs.mean_truths[filled], color=CURVE, marker='o', markersize=4, linewidth=1.5)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.tick_params(labelbottom=False)
    axes.grid(alpha=0.25)


def _draw_counts(axes: Axes, pairs: Pairs) -> None:
    share = pairs.counts / max(pairs.counts.sum(), 1)
    axes.bar(pairs.edges[:-1], share, width=np.diff(pairs.edges), align='edge', color=LIGHT, edgecolor='white')
    axes.set_ylim(0, max(float(share.max()) * 1.1, 0.1))
    axes.grid(axis='y', alpha=0.25)
