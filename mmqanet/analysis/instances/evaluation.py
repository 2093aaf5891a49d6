"""Detections against the annotation, under any ranking: matches as the evaluators of COCO and of LVIS define them.

    I images, C classes, A area ranges, T IoU thresholds.
"""
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as mask_tools
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmqanet.analysis.instances.detections import KeptDetections
from mmqanet.analysis.instances.precision import ClassMatches, mean_precision
from mmqanet.errors import DataError, InputError

AREAS = ('all', 'small', 'medium', 'large')
FREQUENCIES = {'r': 'rare', 'c': 'common', 'f': 'frequent'}  # of classes in LVIS
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)


@dataclass(frozen=True)
class Matches:
    """Matches under one ranking.

    Attributes:
        areas: for each of ``AREAS`` the matches of the C classes.
        frequencies: (C,) the letter in ``FREQUENCIES`` of each class of LVIS; empty for COCO.
    """

    areas: dict[str, list[ClassMatches]]
    frequencies: tuple[str, ...] = ()

    def metrics(self) -> dict[str, float]:
        """AP, AP50, AP75, APs, APm, APl and, for LVIS, AP_rare, AP_common, AP_frequent, in percent."""
        ious = mean_precision(self.areas['all'])
        values = {'AP': ious.mean(), 'AP50': ious[0], 'AP75': ious[5]}
        values |= {f'AP{area[0]}': mean_precision(self.areas[area]).mean() for area in AREAS[1:]}
        for frequency in (letter for letter in FREQUENCIES if letter in self.frequencies):
            chosen = [matches for matches, own in zip(self.areas['all'], self.frequencies) if own == frequency]
            values[f'AP_{FREQUENCIES[frequency]}'] = mean_precision(chosen).mean()
        return {key: 100 * float(value) for key, value in values.items()}


class MaskEvaluator(ABC):
    """The annotation of some images, and what was found on them.

    Args:
        annotation: JSON of the data set.
        image_ids: I of them.
        category_ids: of the annotation, for each label of the detections.
        images: the detections of each image.
        classes: names of the categories to evaluate, all by default.

    Raises:
        DataError: the annotation cannot be read or lacks an image.
        InputError: no category has the name of a class.
    """

    def __init__(self, annotation: Path, image_ids: Sequence[int], category_ids: Sequence[int],
                 images: Sequence[KeptDetections], *, classes: Sequence[str] | None = None) -> None:
        self.image_ids, self.category_ids = list(image_ids), list(category_ids)
        try:
            with redirect_stdout(None):
                self.truth: Any = self._read(annotation)
        except InputError:
            raise
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f'{annotation}: not readable as an annotation of this kind ({error})') from None
        lacking = [image_id for image_id in self.image_ids if image_id not in self.truth.imgs]
        if lacking:
            raise DataError(f'{annotation}: no image with the id {lacking[0]}')
        self.evaluated = sorted({self._category_id(name) for name in classes} if classes else self.category_ids)
        self.detections = [
            self._detection(image_id, found, index) for image_id, found in zip(self.image_ids, images)
            for index in range(len(found.labels))]

    def _category_id(self, name: str) -> int:
        names = [self.truth.cats[category_id]['name'] for category_id in self.category_ids]
        if name not in names:
            raise InputError(f'the annotation has no class {name!r}; it has {", ".join(names)}')
        return self.category_ids[names.index(name)]

    def _detection(self, image_id: int, found: KeptDetections, index: int) -> dict[str, Any]:
        x1, y1, x2, y2 = found.bboxes[index].tolist()
        return {'image_id': image_id, 'category_id': self.category_ids[int(found.labels[index])],
                'bbox': [x1, y1, x2 - x1, y2 - y1], 'segmentation': found.masks[index]}

    def match(self, scores: Sequence[np.ndarray], *, kind: str = 'segm') -> Matches:
        """Match the detections, ranked by their scores, (N,) for each image.

        Args:
            kind: ``'segm'`` compares masks, ``'bbox'`` boxes.
        """
        for detection, score in zip(self.detections, np.concatenate([np.zeros(0, np.float32), *scores]).tolist()):
            detection['score'] = score
        with redirect_stdout(None):
            return self._match(kind)

    @abstractmethod
    def _read(self, annotation: Path) -> Any:
        """The annotation; an attribute ``imgs`` has its images by id."""

    @abstractmethod
    def _match(self, kind: str) -> Matches:
        """The matches of ``self.detections`` under their present scores."""


