"""Charts in a mirror: tables of labels, and U and V by a table that tells rows from columns."""
import numpy as np
import pytest
import torch

from mmqanet.errors import InputError
from mmqanet.functional.charts import (
    CHART_PAIRS,
    CHARTS,
    DISTANCE_SCALES,
    MIRRORED_CHARTS,
    MIRRORED_PARTS,
    PART_OF_CHART,
    PARTS,
    UVMirror,
)


def mirror():
    """On odd charts (U, V) becomes (1 - V, 1 - U), which shows which of the two is the row; on even ones (1 - U, V)."""
    grid = np.arange(256) / 255
    v, u = np.meshgrid(grid, grid, indexing='ij')
    odd = np.array([chart % 4 in (1, 2) for chart in range(1, 25)])[:, None, None]
    return UVMirror(np.where(odd, 1 - v, 1 - u), np.where(odd, 1 - u, v))


def test_labels_in_a_mirror():
    assert MIRRORED_CHARTS.tolist() == [
        0, 1, 2, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21, 24, 23]
    assert MIRRORED_PARTS.tolist() == [0, 1, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 14]
    assert len(CHARTS) == 25
    assert len(PARTS) == 15
    assert (MIRRORED_CHARTS[MIRRORED_CHARTS] == np.arange(25)).all()
    assert (MIRRORED_PARTS[PART_OF_CHART] == PART_OF_CHART[MIRRORED_CHARTS]).all()


def test_names_agree_with_the_tables():
    for a, b in CHART_PAIRS:
        assert {name.split('-')[0] for name in (CHARTS[a], CHARTS[b])} == {'left', 'right'}
        assert CHARTS[a].split('-')[1:] == CHARTS[b].split('-')[1:]
    for chart, part in enumerate(PART_OF_CHART):
        assert PARTS[part] in CHARTS[chart]


def test_scales_by_part():
    assert DISTANCE_SCALES[[1, 2, 3, 6, 7, 10, 14, 18, 22, 24]].tolist() == [
        0.351, 0.351, 0.107, 0.126, 0.237, 0.237, 0.173, 0.142, 0.128, 0.150]


def test_points_are_looked_up_v_first_in_the_table_of_the_old_chart():
    charts, u, v = mirror().points(np.array([1, 4]), np.array([0.2, 0.2]), np.array([0.6, 0.6]))
    assert charts.tolist() == [1, 3]
    assert u == pytest.approx([1 - 153 / 255, 1 - 51 / 255])
    assert v == pytest.approx([1 - 51 / 255, 153 / 255])


def test_maps_are_mirrored_pixel_by_pixel():
    generator = torch.Generator().manual_seed(0)
    u, v = torch.rand(2, 2, 25, 3, 5, generator=generator) * 1.4 - 0.2  # some outside [0, 1]
    tables = mirror()
    mirrored_u, mirrored_v = tables.maps(u, v)
    for chart in range(1, 25):
        for y in range(3):
            for x in range(5):
                place = 1, chart, y, 4 - x
                column, row = (int(255 * part[place].clamp(0, 1)) for part in (u, v))
                target = 1, int(MIRRORED_CHARTS[chart]), y, x
                assert mirrored_u[target] == pytest.approx(tables.u[chart - 1, row, column])
                assert mirrored_v[target] == pytest.approx(tables.v[chart - 1, row, column])
    assert (mirrored_u[:, 0] == u[:, 0].flip(-1)).all()


@pytest.mark.parametrize('tables', [np.zeros((23, 256, 256)), np.full((24, 256, 256), 1.5), np.full((24, 256, 256), np.nan)])
def test_tables_of_another_kind_are_refused(tables):
    with pytest.raises(InputError, match='U: '):
        UVMirror(tables, np.zeros((24, 256, 256)))
