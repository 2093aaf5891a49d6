import numpy as np
import pytest
from PIL import Image

from mmqanet.analysis.reliability import reliability
from mmqanet.visualization import reliability_plots


@pytest.fixture
def figures(monkeypatch) -> list:
    """The figures as they are saved."""
    found, save = [], reliability_plots.save_figure
    monkeypatch.setattr(
        reliability_plots, 'save_figure', lambda figure, path: (found.append(figure), save(figure, path)))
    return found


def test_a_panel_shows_pairs_curve_and_shares(tmp_path, figures):
    pairs = reliability(np.array([0.15, 0.55, 0.58, 0.9]), np.array([0.2, 0.4, 0.6, 0.95]))
    panels = {'people': {'IoU score': pairs, 'quality': pairs}, 'parts': {'IoU score': pairs, 'quality': pairs}}
    reliability_plots.draw_reliability(tmp_path / 'r.png', panels=panels)
    clouds = [axes for axes in figures[0].axes if axes.get_title()]
    assert [axes.get_title() for axes in clouds] == [
        'IoU score: rank correlation 1.00', 'quality: rank correlation 1.00'] * 2
    assert clouds[0].collections[0].get_offsets().tolist() == [[0.15, 0.2], [0.55, 0.4], [0.58, 0.6], [0.9, 0.95]]
    np.testing.assert_allclose(clouds[0].lines[1].get_xydata(), [[0.15, 0.2], [0.565, 0.5], [0.9, 0.95]])
    bars = figures[0].axes[1].patches
    assert [bar.get_height() for bar in bars] == [0, 0.25, 0, 0, 0, 0.5, 0, 0, 0, 0.25]
    np.testing.assert_allclose([(bar.get_x(), bar.get_width()) for bar in bars], [(k / 10, 0.1) for k in range(10)])
    assert Image.open(tmp_path / 'r.png').size[0] > 400


def test_many_pairs_become_a_density_and_none_are_drawn_all_the_same(tmp_path, figures):
    rng = np.random.default_rng(0)
    many = reliability(rng.random(3000), rng.random(3000))
    none = reliability(np.zeros(0), np.zeros(0))
    reliability_plots.draw_reliability(tmp_path / 'r.png', panels={'people': {'many': many, 'none': none}})
    cloud = figures[0].axes[0].collections[0]
    assert 100 < len(cloud.get_offsets()) < 3000
    assert cloud.get_array().sum() == 3000
    assert figures[0].axes[2].get_title() == 'none: rank correlation –'
