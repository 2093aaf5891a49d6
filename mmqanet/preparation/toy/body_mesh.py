"""The body that toy dense pose is measured on: a mesh over the tubes of a standing toy person, and its tables on disk.

The files have the names, variables and layouts of the official ones, which derive from SMPL and are not bundled.

    V vertices on the charts (a vertex on the border of charts counts once a chart), N vertices of the mesh.
"""
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import savemat
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from mmqanet.evaluation.dense_pose.body import DISTANCES, NUM_CHARTS, SURFACE, TRANSFORM
from mmqanet.evaluation.dense_pose.distances import write_distances
from mmqanet.preparation.toy.skeleton import SIDES, Body, Pose, pose_body
from mmqanet.preparation.toy.surface import Tube, body_tubes, mirror
from mmqanet.structures.uv_mirror import NAMES
from mmqanet.utils.files import write_bytes

HEIGHT = 1.7  # of the person, in metres
ANGLES = 12  # vertices around a tube
STEP = 0.036  # between rings along a tube at most, in body heights
_STANDING = Pose({f'{side} {part}': angles for side in SIDES for part, angles in (
    ('arm', (40.0, 0.0, 40.0, 0.0)), ('leg', (8.0, 0.0, 8.0, 0.0)))}, camera=0.0)
_JOINED = [('head', 'trunk')] + [(f'{side} {a}', b.format(side)) for side in SIDES for a, b in (
    ('upper arm', 'trunk'), ('lower arm', '{} upper arm'), ('hand', '{} lower arm'),
    ('upper leg', 'trunk'), ('lower leg', '{} upper leg'), ('foot', '{} lower leg'))]


@dataclass(frozen=True)
class BodyMesh:
    """Vertices on charts and their distances.

    charts: (V,) 1 to 24. uv: (V, 2) in [0, 1]. vertex: (V,) 0 to N - 1.
    distances: (N, N) metres, along the edges of the mesh.
    """

    charts: np.ndarray
    uv: np.ndarray
    vertex: np.ndarray
    distances: np.ndarray


def build_mesh() -> BodyMesh:
    """The mesh of a standing person: rings of vertices around every tube, the tubes joined where they meet."""
    tubes = body_tubes(pose_body(Body(), _STANDING))
    places, edges, on_charts, rings = [], [], [], {}
    count = 0
    for name, tube in tubes.items():
        points, u = _ring_points(tube)
        numbers = np.arange(count, count + points[..., 0].size).reshape(points.shape[:2])
        count += numbers.size
        places.append(points.reshape(-1, 3))
        edges += _ring_edges(numbers)
        on_charts += _on_charts(tube, u, numbers)
        rings[name] = numbers
    place = np.concatenate(places)
    edges += [_join(rings[child][[0, -1]], rings[parent], place) for child, parent in _JOINED]
    first, second = np.concatenate(edges, axis=1)
    lengths = np.maximum(np.linalg.norm(place[first] - place[second], axis=1), 1e-4)
    graph = coo_array((lengths * HEIGHT, (first, second)), (count, count)).tocsr()
    charts, u, v, vertex = (np.concatenate(column) for column in zip(*on_charts))
    return BodyMesh(charts, np.stack([u, v], axis=1), vertex, dijkstra(graph, directed=False))


def mirror_tables() -> tuple[np.ndarray, np.ndarray]:
    """U and V (24, 256, 256) on the mirrored chart of the points (U, V) = (column, row) / 255 of each chart."""
    steps = np.arange(256) / 255
    u = np.broadcast_to(steps, (NUM_CHARTS, 256, 256))
    rows = np.stack([np.rint(255 * mirror(chart, steps)) / 255 for chart in range(1, NUM_CHARTS + 1)])
    return u, np.broadcast_to(rows[..., None], u.shape)


def write_body(folder: Path) -> None:
    """Write ``UV_data`` with the tables of the mirror, and ``eval_data`` with those of the body, below a folder.

    Raises:
        InputError: h5py is not installed. DataError: a file cannot be written.
    """
    mesh, evaluation = build_mesh(), folder / 'eval_data'
    write_distances(evaluation / DISTANCES, mesh.distances)
    _write_mat(evaluation / SURFACE, dict(U_subdiv=mesh.uv[:, :1], V_subdiv=mesh.uv[:, 1:],
                                          Part_ID_subdiv=mesh.charts[None].astype(np.uint8)))
    _write_mat(evaluation / TRANSFORM, dict(index=mesh.vertex[:, None] + 1.0))
    cells = {}
    for name, tables in zip(NAMES, mirror_tables()):
        cells[name] = np.empty((1, NUM_CHARTS), object)
        cells[name][0] = list(tables)
    _write_mat(folder / 'UV_data' / 'UV_symmetry_transforms.mat', cells)


def _write_mat(path: Path, variables: dict[str, np.ndarray]) -> None:
    content = io.BytesIO()
    savemat(content, variables, do_compression=True)
    write_bytes(path, content.getvalue())


def _ring_points(tube: Tube) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (rings, angles, 3) of a tube, and U (rings,) of its rings."""
    span = tube.length + sum(tube.reach)
    u = np.linspace(0, 1, 2 + int(span / STEP))
    place = u * span - tube.reach[0]
    axis = np.clip(place, 0, tube.length)
    half = tube.half_width(axis / tube.length)
    half = np.sqrt(np.maximum(half ** 2 - (place - axis) ** 2, (0.2 * half) ** 2))  # round ends, cut off at the tip
    angle = np.arange(ANGLES) * 2 * np.pi / ANGLES
    aside = half[:, None] * np.sin(angle)
    normal = np.array([tube.along[1], -tube.along[0]])
    flat = tube.start + place[:, None, None] * tube.along + aside[..., None] * normal
    return np.concatenate([flat, (half[:, None] * np.cos(angle))[..., None]], axis=2), u


def _ring_edges(numbers: np.ndarray) -> list[np.ndarray]:
    """Edges (2, E) around rings, along the tube, and across its cells."""
    after = np.roll(numbers, -1, axis=1)
    pairs = [(numbers, after), (numbers[:-1], numbers[1:]), (numbers[:-1], after[1:]), (after[:-1], numbers[1:])]
    return [np.stack([a.ravel(), b.ravel()]) for a, b in pairs]


def _on_charts(tube: Tube, u: np.ndarray, numbers: np.ndarray) -> list[tuple[np.ndarray, ...]]:
    """Chart, U, V and vertex of a tube's vertices, by sector; those on a border count once a chart, on a seam twice."""
    angle = np.arange(ANGLES) * 2 * np.pi / ANGLES
    found: list[tuple[np.ndarray, ...]] = []
    for sector in tube.sectors:
        turn = 2 * np.pi / abs(sector.stop - sector.start)
        for v in (sector.across(angle), sector.across(angle) - turn, sector.across(angle) + turn):
            v = np.round(v, 9)
            own = np.flatnonzero((v >= 0) & (v <= 1))
            shape = len(u), len(own)
            found.append((np.full(shape, sector.chart).ravel(), np.repeat(u, len(own)),
                          np.broadcast_to(v[own], shape).ravel(), numbers[:, own].ravel()))
    return found


def _join(ends: np.ndarray, parent: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Edges (2, E) from the end ring (of two) that is nearer to the parent to the parent's nearest vertices."""
    parent = parent.ravel()
    apart = np.linalg.norm(place[ends][..., None, :] - place[parent], axis=3)
    end = apart.min(axis=2).mean(axis=1).argmin()
    return np.stack([ends[end], parent[apart[end].argmin(axis=1)]])
