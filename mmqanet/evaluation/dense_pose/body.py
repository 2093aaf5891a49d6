"""The surface of the body that dense pose is measured on: its vertices on the charts and their geodesic distances.

The tables of the original evaluation derive from the SMPL body and are not bundled: users bring them.

    V vertices on the charts (a vertex on the border of charts counts once a chart), N vertices of the mesh, P points.
"""
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.dense_pose.distances import DistanceFile, Distances, find_distances
from mmqanet.functional.charts import CHARTS
from mmqanet.utils.files import PathLike
from mmqanet.utils.matlab import read_mat

SURFACE, TRANSFORM, DISTANCES = 'SMPL_subdiv.mat', 'SMPL_SUBDIV_TRANSFORM.mat', 'Pdist_matrix.mat'
TABLES = (
    (SURFACE, 'U_subdiv'), (SURFACE, 'V_subdiv'), (SURFACE, 'Part_ID_subdiv'), (TRANSFORM, 'index'))
WHOLE = ('Part_ID_subdiv', 'index')  # of the tables, those of whole numbers
LARGEST = 2**31  # beyond all vertices
NUM_CHARTS = len(CHARTS) - 1
MARGIN = 1e-12  # of distances in the tree, by which its rounding may be wrong, times the step between charts


@dataclass(frozen=True, eq=False)
class BodySurface:
    """Vertices on charts, and how far apart they are on the surface.

    Attributes:
        charts (np.ndarray): (V,) int64, 1 to 24.
        uv (np.ndarray): (V, 2) float64.
        vertex (np.ndarray): (V,) int64, the vertex of the mesh, 0 to N - 1.
        distances: of the N vertices, in metres.
    """

    charts: np.ndarray
    uv: np.ndarray
    vertex: np.ndarray
    distances: Distances
    _step: float = field(init=False, repr=False)  # along U between charts in the tree: no chart reaches into another
    _tree: KDTree = field(init=False, repr=False)
    _members: tuple[np.ndarray, ...] = field(init=False, repr=False)  # the vertices of each chart, from chart 0 on
    _colours: np.ndarray = field(init=False, repr=False)  # the vertex of each colour, -2 for those not looked up yet

    def __post_init__(self) -> None:
        if not len(self.charts) == len(self.uv) == len(self.vertex):
            raise InputError(f'body: {len(self.charts)} charts, {len(self.uv)} UVs and {len(self.vertex)} vertices')
        if len(self.charts) and not (self.charts.min() >= 1 and self.charts.max() <= NUM_CHARTS):
            raise InputError(f'body: charts outside 1 to {NUM_CHARTS}')
        if len(self.vertex) and not (self.vertex.min() >= 0 and self.vertex.max() < self.distances.num_vertices):
            raise InputError(f'body: vertices outside 1 to {self.distances.num_vertices}, of which there are distances')
        if not len(self.uv):
            raise InputError('body: no vertices')
        object.__setattr__(self, '_step', 4 + 4 * float(np.abs(self.uv).max()))
        object.__setattr__(self, '_tree', KDTree(self._side_by_side(self.charts, self.uv)))
        object.__setattr__(self, '_members', tuple(np.flatnonzero(self.charts == chart) for chart in range(NUM_CHARTS + 1)))
        object.__setattr__(self, '_colours', np.repeat([-1] + [-2] * NUM_CHARTS, 2**16).astype(np.int32))

    @classmethod
    def load(cls, folder: PathLike, *, cache: PathLike | None = None) -> 'BodySurface':
        """Read ``SMPL_subdiv.mat``, ``SMPL_SUBDIV_TRANSFORM.mat`` and ``Pdist_matrix.mat``.

        Args:
            folder: holds the three.
            cache: file for a float16 copy of the distances, made if need be; without one the distances are float32.

        Raises:
            DataError: a file is missing, broken or of another size than the others. InputError: h5py is not installed.
        """
        return BodyFiles.find(folder, cache=cache).read()

    def nearest(self, charts: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The vertex of a chart that is nearest to a point of it in U and V.

        Args:
            charts: (P,) integers; points of chart 0 or of a chart without vertices have no vertex.
            u, v: (P,) float64 in [0, 1].

        Returns:
            (P,) int64 index among the V vertices, the first of those equally near, -1 for none.
        """
        charts = np.asarray(charts, dtype=np.int64)
        points = np.stack([u, v], axis=1)
        _, near = self._tree.query(self._side_by_side(charts, points), k=2)
        there = near < len(self.uv)  # the number beyond the last vertex stands for none
        near[~there] = 0
        distance = _euclidean(points[:, None], self.uv[near])
        distance[~there | (self.charts[near] != charts[:, None])] = np.inf
        second = distance[:, 1] < distance[:, 0]
        found = np.where(second, near[:, 1], near[:, 0])
        found[np.isinf(distance).all(axis=1)] = -1
        close = np.isfinite(distance).all(axis=1)
        close[close] = np.abs(distance[close, 0] - distance[close, 1]) <= MARGIN * self._step
        for index in np.flatnonzero(close):  # perhaps more vertices are as near
            members = self._members[charts[index]]
            found[index] = members[_euclidean(points[index], self.uv[members]).argmin()]
        return found

    def nearest_of_colours(self, iuv: np.ndarray) -> np.ndarray:
        """The same for (P, 3) uint8 chart, 255 U, 255 V; every colour is looked up once and remembered."""
        chart, u, v = iuv.T.astype(np.int64)
        colours = np.where(chart <= NUM_CHARTS, chart, 0) << 16 | u << 8 | v
        found = self._colours[colours]
        new = np.unique(colours[found == -2])
        if len(new):
            self._colours[new] = self.nearest(new >> 16, (new >> 8 & 255) / 255.0, (new & 255) / 255.0)
            found = self._colours[colours]
        return found

    def _side_by_side(self, charts: np.ndarray, uv: np.ndarray) -> np.ndarray:
        """(P, 2) places of the tree, a plane with one chart beside the other."""
        return np.stack([uv[:, 0] + self._step * charts, uv[:, 1]], axis=1)


@dataclass(frozen=True)
class BodyFiles:
    """Where the tables of a body lie; a worker process reads them once (:func:`body_of`).

    Attributes:
        folder: of the two small ones.
        distances: the third, uncompressed.
    """

    folder: str
    distances: DistanceFile

    @classmethod
    def find(cls, folder: PathLike, *, cache: PathLike | None = None) -> 'BodyFiles':
        """As :meth:`BodySurface.load`."""
        num_vertices = int(_read_tables(Path(folder))['index'].max())
        return cls(str(folder), find_distances(Path(folder) / DISTANCES, num_vertices=num_vertices, cache=cache))

    def read(self) -> BodySurface:
        """The body, its distances mapped from their file."""
        tables = _read_tables(Path(self.folder))
        uv = np.stack([tables['U_subdiv'], tables['V_subdiv']], axis=1)
        try:
            return BodySurface(tables['Part_ID_subdiv'].astype(np.int64), uv, tables['index'].astype(np.int64) - 1,
                               self.distances.map())
        except InputError as error:
            raise DataError(f'{self.folder}: {error}') from None


body_of = lru_cache(1)(BodyFiles.read)


def body_files(folder: PathLike) -> list[Path]:
    """The files of a body in a folder."""
    return [Path(folder) / name for name in (SURFACE, TRANSFORM, DISTANCES)]


def _read_tables(folder: Path) -> dict[str, np.ndarray]:
    """The variables of the two small files, float64 of one length."""
    tables = {}
    for name, variable in TABLES:
        values = np.asarray(read_mat(folder / name, variable))
        if values.dtype.kind not in 'iuf' or not values.size or values.size != max(values.shape):
            raise DataError(f'{folder / name}: {variable} is no row of numbers')
        tables[variable] = values.ravel().astype(np.float64)
        if not (np.abs(tables[variable]) < LARGEST).all():
            raise DataError(f'{folder / name}: {variable} holds NaN, infinity or a number of more than {LARGEST:,}')
        if variable in WHOLE and (tables[variable] % 1).any():
            raise DataError(f'{folder / name}: {variable} holds a number that is not whole')
    sizes = {variable: len(values) for variable, values in tables.items()}
    if len(set(sizes.values())) > 1:
        raise DataError(f'{folder}: the tables differ in length, {sizes}')
    return tables


def _euclidean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    difference = a - b
    return np.sqrt(difference[..., 0] ** 2 + difference[..., 1] ** 2)
