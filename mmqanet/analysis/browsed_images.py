"""The whole images of a data set with all that is annotated in them, to look at: from maps on disk, or from dense pose."""
import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmqanet.datasets import HumanParsingDataset
from mmqanet.datasets.densepose_coco import DensePoseCOCODataset
from mmqanet.functional.charts import PART_OF_CHART, PART_PAIRS, PARTS
from mmqanet.registry import DATASETS
from mmqanet.structures import LabelSet
from mmqanet.visualization.surface_points import PlacedPoints


@dataclass(frozen=True, kw_only=True)
class WholeImage:
    """An annotated image.

    image: (H, W, 3) uint8 BGR. category, human: (H, W) integer, class and person per pixel. boxes: (N, 4) xyxy in pixels.
    points: of dense pose.
    """

    image: np.ndarray
    category: np.ndarray
    human: np.ndarray
    boxes: np.ndarray
    points: PlacedPoints = field(default_factory=PlacedPoints)


class WholeImages(ABC):
    """Reads whole images of the data set of a config; ``label_set`` is that of their maps and of the crops' labels."""

    label_set: LabelSet

    def __init__(self, cfg: dict[str, Any], pipeline: list[dict]) -> None:
        whole = {**copy.deepcopy(dict(cfg)), 'on_invalid': 'skip', 'pipeline': pipeline, 'test_mode': True}
        whole['data_prefix'] = {key: value for key, value in cfg['data_prefix'].items() if key != 'instance'}
        self.images: HumanParsingDataset = DATASETS.build(whole)
        self.label_set = LabelSet.of(self.images.metainfo)
        self.colours = np.array(self.label_set.palette, np.uint8)[:, ::-1]
        self._index = {self.images.get_data_info(i)['img_id']: i for i in range(len(self.images))}

    def prepare(self, image_id: int) -> dict:
        """The image through the pipeline; raises ``DataError`` where it is broken."""
        return self.images.prepare_data(self._index[image_id])

    def place(self, xy: np.ndarray, charts: np.ndarray) -> PlacedPoints:
        """Points (P, 2) of charts (P,), in the colours of the data set's classes."""
        return PlacedPoints(xy, self.colours[charts])

    @abstractmethod
    def read(self, image_id: int) -> WholeImage:
        """Read an image; raises ``DataError`` where it is broken."""


class MappedImages(WholeImages):
    """Of data sets with maps on disk."""

    def __init__(self, cfg: dict[str, Any]) -> None:
        super().__init__(cfg, [dict(type='LoadImage'), dict(type='LoadImageMaps')])

    def read(self, image_id: int) -> WholeImage:
        """Read an image and its maps."""
        whole = self.prepare(image_id)
        category = whole['category_map']
        human = whole.get('human_map', (category > 0).astype(np.int32))
        return WholeImage(image=whole['img'], category=category, human=human, boxes=whole['bboxes'])


class SurfaceImages(WholeImages):
    """Of data sets of dense pose: the coarse parts, in the colour of their first chart, and the points of the surface."""

    def __init__(self, cfg: dict[str, Any]) -> None:
        super().__init__(cfg, [dict(type='LoadImage')])
        own = [dict(type='LoadImage'), dict(type='LoadSurface')]
        self.people: HumanParsingDataset = DATASETS.build(
            {**copy.deepcopy(dict(cfg)), 'on_invalid': 'skip', 'pipeline': own, 'test_mode': False, 'detection_file': None})
        first = [list(PART_OF_CHART).index(part) for part in range(len(PARTS))]
        self.label_set = LabelSet(PARTS, tuple(self.label_set.palette[chart] for chart in first), PART_PAIRS)
        self._people_of: dict[int, list[int]] = {}
        for index in range(len(self.people)):
            self._people_of.setdefault(self.people.get_data_info(index)['img_id'], []).append(index)

    def read(self, image_id: int) -> WholeImage:
        """Read an image and the dense pose of its people."""
        image = self.prepare(image_id)['img']
        category, human = np.zeros(image.shape[:2], np.uint8), np.zeros(image.shape[:2], np.int32)
        boxes, points = [], []
        for number, index in enumerate(self._people_of.get(image_id, []), 1):
            person = self.people.prepare_data(index)
            inside = person['gt_map'] > 0
            category[inside], human[inside] = person['gt_map'][inside], number
            boxes.append(person['bboxes'])
            points.append(self.place(person['point_places'], person['surface_points'].charts))
        return WholeImage(image=image, category=category, human=human, boxes=np.concatenate([np.empty((0, 4)), *boxes]),
                          points=PlacedPoints.joined(points))


def whole_images(cfg: dict[str, Any], kind: type) -> WholeImages:
    """The images of a data set of a class."""
    return (SurfaceImages if issubclass(kind, DensePoseCOCODataset) else MappedImages)(cfg)
