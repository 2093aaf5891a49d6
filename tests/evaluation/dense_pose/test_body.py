"""The body's tables: nearest vertices and distances against plain loops; broken files are named."""
import gc
import sys
from pathlib import Path

import numpy as np
import pytest
from dense_bodies import body_tables, small_body, write_body
from scipy.io import savemat

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.dense_pose import BodyFiles, BodySurface, Distances
from mmqanet.evaluation.dense_pose.body import body_files
from mmqanet.evaluation.dense_pose.distances import find_distances, write_distances


def nearest_by_loop(charts, uv, chart, u, v):
    best, least = -1, np.inf
    for index in range(len(charts)):
        distance = np.hypot(uv[index, 0] - u, uv[index, 1] - v)
        if charts[index] == chart and distance < least:
            best, least = index, distance
    return best


def test_nearest_vertices_are_of_the_chart():
    charts, uv, _, _ = body_tables()
    rng = np.random.default_rng(1)
    asked = rng.integers(0, 27, 200), rng.uniform(0, 1, 200), rng.uniform(0, 1, 200)
    expected = [nearest_by_loop(charts, uv, *point) for point in zip(*asked)]
    assert small_body().nearest(*asked).tolist() == expected
    assert -1 in expected


def test_the_first_of_equally_near_vertices_counts_however_many_there_are():
    uv = np.full((40, 2), 0.5)
    uv[0] = 0.9
    body = BodySurface(np.full(40, 3), uv, np.arange(40), Distances(np.zeros(780, np.float32), 40))
    assert body.nearest(np.array([3, 3]), np.array([0.1, 0.5]), np.array([0.1, 0.5])).tolist() == [1, 1]


def test_the_first_of_a_few_equally_near_vertices_counts():
    uv = np.random.default_rng(0).uniform(0, 0.3, (40, 2))
    uv[[5, 9, 30]] = 0.9
    body = BodySurface(np.full(40, 3), uv, np.arange(40), Distances(np.zeros(780, np.float32), 40))
    assert body.nearest(np.array([3, 3]), np.array([0.9, 0.8]), np.array([0.9, 0.9])).tolist() == [5, 5]


@pytest.mark.parametrize(('low', 'high'), [(0, 1), (-3, 5), (0.999, 1.001)])
def test_charts_do_not_reach_into_each_other(low, high):
    """A chart of a single vertex beside full ones, and U and V of vertices that leave [0, 1]."""
    rng = np.random.default_rng(3)
    charts, uv = np.r_[5, rng.choice([4, 6, 24], 90)], rng.uniform(low, high, (91, 2))
    body = BodySurface(charts, uv, np.arange(91), Distances(np.zeros(91 * 45, np.float32), 91))
    asked = np.repeat([3, 4, 5, 6, 24], 40), rng.integers(0, 2, 200).astype(float), rng.uniform(0, 1, 200)
    assert body.nearest(*asked).tolist() == [nearest_by_loop(charts, uv, *point) for point in zip(*asked)]


def test_a_body_of_a_single_vertex():
    body = BodySurface(np.array([7]), np.array([[0.5, 0.5]]), np.array([0]), Distances(np.empty(0, np.float32), 1))
    assert body.nearest(np.array([7, 8, 0]), np.zeros(3), np.ones(3)).tolist() == [0, -1, -1]


def test_vertices_that_nearly_coincide_are_told_apart_as_exactly_as_the_table():
    uv = np.array([[0.5, 0.5 + 2e-15], [0.5, 0.5], [0.5, 0.5 + 1e-15], [0.1, 0.1]])
    body = BodySurface(np.full(4, 24), uv, np.arange(4), Distances(np.zeros(6, np.float32), 4))
    asked = np.full(2, 24), np.full(2, 0.5), np.array([0.4, 0.6])
    assert body.nearest(*asked).tolist() == [nearest_by_loop(body.charts, uv, *point) for point in zip(*asked)] == [1, 0]


