"""How well detections fit annotated people: on the points of the surface, on the pixels, and by their boxes.

Geodesic point similarity (GPS) is of Güler et al. (CVPR 2018); with the overlap of the masks (GPSm) and a scale for each
part it is that of the challenges of 2018 and 2019.

    D detections and G annotated people of an image of H × W pixels, P points of a person, h, w size of a box.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import cv2
import numpy as np
from scipy.ndimage import zoom

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.dense_pose.body import BodySurface
from mmqanet.functional.charts import DISTANCE_SCALES
from mmqanet.structures.segmentation import decode_segmentation
from mmqanet.structures.surface_points import SIDE, SurfacePoints, check_box, read_part_map


class Evaluator(Enum):
    """Whose reading of an annotated person's mask counts; everything else is the same in both."""

    DETECTRON2 = 'detectron2'  # the parts' union, resized; the segmentation of people without dense pose
    RELEASED = 'released'  # of QANet: the map of part numbers, resized, above 0.5; people without dense pose have none


@dataclass(frozen=True)
class DetectedPerson:
    """A detection.

    Attributes:
        box: x, y, w, h in image pixels.
        score: by which detections are ranked.
        iuv (np.ndarray): (3, h, w) uint8 of the box from its whole pixels on: chart, 255 U, 255 V.
        ident: number of the detection.
    """

    box: tuple[float, float, float, float]
    score: float
    iuv: np.ndarray
    ident: int = 0

    def fill(self, image_shape: tuple[int, int]) -> np.ndarray:
        """(H, W) bool: the pixels of the image that are on a chart."""
        return _placed(self.iuv[0] > 0, self.box, image_shape)


@dataclass(frozen=True)
class AnnotatedPerson:
    """An annotated person.

    Attributes:
        ident, box, area, crowd: as in the annotation.
        points: of the surface, with (P,) ``vertices`` of the body; ``None`` for a person to be ignored.
        mask (np.ndarray): (H, W) bool.
    """

    ident: int
    box: tuple[float, float, float, float]
    area: float
    crowd: bool
    points: SurfacePoints | None
    vertices: np.ndarray
    mask: np.ndarray


def read_people(annotations: Sequence[Mapping[str, Any]], *, body: BodySurface, image_shape: tuple[int, int],
                evaluator: Evaluator) -> list[AnnotatedPerson]:
    """The people of COCO annotations whose known fields are checked (:func:`mmqanet.structures.coco_people.load_coco`).

    Raises:
        DataError: dense pose or a mask cannot be used; names the annotation.
    """
    points = [SurfacePoints.read(one) if 'dp_x' in one else None for one in annotations]
    vertices = nearest_vertices(points, body)
    return [
        AnnotatedPerson(one['id'], tuple(one['bbox']), one['area'], bool(one.get('iscrowd', 0)), own, nearest,
                        read_mask(one, image_shape, evaluator))
        for one, own, nearest in zip(annotations, points, vertices)]


def nearest_vertices(points: Sequence[SurfacePoints | None], body: BodySurface) -> list[np.ndarray]:
    """The vertices (P,) of each person's points, all in one look-up."""
    given = [one for one in points if one is not None]
    ends = np.cumsum([0 if one is None else len(one) for one in points])
    if not given:
        return [np.empty(0, np.int64) for _ in points]
    found = body.nearest(*(np.concatenate([getattr(one, name) for one in given]) for name in ('charts', 'u', 'v')))
    return np.split(found, ends[:-1])


def read_mask(annotation: Mapping[str, Any], image_shape: tuple[int, int], evaluator: Evaluator) -> np.ndarray:
    """The (H, W) bool mask of an annotated person."""
    if 'dp_masks' in annotation:
        check_box(annotation, image_shape)
        resized = _resize_binary if evaluator is Evaluator.DETECTRON2 else _resize_labels
        return _placed(resized(read_part_map(annotation), annotation['bbox']), annotation['bbox'], image_shape)
    segmentation = annotation.get('segmentation')
    if evaluator is Evaluator.RELEASED or not segmentation:
        return np.zeros(image_shape, bool)
    try:
        mask = decode_segmentation(segmentation, image_shape)
    except (InputError, TypeError, ValueError, KeyError, IndexError) as error:
        raise DataError(f'annotation {annotation["id"]}: segmentation cannot be read ({error})') from None
    if mask.shape != tuple(image_shape):
        raise DataError(f'annotation {annotation["id"]}: segmentation of {mask.shape} for an image of {image_shape}')
    return mask > 0


