"""Semantic scores of single-human data sets (LIP, ATR) as an mmengine metric."""
from collections.abc import Sequence

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmqanet.evaluation.records import record_image
from mmqanet.evaluation.report import class_table, summary_table
from mmqanet.evaluation.samples import read_prediction, read_truth, sample_identity, sample_name
from mmqanet.evaluation.scores import check_missing, score_records
from mmqanet.registry import METRICS


@METRICS.register_module()
class SingleHumanParsingMetric(BaseMetric):
    """mIoU, mAcc and aAcc over the pixels of all images, from ``pred_maps.category`` and ``gt_maps.category``.

    :meth:`evaluate` returns percent, unrounded: ``mIoU``, ``mAcc``, ``aAcc``.

    Args:
        missing: ``'release'`` leaves images for which nothing was predicted out, ``'count'`` counts them as background.
        per_class: also print the table of per-class IoUs and accuracies.
        collect_device, prefix, collect_dir: as in :class:`mmengine.evaluator.BaseMetric`.
    """

    default_prefix = ''  # plain keys, as mmseg's; None would make mmengine warn

    def __init__(self, *, missing: str = 'release', per_class: bool = True, collect_device: str = 'cpu',
                 prefix: str | None = None, collect_dir: str | None = None):
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.missing = check_missing(missing)
        self.per_class = per_class

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Reduce each image to a record."""
        for sample in data_samples:
            name = sample_name(sample)
            self.results.append(record_image(
                name=sample_identity(sample), truth=read_truth(sample, name=name), metrics=('mIoU',),
                prediction=read_prediction(sample, name=name, image_only=True), num_classes=self._num_classes))

    def compute_metrics(self, results: list) -> dict[str, float]:
        scores = score_records(results, num_classes=self._num_classes, metrics=('mIoU',), missing=self.missing)
        print_log(f'\n{summary_table(scores)}', logger='current')
        if self.per_class:
            print_log(f'\n{class_table(scores, class_names=self.dataset_meta["classes"])}', logger='current')
        return {key: 100 * value for key, value in scores.values.items()}

    @property
    def _num_classes(self) -> int:
        return len(self.dataset_meta['classes'])