def test_colours_are_looked_up_like_points():
    body, rng = small_body(), np.random.default_rng(2)
    iuv = rng.integers(0, 256, (300, 3)).astype(np.uint8)
    iuv[:, 0] %= 27
    expected = body.nearest(iuv[:, 0].astype(int), iuv[:, 1] / 255.0, iuv[:, 2] / 255.0)
    for _ in range(2):  # looked up, then remembered
        assert (body.nearest_of_colours(iuv) == expected).all()


@pytest.mark.parametrize('storage', [{}, dict(compression='gzip', chunks=(100, 1))], ids=['plain', 'compressed'])
def test_files_hold_the_body_and_its_distances(tmp_path, storage):
    pytest.importorskip('h5py')
    charts, uv, vertex, square = body_tables(3)
    body = BodySurface.load(write_body(tmp_path, 3, **storage))
    assert (body.charts == charts).all()
    assert (body.uv == uv).all()
    assert (body.vertex == vertex).all()
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(len(square)), np.arange(len(square))))
    assert (body.distances.between(a, b) == square[a, b]).all()
    assert np.isinf(body.distances.between(np.array([-1, 4, -1]), np.array([4, -1, -1]))).all()


def test_unpacked_distances_go_with_who_unpacked_them(tmp_path):
    pytest.importorskip('h5py')
    files = BodyFiles.find(write_body(tmp_path, compression='gzip'))
    path = Path(files.distances.path)
    assert path.exists()
    assert path.parent != tmp_path
    del files
    gc.collect()
    assert not path.exists()


def test_a_cache_holds_halves_and_is_read_instead_of_the_file(tmp_path):
    pytest.importorskip('h5py')
    folder, cache = write_body(tmp_path / 'body'), tmp_path / 'cache/distances.npy'
    first = BodySurface.load(folder, cache=cache)
    (folder / 'Pdist_matrix.mat').unlink()
    again = BodySurface.load(folder, cache=cache)
    pairs = np.arange(59), np.arange(1, 60)
    wanted = body_tables()[3][pairs]
    assert first.distances.packed.dtype == np.float16
    assert (first.distances.between(*pairs) == again.distances.between(*pairs)).all()
    assert np.allclose(again.distances.between(*pairs), wanted, rtol=1e-3)
    assert [path.name for path in cache.parent.iterdir()] == ['distances.npy']


def test_the_files_of_a_body_are_those_that_are_read(tmp_path):
    pytest.importorskip('h5py')
    folder = write_body(tmp_path / 'body')
    assert sorted(body_files(str(folder))) == sorted(folder.iterdir())


def test_what_needs_h5py_says_so_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'h5py', None)
    there, new = tmp_path / 'there.mat', tmp_path / 'new.mat'
    there.write_bytes(b'HDF5')
    with pytest.raises(InputError, match=r"there\.mat: HDF5 files need the package h5py: pip install '\.\[densepose\]'"):
        find_distances(there, num_vertices=2)
    with pytest.raises(InputError, match=r'new\.mat: HDF5 files need the package h5py'):
        write_distances(new, np.zeros((2, 2)))
    assert not new.exists()


def no_file(folder):
    (folder / 'SMPL_subdiv.mat').unlink()


def no_distances(folder):
    (folder / 'Pdist_matrix.mat').unlink()


def no_hdf5(folder):
    (folder / 'Pdist_matrix.mat').write_bytes(b'nothing of the kind')


def shorter(folder):
    savemat(folder / 'SMPL_SUBDIV_TRANSFORM.mat', dict(index=np.ones((3, 1))))


def more_vertices(folder):
    index = np.arange(1.0, 81)
    savemat(folder / 'SMPL_SUBDIV_TRANSFORM.mat', dict(index=index[:, None]))


def chart_25(folder):
    charts, uv, _, _ = body_tables()
    savemat(folder / 'SMPL_subdiv.mat', dict(
        U_subdiv=uv[:, :1], V_subdiv=uv[:, 1:], Part_ID_subdiv=charts[None].astype(np.uint8) + 1))


