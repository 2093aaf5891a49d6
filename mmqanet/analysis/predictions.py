"""Predictions kept on disk, one small file an image: what every later question about quality is answered from.

Letters: N people of an image, C classes, T thresholds of the pixel scores, h, w a crop of a label map, H, W the image.
"""
from dataclasses import dataclass

import numpy as np

from mmqanet.analysis.array_folder import ArrayFolder
from mmqanet.functional.people import CroppedPeople
from mmqanet.models.postprocessor import backdrop_of
from mmqanet.structures import ParsingDataSample

SCORES = ('bbox_scores', 'iou_scores', 'pixel_scores', 'part_pixel_scores')


@dataclass(frozen=True, kw_only=True)
class ImageScores:
    """The scores of an image's people, before their fusion: ``bbox_scores`` (N,), ``iou_scores`` (N,), ``pixel_scores``
    (N, T), ``part_pixel_scores`` (N, T, C-1), all float32 in [0, 1]."""

    bbox_scores: np.ndarray
    iou_scores: np.ndarray
    pixel_scores: np.ndarray
    part_pixel_scores: np.ndarray


class PredictionCache(ArrayFolder):
    """The predictions of one network on one test set from one source of boxes."""

    def write(self, name: str, sample: ParsingDataSample) -> None:
        """Keep the prediction in a sample whose post-processor had a ``pixel_score_sweep``."""
        people = sample.pred_instances
        label_maps = [label_map.numpy() for label_map in people.label_maps]
        arrays = dict(
            image_shape=np.array(sample.ori_shape[:2]), offsets=people.offsets.numpy(),
            parsing_ids=_parsing_ids(sample), bbox_scores=people.bbox_scores.numpy(),
            iou_scores=people.iou_scores.numpy(), pixel_scores=people.sweep_pixel_scores.numpy(),
            part_pixel_scores=people.sweep_part_pixel_scores.numpy(),
            sizes=np.array([label_map.shape for label_map in label_maps], dtype=np.int64).reshape(-1, 2),
            labels=np.concatenate([np.zeros(0, np.uint8), *(label_map.ravel() for label_map in label_maps)]))
        backdrop = backdrop_of(sample)
        if backdrop is not None:
            arrays['backdrop'] = backdrop
        self.write_arrays(name, arrays)

    def scores(self, name: str) -> ImageScores:
        """The scores of an image's people; raises ``DataError`` where its file is missing or broken."""
        return ImageScores(**self.read_arrays(name, SCORES))

    def people(self, name: str) -> tuple[CroppedPeople, np.ndarray]:
        """The people of an image, and their ids in the annotated human map, (N,) int64, 0 for a detected box."""
        arrays = self.read_arrays(name, ('image_shape', 'offsets', 'parsing_ids', 'sizes', 'labels'))
        sizes, labels = arrays['sizes'], arrays['labels']
        pieces = np.split(labels, sizes.prod(axis=1).cumsum()[:-1]) if len(sizes) else []
        height, width = arrays['image_shape'].tolist()
        label_maps = [piece.reshape(size) for piece, size in zip(pieces, sizes)]
        return CroppedPeople(label_maps, arrays['offsets'], (height, width)), arrays['parsing_ids']

    def backdrop(self, name: str) -> np.ndarray | None:
        """The class map (H, W) uint8 that the people are painted over; ``None`` where the network sees none."""
        return self.read_arrays(name, (), optional=('backdrop',)).get('backdrop')


def _parsing_ids(sample: ParsingDataSample) -> np.ndarray:
    """(N,) int64: whose annotated box was parsed; 0 for people that a detector or the parser itself found."""
    if 'gt_instances' in sample:
        return sample.gt_instances.parsing_ids.cpu().numpy()
    return np.zeros(len(sample.pred_instances), dtype=np.int64)