def point_similarity(detections: Sequence[DetectedPerson], people: Sequence[AnnotatedPerson], *,
                     body: BodySurface) -> np.ndarray:
    """GPS of each detection with each annotated person: (D, G) float64 in [0, 1], 0 for people to be ignored.

    GPS is the mean of exp(-d² / 2κ²) over the points of the person. d is the geodesic distance from the point's vertex to
    the one predicted at its pixel, infinite where nothing is predicted, κ the scale of the chart of the point's vertex.
    """
    similarity = np.zeros((len(detections), len(people)))
    counted = [(column, person.points.in_image(person.box), person.vertices) for column, person in enumerate(people)
               if person.points is not None and (person.vertices >= 0).any()]
    if not counted or not detections:
        return similarity
    spots = np.concatenate([places[vertices >= 0] for _, places, vertices in counted])
    wanted = np.concatenate([vertices[vertices >= 0] for _, _, vertices in counted])
    seen = body.nearest_of_colours(np.concatenate([_colours(one, spots) for one in detections])).reshape(len(detections), -1)
    vertex = np.where(seen >= 0, body.vertex[seen], -1)
    distances = body.distances.between(np.broadcast_to(body.vertex[wanted], vertex.shape), vertex)
    scales = DISTANCE_SCALES[body.charts[wanted]]
    ends = np.cumsum([(vertices >= 0).sum() for _, _, vertices in counted])[:-1]
    for (column, _, _), own, scale in zip(counted, np.split(distances, ends, axis=1), np.split(scales, ends)):
        similarity[:, column] = _mean_similarity(own, scale)
    return similarity


def mask_ious(detections: Sequence[DetectedPerson], people: Sequence[AnnotatedPerson], *,
              image_shape: tuple[int, int]) -> np.ndarray:
    """IoU of the pixels on a chart with each annotated person's mask, (D, G) float64; of a crowd the detection's share."""
    ious = np.zeros((len(detections), len(people)))
    if not ious.size:
        return ious
    found, wanted = (np.stack(masks).reshape(len(masks), -1) for masks in (
        [one.fill(image_shape) for one in detections], [person.mask for person in people]))
    inter = found.astype(np.float32) @ wanted.T.astype(np.float32)
    areas, annotated = found.sum(1, dtype=np.float64)[:, None], wanted.sum(1, dtype=np.float64)
    crowd = np.array([person.crowd for person in people])
    union = np.where(crowd, areas, areas + annotated - inter)
    np.divide(inter, union, out=ious, where=inter > 0)
    return ious


def box_ious(detections: Sequence[DetectedPerson], people: Sequence[AnnotatedPerson]) -> np.ndarray:
    """IoU of the boxes, (D, G) float64; with a crowd the detection's share."""
    found = np.array([one.box for one in detections], dtype=np.float64).reshape(-1, 1, 4)
    wanted = np.array([person.box for person in people], dtype=np.float64).reshape(1, -1, 4)
    sides = np.minimum(found[..., :2] + found[..., 2:], wanted[..., :2] + wanted[..., 2:]) - np.maximum(
        found[..., :2], wanted[..., :2])
    inter = np.where((sides > 0).all(-1), sides[..., 0] * sides[..., 1], 0)
    area = found[..., 2] * found[..., 3]
    crowd = np.array([person.crowd for person in people], dtype=bool)
    union = np.where(crowd, area, area + wanted[..., 2] * wanted[..., 3] - inter)
    return np.divide(inter, union, out=np.zeros(inter.shape), where=inter > 0)


def _colours(detection: DetectedPerson, spots: np.ndarray) -> np.ndarray:
    """(P, 3) uint8 of the pixels of a detection on which points (P, 2) of the image lie; 0 outside of its box.

    Offsets are cut toward zero: a point up to a pixel left of the box counts as inside it.
    """
    x, y = (spots - detection.box[:2]).astype(np.int64).T
    height, width = (min(size, int(side)) for size, side in zip(detection.iuv.shape[1:], detection.box[:1:-1]))
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    colours = np.zeros((len(spots), 3), np.uint8)
    colours[inside] = detection.iuv[:, y[inside], x[inside]].T
    return colours


def _mean_similarity(distances: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Mean (D,) of exp(-d² / 2κ²) over distances (D, P) with the scales (P,)."""
    squared = distances ** 2
    plain = (np.isfinite(distances) & (distances > 0)).all(axis=1)
    squared[plain] = distances[plain].astype(np.float32) ** 2  # where all are of the table the original keeps its precision
    return np.exp(-squared / (2 * scale ** 2)).mean(axis=1)


def _resize_binary(parts: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """The union of the parts at the size of the box: bilinear with the corners aligned, above 0.5."""
    factors = max(box[3], 1) / SIDE, max(box[2], 1) / SIDE
    return zoom(np.minimum(parts, 1).astype(np.float64), factors, order=1, prefilter=False) > 0.5


def _resize_labels(parts: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """The numbers of the parts at the size of the box: bilinear, above 0.5."""
    size = max(int(box[2]), 1), max(int(box[3]), 1)
    return cv2.resize(parts.astype(np.float64), size, interpolation=cv2.INTER_LINEAR) > 0.5


def _placed(mask: np.ndarray, box: Sequence[float], image_shape: tuple[int, int]) -> np.ndarray:
    """A mask (h, w) of a box in its image, (H, W); what leaves the box or the image is cut off."""
    placed = np.zeros(image_shape, bool)
    left, top = int(box[0]), int(box[1])
    x0, y0 = max(left, 0), max(top, 0)
    x1 = max(min(int(box[0] + box[2]), left + mask.shape[1], image_shape[1]), x0)
    y1 = max(min(int(box[1] + box[3]), top + mask.shape[0], image_shape[0]), y0)
    placed[y0:y1, x0:x1] = mask[y0 - top:y1 - top, x0 - left:x1 - left]
    return placed
