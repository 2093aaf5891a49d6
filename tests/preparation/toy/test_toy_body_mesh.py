"""The body of toy dense pose and its files."""
import numpy as np
import pytest

from mmqanet.evaluation.dense_pose import BodySurface
from mmqanet.functional.charts import MIRRORED_CHARTS
from mmqanet.preparation.toy.body_mesh import build_mesh, mirror_tables, write_body
from mmqanet.structures.uv_mirror import load_uv_mirror

pytest.importorskip('h5py')


@pytest.fixture(scope='module')
def mesh():
    return build_mesh()


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('body')
    write_body(path)
    return path


def test_distances_are_a_metric_of_a_body_in_one_piece(mesh):
    distances = mesh.distances
    assert 300 < len(distances) < 1500
    assert np.isfinite(distances).all()
    np.testing.assert_allclose(distances, distances.T, atol=1e-9)
    assert not np.diag(distances).any()
    assert distances[~np.eye(len(distances), dtype=bool)].min() > 0
    rng = np.random.default_rng(0)
    a, b, c = rng.integers(0, len(distances), (3, 5000))
    assert (distances[a, c] <= distances[a, b] + distances[b, c] + 1e-9).all()
    assert 1.5 < distances.max() < 4  # from one hand to a foot or the other hand, along the skin


def test_every_vertex_is_on_a_chart_and_every_chart_is_covered(mesh):
    assert set(mesh.charts) == set(range(1, 25))
    assert set(mesh.vertex) == set(range(len(mesh.distances)))
    for chart in range(1, 25):
        uv = mesh.uv[mesh.charts == chart]
        np.testing.assert_allclose([uv.min(0), uv.max(0)], [(0, 0), (1, 1)], atol=1e-9)
    # the border of front and back is the same vertices
    front, back = (set(mesh.vertex[mesh.charts == chart]) for chart in (2, 1))
    assert front & back


def test_the_body_is_its_own_mirror_image(mesh):
    """The distance of two vertices is that of the mirrored two."""
    place = {(int(chart), round(u, 4), round(v, 4)): vertex
             for chart, (u, v), vertex in zip(mesh.charts, mesh.uv, mesh.vertex)}
    turned = np.arange(len(mesh.distances))
    for (chart, u, v), vertex in place.items():
        there = 1 - v if chart < 23 else v
        turned[vertex] = place[int(MIRRORED_CHARTS[chart]), u, round(there, 4)]
    assert (turned[turned] == np.arange(len(turned))).all()
    off = np.abs(mesh.distances - mesh.distances[turned][:, turned])
    assert off.max() < 0.08  # diagonals of cells go both ways, joints to the nearest vertex


def test_mirrored_twice_is_where_it_was(folder):
    mirror = load_uv_mirror(folder / 'UV_data' / 'UV_symmetry_transforms.mat')
    np.testing.assert_array_equal(mirror.u, mirror_tables()[0])
    np.testing.assert_array_equal(mirror.v, mirror_tables()[1])
    column, row = (values.ravel() / 255 for values in np.meshgrid(np.arange(256), np.arange(256)))
    for chart in range(1, 25):
        charts = np.full(len(row), chart)
        there = mirror.points(charts, column, row)
        back = mirror.points(*there)
        assert (there[0] == MIRRORED_CHARTS[chart]).all()
        for one, other in zip(back, (charts, column, row)):
            np.testing.assert_array_equal(one, other)


def test_the_official_files_read_back(mesh, folder):
    body = BodySurface.load(folder / 'eval_data')
    np.testing.assert_array_equal(body.charts, mesh.charts)
    np.testing.assert_array_equal(body.uv, mesh.uv)
    np.testing.assert_array_equal(body.vertex, mesh.vertex)
    first, second = np.divmod(np.arange(len(mesh.distances) ** 2), len(mesh.distances))
    np.testing.assert_allclose(body.distances.between(first, second), mesh.distances.ravel(), rtol=1e-6)
    np.testing.assert_array_equal(body.vertex[body.nearest(mesh.charts, *mesh.uv.T)], mesh.vertex)
