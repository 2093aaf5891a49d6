"""Pictures of scores: precision-recall curves, per-class bars, confusion matrix. Drawn without a display."""
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmqanet.utils.files import write_bytes


def draw_precision_recall(path: Path, *, title: str, curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Curves label → recall and precision, each (n,) fractions, into a PNG at ``path``."""
    figure = Figure(figsize=(7, 5), layout='constrained')
    axes = figure.add_subplot(xlabel='recall', ylabel='precision', title=title, ylim=(0, 1.05))
    for label, (recall, precision) in curves.items():
        start = np.zeros(len(recall[:1]))  # an empty curve has none
        axes.step(np.concatenate([start, recall]), np.concatenate([precision[:1], precision]), where='pre', label=label)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    if curves:
        axes.legend(fontsize='small', ncols=1 + len(curves) // 16)
    save_figure(figure, path)


def draw_class_bars(path: Path, *, columns: Mapping[str, np.ndarray], class_names: Sequence[str]) -> None:
    """Grouped bars, one group a class, one bar a column of (C,) fractions (NaN: no bar), into a PNG at ``path``."""
    figure = Figure(figsize=(8, 1.5 + 0.3 * len(class_names)), layout='constrained')
    axes = figure.add_subplot(xlabel='%', xlim=(0, 100))
    rows, height = np.arange(len(class_names)), 0.8 / max(len(columns), 1)
    for index, (title, values) in enumerate(columns.items()):
        axes.barh(rows + (index + 0.5) * height - 0.4, 100 * np.nan_to_num(values), height=height, label=title)
    axes.set_yticks(rows, class_names)
    axes.invert_yaxis()
    axes.grid(axis='x', alpha=0.3)
    axes.legend()
    save_figure(figure, path)


def draw_confusion(path: Path, *, confusion: np.ndarray, class_names: Sequence[str]) -> None:
    """The (C, C) counts, rows = label, as shares of their row, into a PNG at ``path``."""
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    size = 3 + 0.35 * len(class_names)
    figure = Figure(figsize=(size + 1, size), layout='constrained')
    axes = figure.add_subplot(xlabel='predicted', ylabel='annotated')
    image = axes.imshow(100 * shares, vmin=0, vmax=100, cmap='viridis')
    figure.colorbar(image, label='% of the annotated pixels', shrink=0.8)
    axes.set_xticks(range(len(class_names)), class_names, rotation=90)
    axes.set_yticks(range(len(class_names)), class_names)
    if len(class_names) <= 25:
        for row, column in np.argwhere(shares >= 0.005):
            share = shares[row, column]
            axes.text(column, row, f'{100 * share:.0f}', ha='center', va='center', fontsize=6,
                      color='black' if share > 0.6 else 'white')
    save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure into a PNG at ``path``."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    write_bytes(path, buffer.getvalue())
