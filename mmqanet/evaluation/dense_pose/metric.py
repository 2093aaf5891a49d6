"""The scores of dense pose as an mmengine metric, with and without the quality-aware module in one run."""
from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.dense_pose.body import BodyFiles, body_of
from mmqanet.evaluation.dense_pose.matching import ImageRecord, Mode, average_precision
from mmqanet.evaluation.dense_pose.offline import AnnotatedImage, read_annotations, record_image
from mmqanet.evaluation.dense_pose.result_files import write_results
from mmqanet.evaluation.dense_pose.similarity import DetectedPerson, Evaluator
from mmqanet.functional.chart_pasting import quantise_surface
from mmqanet.registry import METRICS


@METRICS.register_module()
class DensePoseMetric(BaseMetric):
    """AP of dense pose (docs/dense_pose_metrics.md), people ranked by quality and, beside it, by box score.

    Every image is compared as it comes, so no maps are kept. :meth:`evaluate` returns percent, by ``MODE/NAME``, names AP,
    AP50, AP75, APm, APl, AR ..., and ``MODE_box/NAME`` for the ranking by box score.

    Args:
        ann_file (str): COCO-style annotations with dense pose.
        body (str): folder with the tables of the body.
        modes (Sequence[str]): of ``'GPSm'``, ``'GPS'`` and ``'IOU'``.
        evaluator (str): reading of the annotated masks, ``'detectron2'`` or ``'released'``.
        cache (str, optional): ``.npy`` for a float16 copy of the distances.
        outfile (str, optional): also write the detections there, as the challenge server takes them.
        collect_device, prefix, collect_dir: as in :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        InputError: an unknown mode or evaluator. DataError: a file is missing or broken, or a sample lacks dense pose.
    """

    default_prefix = ''

    def __init__(self, *, ann_file: str, body: str, modes: Sequence[str] = ('GPSm', 'GPS'), evaluator: str = 'detectron2',
                 cache: str | None = None, outfile: str | None = None, collect_device: str = 'cpu',
                 prefix: str | None = None, collect_dir: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        try:
            self.modes, self.evaluator = [Mode(mode) for mode in modes], Evaluator(evaluator)
        except ValueError as error:
            raise InputError(f'DensePoseMetric: {error}') from None
        self.ann_file, self.body, self.cache, self.outfile = ann_file, body, cache, outfile
        self._images: dict[int, AnnotatedImage] | None = None
        self._files: BodyFiles | None = None

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Compare each image with its annotation, and keep how well people fit.

        Args:
            data_batch: not read.
            data_samples: dicts of a :class:`ParsingDataSample` each.
        """
        if self._images is None:
            self._images, self._files = read_annotations(self.ann_file), BodyFiles.find(self.body, cache=self.cache)
        for sample in data_samples:
            if sample['img_id'] not in self._images:
                raise DataError(f'{self.ann_file}: image {sample["img_id"]} is not among the images')
            detections, scores = detected_people(sample)
            record = record_image(self._images[sample['img_id']], detections, scores, body=body_of(self._files),
                                  evaluator=self.evaluator)
            self.results.append((record, detections if self.outfile else []))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Average precision over all images, in percent."""
        if self.outfile:
            write_results(self.outfile, [
                dict(image_id=record.image, category_id=1, bbox=list(one.box), score=float(one.score), uv=one.iuv)
                for record, detections in results for one in detections])
        records: list[ImageRecord] = [record for record, _ in results]
        found: dict[str, float] = {}
        for mode in self.modes:
            for ranking, name in enumerate((mode.value, f'{mode.value}_box')):
                precisions = average_precision(records, mode=mode, ranking=ranking)
                found |= {f'{name}/{key}': 100 * value for key, value in precisions.values().items() if value >= 0}
        print_log(f'evaluator: {self.evaluator.value}; "_box" ranks by the box score', 'current')
        return found


def detected_people(sample: dict) -> tuple[list[DetectedPerson], np.ndarray]:
    """The people of a predicted sample as detections, and their quality and box score (N, 2).

    Raises:
        DataError: the sample has no dense pose.
    """
    people = sample['pred_instances']
    if 'uv_maps' not in people:
        raise DataError(f'image {sample["img_id"]}: the prediction has no uv_maps: its parser predicts no dense pose')
    shape = tuple(sample['ori_shape'][:2])
    found = []
    for number, box in enumerate(np.asarray(people['bboxes']).tolist()):
        x, y, width, height = whole_pixels(box, shape)
        charts, uv, (top, left) = (people[key][number].numpy() for key in ('label_maps', 'uv_maps', 'offsets'))
        iuv = np.zeros((3, height, width), np.uint8)
        first, last = np.maximum((y, x), (top, left)), np.minimum((y + height, x + width), np.add((top, left), charts.shape))
        if (last > first).all():
            (target_rows, target_columns), (rows, columns) = (
                [slice(*ends) for ends in zip(first - corner, last - corner)] for corner in ((y, x), (top, left)))
            iuv[:, target_rows, target_columns] = quantise_surface(charts[rows, columns], uv[:, rows, columns])
        found.append(DetectedPerson((x, y, width, height), float(people['qualities'][number]), iuv, number + 1))
    scores = np.stack([np.asarray(people[key], dtype=np.float64) for key in ('qualities', 'bbox_scores')], axis=1)
    return found, scores


def whole_pixels(box: Sequence[float], image_shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 → x, y, w, h in whole pixels, rounded down as in the release, cut to the image, 1 pixel at least."""
    height, width = image_shape
    x1, x2 = (min(max(int(value), 0), width) for value in (box[0], box[2]))
    y1, y2 = (min(max(int(value), 0), height) for value in (box[1], box[3]))
    x1, y1 = min(x1, width - 1), min(y1, height - 1)
    return x1, y1, max(x2 - x1, 1), max(y2 - y1, 1)
