import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from mmqanet.visualization import metric_plots

NAMES = ['background', 'hat', 'coat']


def drawn(monkeypatch) -> list[Figure]:
    """The figures as they are saved."""
    figures = []
    save = metric_plots.save_figure
    monkeypatch.setattr(metric_plots, 'save_figure', lambda figure, path: (figures.append(figure), save(figure, path)))
    return figures


def test_confusion_shows_shares_of_the_rows(tmp_path, monkeypatch):
    figures = drawn(monkeypatch)
    metric_plots.draw_confusion(tmp_path / 'deep/c.png', confusion=np.array([[6, 2, 0], [1, 3, 0], [0, 0, 0]]),
                                class_names=NAMES)
    axes = figures[0].axes[0]
    assert axes.images[0].get_array().tolist() == [[75, 25, 0], [25, 75, 0], [0, 0, 0]]
    assert [text.get_text() for text in axes.get_yticklabels()] == NAMES
    assert sorted(text.get_text() for text in axes.texts) == ['25', '25', '75', '75']
    assert Image.open(tmp_path / 'deep/c.png').size[0] > 100
    assert [path.name for path in (tmp_path / 'deep').iterdir()] == ['c.png']


def test_class_bars_are_as_long_as_the_scores(tmp_path, monkeypatch):
    figures = drawn(monkeypatch)
    metric_plots.draw_class_bars(tmp_path / 'b.png', class_names=NAMES,
                                 columns={'IoU': np.array([0.9, 0.5, 0.25]), 'AP^r': np.array([np.nan, 0.4, 1])})
    axes = figures[0].axes[0]
    assert [bar.get_width() for bar in axes.patches] == [90, 50, 25, 0, 40, 100]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ['IoU', 'AP^r']


def test_curves_start_at_recall_0(tmp_path, monkeypatch):
    figures = drawn(monkeypatch)
    metric_plots.draw_precision_recall(
        tmp_path / 'p.png', title='APp',
        curves={'half': (np.array([0.5, 1.0]), np.array([1.0, 0.75])), 'none': (np.zeros(0), np.zeros(0))})
    lines = figures[0].axes[0].lines
    assert lines[0].get_xydata().tolist() == [[0, 1], [0.5, 1], [1, 0.75]]
    assert Image.open(tmp_path / 'p.png').size == (700, 500)
