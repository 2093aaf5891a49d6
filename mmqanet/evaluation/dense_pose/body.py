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
CANDIDATES = 8  # of the tree, among which the nearest vertex is chosen exactly


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
    _step: float = field(init=False, repr=False)  # between charts in the tree: no two points of one are as far apart
    _tree: KDTree = field(init=False, repr=False)
    _colours: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.charts) == len(self.uv) == len(self.vertex):
            raise InputError(f'body: {len(self.charts)} charts, {len(self.uv)} UVs and {len(self.vertex)} vertices')
        if len(self.charts) and not (self.charts.min() >= 1 and self.charts.max() <= NUM_CHARTS):
            raise InputError(f'body: charts outside 1 to {NUM_CHARTS}')
        if len(self.vertex) and not (self.vertex.min() >= 0 and self.vertex.max() < self.distances.num_vertices):
            raise InputError(f'body: vertices outside 1 to {self.distances.num_vertices}, of which there are distances')
        if not len(self.uv):
            raise InputError('body: no vertices')
        object.__setattr__(self, '_step', 3 + 3 * float(np.abs(self.uv).max()))
        object.__setattr__(self, '_tree', KDTree(np.column_stack([self.uv, self._step * self.charts])))
        object.__setattr__(self, '_colours', np.full((NUM_CHARTS, 256, 256), -2, np.int32))

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
            u, v: (P,) float64.

        Returns:
            (P,) int64 index among the V vertices, the first of those equally near, -1 for none.
        """
        charts = np.asarray(charts, dtype=np.int64)
        found = np.full(len(charts), -1, np.int64)
        points = np.stack([u, v], axis=1)
        _, near = self._tree.query(np.column_stack([points, self._step * charts]), k=CANDIDATES)
        near = np.sort(near, axis=1)  # so that the first of equals is the first in the file; the last number stands for none
        distance = _euclidean(points[:, None], self.uv[near % len(self.uv)])
        distance[(near == len(self.uv)) | (self.charts[near % len(self.uv)] != charts[:, None])] = np.inf
        least = distance.min(axis=1, initial=np.inf)
        known = np.isfinite(least)
        found[known] = near[known, distance[known].argmin(axis=1)]
        crowded = known & (distance.max(axis=1, initial=0) <= least * (1 + 1e-9))  # perhaps more equals than candidates
        for index in np.flatnonzero(crowded):
            members = np.flatnonzero(self.charts == charts[index])
            found[index] = members[_euclidean(points[index], self.uv[members]).argmin()]
        return found

    def nearest_of_colours(self, iuv: np.ndarray) -> np.ndarray:
        """The same for (P, 3) uint8 chart, 255 U, 255 V; every colour is looked up once and remembered."""
        chart, u, v = (iuv[:, channel].astype(np.int64) for channel in range(3))
        found = np.full(len(iuv), -1, np.int64)
        known = (chart >= 1) & (chart <= NUM_CHARTS)
        places = chart[known] - 1, u[known], v[known]
        new = self._colours[places] == -2
        if new.any():
            charts, us, vs = np.unique(np.stack(places)[:, new], axis=1)
            self._colours[charts, us, vs] = self.nearest(charts + 1, us / 255.0, vs / 255.0)
        found[known] = self._colours[places]
        return found


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
