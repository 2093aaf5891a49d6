"""Similarity of dense pose detections and people: the original way beside mmqanet's, with how far they differ.

    python benchmarks/dense_pose.py [--vertices 27554] [--images 20] [--detections 4] [--people 3]

The original way takes every pair of a detection and a person by itself: it measures the points of both against all vertices
of a chart, and reads one distance after the other. The body is random: vertices spread over 24 charts, and distances of
their places in space. mmqanet has two figures: with no colour looked up before, and with all
of them remembered.
"""
import argparse
import time

import numpy as np
from common import header
from scipy.spatial.distance import cdist

from mmqanet.evaluation.dense_pose import AnnotatedPerson, BodySurface, DetectedPerson, Distances, point_similarity
from mmqanet.evaluation.dense_pose.similarity import nearest_vertices
from mmqanet.functional.charts import DISTANCE_SCALES
from mmqanet.structures.surface_points import SurfacePoints

BOX = (10.0, 10.0, 120.0, 240.0)


def make_body(num_vertices: int, rng: np.random.Generator) -> BodySurface:
    """Vertices on 24 charts in turn; their distances row by row."""
    places = rng.uniform(0, 0.5, (num_vertices, 3)).astype(np.float32)
    packed = np.empty(num_vertices * (num_vertices - 1) // 2, np.float32)
    for row in range(1, num_vertices):
        start = row * (row - 1) // 2
        packed[start:start + row] = np.linalg.norm(places[:row] - places[row], axis=1)
    charts = np.arange(num_vertices) % 24 + 1
    uv = rng.uniform(0, 1, (num_vertices, 2))
    return BodySurface(charts, uv, np.arange(num_vertices), Distances(packed, num_vertices))


def make_image(args: argparse.Namespace, rng: np.random.Generator) -> tuple[list[DetectedPerson], list[SurfacePoints]]:
    """Detections with patches of charts, as a network makes them, and people of 100 points."""
    detections = []
    for _ in range(args.detections):
        iuv = rng.integers(0, 256, (3, 30, 15)).astype(np.uint8)
        iuv[0] = rng.integers(0, 25, (30, 15))
        detections.append(DetectedPerson(BOX, 0.9, iuv.repeat(8, axis=1).repeat(8, axis=2)))
    people = [SurfacePoints(*rng.uniform(0, 255, (2, 100)), rng.integers(1, 25, 100), *rng.uniform(0, 1, (2, 100)))
              for _ in range(args.people)]
    return detections, people


def by_pairs(detections: list[DetectedPerson], people: list[SurfacePoints], body: BodySurface) -> np.ndarray:
    """The original way."""
    similarity = np.zeros((len(detections), len(people)))
    members = [np.flatnonzero(body.charts == chart) for chart in range(1, 25)]
    for column, points in enumerate(people):
        for row, detection in enumerate(detections):
            x, y = (points.in_image(BOX) - BOX[:2]).astype(int).clip(0, (119, 239)).T
            chart, u, v = detection.iuv[:, y, x]
            wanted = nearest(points.charts, points.u, points.v, members, body)
            found = nearest(chart, u / 255, v / 255, members, body)
            distances = [distance(int(a), int(b), body.distances.packed) for a, b in zip(wanted, found)]
            scale = DISTANCE_SCALES[body.charts[wanted]]
            similarity[row, column] = np.mean(np.exp(-np.array(distances) ** 2 / (2 * scale ** 2)))
    return similarity


def nearest(charts: np.ndarray, u: np.ndarray, v: np.ndarray, members: list[np.ndarray], body: BodySurface) -> np.ndarray:
    """The nearest vertex of each point, by the distances to all vertices of its chart; -1 for background."""
    found = np.full(len(charts), -1)
    for chart in range(1, 25):
        own = charts == chart
        if own.any():
            table = cdist(body.uv[members[chart - 1]], np.stack([u[own], v[own]], axis=1))
            found[own] = members[chart - 1][table.argmin(axis=0)]
    return found


def distance(a: int, b: int, packed: np.ndarray) -> float:
    """One distance."""
    if b < 0:
        return np.inf
    high, low = max(a, b), min(a, b)
    return 0.0 if high == low else packed[high * (high - 1) // 2 + low]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--vertices', type=int, default=27554)
    parser.add_argument('--images', type=int, default=20)
    parser.add_argument('--detections', type=int, default=4)
    parser.add_argument('--people', type=int, default=3)
    args = parser.parse_args()
    print(header('Dense pose: geodesic point similarity'))
    rng = np.random.default_rng(0)
    body = make_body(args.vertices, rng)
    images = [make_image(args, rng) for _ in range(args.images)]
    pairs = args.images * args.detections * args.people
    start = time.process_time()
    expected = [by_pairs(*image, body) for image in images]
    slow = time.process_time() - start
    print(f'{args.vertices} vertices, {pairs} pairs; processor time a pair')
    print(f'original way                     {1e3 * slow / pairs:8.3f} ms')
    for title in ('mmqanet, colours looked up', 'mmqanet, colours remembered'):
        start = time.process_time()
        ours = []
        for detections, points in images:
            people = make_people(points, body)
            ours.append(point_similarity(detections, people, body=body))
        fast = time.process_time() - start
        print(f'{title:32} {1e3 * fast / pairs:8.3f} ms   {slow / fast:5.1f} times as fast   differs by '
              f'{max(np.abs(a - b).max() for a, b in zip(ours, expected)):.1e}')


def make_people(points: list[SurfacePoints], body: BodySurface) -> list[AnnotatedPerson]:
    """As from annotations, without masks."""
    return [AnnotatedPerson(0, BOX, BOX[2] * BOX[3], False, one, vertices, np.zeros((1, 1), bool))
            for one, vertices in zip(points, nearest_vertices(points, body))]


if __name__ == '__main__':
    main()