class COCOMaskEvaluator(MaskEvaluator):
    """By pycocotools: at most 100 detections of an image and class. IoUs are computed once for all rankings."""

    def __init__(self, annotation: Path, image_ids: Sequence[int], category_ids: Sequence[int],
                 images: Sequence[KeptDetections], *, classes: Sequence[str] | None = None) -> None:
        super().__init__(annotation, image_ids, category_ids, images, classes=classes)
        self._evaluations: dict[str, _Evaluation] = {}

    def _read(self, annotation: Path) -> COCO:
        return COCO(str(annotation))

    def _match(self, kind: str) -> Matches:
        if kind not in self._evaluations:
            self._evaluations[kind] = _Evaluation(self.truth, self._found(kind), kind)
            params = self._evaluations[kind].params
            params.imgIds, params.catIds, params.iouThrs = self.image_ids, self.evaluated, IOU_THRESHOLDS
        evaluation = self._evaluations[kind]
        for own, detection in zip(evaluation.cocoDt.dataset['annotations'], self.detections):
            own['score'] = detection['score']
        evaluation.evaluate()
        names = 'dtScores', 'dtMatches', 'dtIgnore', 'gtIgnore'
        return _by_class_and_area(evaluation.evalImgs, num_classes=len(self.evaluated), names=names)

    def _found(self, kind: str) -> COCO:
        found = COCO()
        annotations = []
        for number, detection in enumerate(self.detections, 1):
            box = detection['bbox']
            area = box[2] * box[3] if kind == 'bbox' else float(mask_tools.area(detection['segmentation']))
            annotations.append({**detection, 'id': number, 'iscrowd': 0, 'area': area})
        found.dataset = {**self.truth.dataset, 'annotations': annotations}
        found.createIndex()
        return found


class _Evaluation(COCOeval):
    """COCO's evaluation with the overlaps of all detections kept from one ranking to the next."""

    def __init__(self, truth: COCO, found: COCO, kind: str) -> None:
        super().__init__(truth, found, kind)
        self._overlaps: dict[tuple[int, int], np.ndarray] = {}

    def computeIoU(self, imgId: int, catId: int) -> np.ndarray | list:
        targets, found = self._gts[imgId, catId], self._dts[imgId, catId]
        if not targets or not found:
            return []
        if (imgId, catId) not in self._overlaps:
            field = 'segmentation' if self.params.iouType == 'segm' else 'bbox'
            crowd = [int(target['iscrowd']) for target in targets]
            self._overlaps[imgId, catId] = mask_tools.iou(
                [one[field] for one in found], [target[field] for target in targets], crowd)
        order = np.argsort([-one['score'] for one in found], kind='mergesort')
        return self._overlaps[imgId, catId][order[:self.params.maxDets[-1]]]


class LVISMaskEvaluator(MaskEvaluator):
    """By the package lvis: federated, at most 300 detections an image.

    Raises:
        InputError: the package is not installed.
    """

    def _read(self, annotation: Path) -> Any:
        try:
            from lvis import LVIS
        except ImportError:
            raise InputError("evaluating on LVIS needs the package lvis: pip install '.[lvis]'") from None
        return LVIS(str(annotation))

    def _match(self, kind: str) -> Matches:
        from lvis import LVISEval, LVISResults

        other = 'bbox' if kind == 'segm' else 'segmentation'  # with a box, the area of a mask would be that of the box
        found = [{key: value for key, value in one.items() if key != other} for one in self.detections]
        evaluation = LVISEval(self.truth, LVISResults(self.truth, found), kind)
        evaluation.params.img_ids, evaluation.params.cat_ids = sorted(self.image_ids), self.evaluated
        evaluation.evaluate()
        names = 'dt_scores', 'dt_matches', 'dt_ignore', 'gt_ignore'
        matches = _by_class_and_area(evaluation.eval_imgs, num_classes=len(self.evaluated), names=names)
        categories = self.truth.load_cats(self.evaluated)
        return Matches(matches.areas, tuple(category['frequency'] for category in categories))


def _by_class_and_area(found: Sequence[dict | None], *, num_classes: int, names: tuple[str, str, str, str]) -> Matches:
    """From the evaluators' list, by class, then area range, then image."""
    number = len(found) // (num_classes * len(AREAS))
    areas: dict[str, list[ClassMatches]] = {area: [] for area in AREAS}
    for index in range(num_classes * len(AREAS)):
        part = found[index * number:(index + 1) * number]
        areas[AREAS[index % len(AREAS)]].append(
            ClassMatches.join(part, names=names, num_thresholds=len(IOU_THRESHOLDS)))
    return Matches(areas)
