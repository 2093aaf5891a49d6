"""Qualities beside the true IoUs of people and parts, on any data set that a parser is tested on.

Letters: P people of all images, C classes.
"""
import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmqanet.analysis.ablation import PooledScores, Setting, check_map_paths, work_out
from mmqanet.analysis.forward import build_dataset, predict_images, prediction_origin
from mmqanet.analysis.predictions import PredictionCache
from mmqanet.analysis.reliability import Reliability, reliability
from mmqanet.errors import DataError
from mmqanet.functional.calibration import QualityCalibration
from mmqanet.functional.merging import MergingRules
from mmqanet.functional.overlaps import distinct
from mmqanet.functional.partial_labels import merged_labels, undecided_classes
from mmqanet.utils.files import read_label_map


@dataclass(frozen=True)
class QualityPairs:
    """Predicted and true, in [0, 1], NaN where the truth or the part is unknown.

    Attributes:
        qualities, truths: (P,) of people.
        part_qualities, part_truths: (P, C-1) of their parts.
    """

    qualities: np.ndarray
    truths: np.ndarray
    part_qualities: np.ndarray
    part_truths: np.ndarray

    def joined(self, other: 'QualityPairs') -> 'QualityPairs':
        """Those of two data sets together."""
        return QualityPairs(*(np.concatenate([getattr(pairs, name) for pairs in (self, other)])
                              for name in self.__dataclass_fields__))

    def of_parts(self) -> 'QualityPairs':
        """Without the people, whose true IoU partial labels do not tell."""
        return replace(self, truths=np.full_like(self.truths, np.nan))

    def calibrated(self, calibration: QualityCalibration) -> 'QualityPairs':
        """With the expected IoUs in place of the qualities."""
        return QualityPairs(calibration.people(self.qualities), self.truths,
                            calibration.expected_part_ious(self.part_qualities), self.part_truths)

    def reliabilities(self) -> dict[str, Reliability]:
        """Of 'people' and of 'parts', all classes together."""
        return {'people': reliability(self.qualities, self.truths),
                'parts': reliability(self.part_qualities.ravel(), self.part_truths.ravel())}


def on_data_set(cfg: Config, ann_file: Path, folder: str, detections: Path | None = None) -> Config:
    """A copy of a config from :func:`~mmqanet.analysis.forward.ablation_config` that tests on another prepared data set.

    Args:
        ann_file: ``DATASET/annotations/NAME.json``.
        folder: of the split, e.g. ``Training``.
        detections: COCO detection JSON with the boxes; None for the annotated ones.
    """
    cfg = copy.deepcopy(cfg)
    dataset = cfg.test_dataloader.dataset
    dataset.update(data_root='', ann_file=str(ann_file.absolute()),
                   detection_file=None if detections is None else str(detections.absolute()))
    root = ann_file.absolute().parent.parent
    for kind, path in dataset.data_prefix.items():
        dataset.data_prefix[kind] = str(root / folder / Path(path).name)
    return cfg


def quality_pairs(cfg: Config, folder: Path, *, limit: int | None = None, workers: int = 1,
                  progress: bool = False) -> QualityPairs:
    """Parse a data set and compare with its annotation, whose classes are merged as those of the parser are.

    Args:
        cfg: from :func:`~mmqanet.analysis.forward.ablation_config` or :func:`on_data_set`.
        folder: keeps the predictions; those of another checkpoint, config or data set are discarded.
        limit: the first images only.
        workers: processes that compare.

    Raises:
        DataError: the data set is empty, broken or has no maps of people and parts.
    """
    rules = cfg.model.get('postprocessor') or {}
    weights = tuple(map(float, rules.get('quality_weights', (1.0, 0.5, 3.0))))
    setting = Setting(weights, float(rules.get('pixel_score_thr', 0.2)))
    thresholds = [setting.threshold]
    dataset = build_dataset(cfg)
    infos = [dataset.get_data_info(index) for index in range(min(len(dataset), limit or len(dataset)))]
    if not infos:
        raise DataError(f'{dataset.ann_file}: holds no images')
    check_map_paths(infos[0])
    cache = PredictionCache(folder, prediction_origin(cfg, thresholds=thresholds), replace=True)
    names = [info['name'] for info in infos]
    predict_images(cfg, dataset, names, cache, thresholds=thresholds, progress=progress)
    scores = PooledScores([cache.scores(name) for name in names], thresholds)
    merging = MergingRules(**{key: value for key, value in rules.items() if key in MergingRules.__annotations__})
    table = (cfg.model.get('merging') or {}).get('table')
    label_sets = list(dataset.metainfo.get('partial_labels', {}).values())
    labels = None if table is None else merged_labels(table, label_sets)
    images = work_out(cache, infos, scores, [setting], classes=dataset.metainfo['classes'], rules=merging, labels=labels,
                      workers=workers, progress=progress)
    part_qualities = scores.part_qualities(setting)
    own = range(len(dataset.metainfo['classes'])) if table is None else table
    part_truths = [_known(image.true_part_ious, info, own, label_sets) for image, info in zip(images, infos)]
    return QualityPairs(
        scores.qualities(setting), np.concatenate([np.zeros(0), *(image.true_ious for image in images)]), part_qualities,
        np.concatenate([np.zeros((0, part_qualities.shape[1])), *part_truths]))


def _known(part_ious: np.ndarray, info: dict, table: Sequence[int], label_sets: Sequence[Sequence[int]]) -> np.ndarray:
    """True IoUs (N, C-1) of an image's people, NaN for parts that are nowhere but may be where a partial label is."""
    if not label_sets:
        return part_ious
    open_ones = undecided_classes(distinct(read_label_map(info['category_path'])), table, label_sets)
    unknown = np.isin(np.arange(1, part_ious.shape[1] + 1), list(open_ones)) & (part_ious == 0)
    return np.where(unknown, np.nan, part_ious)