@pytest.mark.parametrize(('fault', 'named'), [
    (no_file, 'SMPL_subdiv.mat: no such file'), (no_distances, 'Pdist_matrix.mat: no such file'),
    (no_hdf5, 'cannot be read as HDF5'), (shorter, 'differ in length'), (more_vertices, '80 vertices have 3,160'),
    (chart_25, 'charts outside 1 to 24')])
def test_a_broken_body_is_named(tmp_path, fault, named):
    pytest.importorskip('h5py')
    fault(write_body(tmp_path))
    with pytest.raises(DataError, match=named):
        BodySurface.load(tmp_path)


def test_a_cache_of_another_body_is_refused(tmp_path):
    pytest.importorskip('h5py')
    np.save(tmp_path / 'cache.npy', np.zeros(3, np.float16))
    with pytest.raises(DataError, match='cache of another body'):
        BodySurface.load(write_body(tmp_path / 'body'), cache=tmp_path / 'cache.npy')


@pytest.mark.parametrize(('changes', 'message'), [
    (dict(charts=[3, 4]), 'body: 2 charts, 3 UVs and 3 vertices'), (dict(vertex=[0, 1]), 'body: 3 charts, 3 UVs and 2'),
    (dict(charts=[3, 0, 4]), 'body: charts outside 1 to 24'), (dict(charts=[3, 25, 4]), 'body: charts outside 1 to 24'),
    (dict(vertex=[0, 1, 3]), 'body: vertices outside 1 to 3'), (dict(vertex=[-1, 1, 2]), 'body: vertices outside 1 to 3'),
    (dict(charts=[], uv=np.zeros((0, 2)), vertex=[]), 'body: no vertices'),
    (dict(packed=[0.1, 0.2]), 'distances: 2 of them, but 3 vertices have 3')])
def test_tables_that_do_not_fit_together_are_refused(changes, message):
    given = dict(charts=[3, 3, 4], uv=np.zeros((3, 2)), vertex=[0, 1, 2], packed=[0.1, 0.2, 0.3]) | changes
    charts, vertex = (np.array(given[name], dtype=np.int64) for name in ('charts', 'vertex'))
    with pytest.raises(InputError, match=message):
        BodySurface(charts, given['uv'], vertex, Distances(np.array(given['packed']), 3))


@pytest.mark.parametrize(('name', 'variable', 'values', 'message'), [
    ('SMPL_subdiv.mat', 'U_subdiv', 'a text', 'U_subdiv is no row of numbers'),
    ('SMPL_subdiv.mat', 'V_subdiv', np.zeros((3, 4)), 'V_subdiv is no row of numbers'),
    ('SMPL_subdiv.mat', 'V_subdiv', np.zeros((0, 4)), 'V_subdiv is no row of numbers'),
    ('SMPL_subdiv.mat', 'U_subdiv', np.full((80, 1), np.nan), 'U_subdiv holds NaN, infinity or a number of more than'),
    ('SMPL_subdiv.mat', 'Part_ID_subdiv', np.full((1, 80), 2.0**31), 'Part_ID_subdiv holds NaN, infinity or a number of'),
    ('SMPL_subdiv.mat', 'Part_ID_subdiv', np.full((1, 80), 2.5), 'Part_ID_subdiv holds a number that is not whole'),
    ('SMPL_SUBDIV_TRANSFORM.mat', 'index', np.full((80, 1), 2.5), 'index holds a number that is not whole'),
    ('SMPL_SUBDIV_TRANSFORM.mat', 'index', np.ones((79, 1)), 'the tables differ in length'),
    ('SMPL_SUBDIV_TRANSFORM.mat', 'index', np.r_[60, np.zeros(79)][:, None], 'body: vertices outside 1 to 60')])
def test_files_of_a_broken_body_are_named(tmp_path, name, variable, values, message):
    pytest.importorskip('h5py')
    folder = write_body(tmp_path / 'body')
    charts, uv, *_ = body_tables()
    tables = dict(U_subdiv=uv[:, :1], V_subdiv=uv[:, 1:], Part_ID_subdiv=charts[None]) if 'subdiv' in name else {}
    savemat(folder / name, tables | {variable: values})
    with pytest.raises(DataError, match=rf'body.*: {message}'):
        BodySurface.load(folder)
