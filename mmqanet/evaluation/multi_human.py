"""All scores of multi-human data sets (CIHP, MHP-v2, PASCAL-Person-Part) as an mmengine metric."""
from collections.abc import Sequence

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.records import METRIC_NAMES, check_metric_names, record_image
from mmqanet.evaluation.report import class_table, summary_table
from mmqanet.evaluation.samples import read_prediction, read_submission_sample, read_truth, sample_identity, sample_name
from mmqanet.evaluation.scores import check_missing, score_records
from mmqanet.evaluation.submission import write_submission
from mmqanet.registry import METRICS


@METRICS.register_module()
class MultiHumanParsingMetric(BaseMetric):
    """mIoU, AP^p, PCP, AP^r and AP^h of the people and maps in a :class:`ParsingDataSample` (docs/metrics.md).

    :meth:`evaluate` returns percent, unrounded: ``mIoU``, ``mAcc``, ``aAcc``, ``APp``, ``APp_50``, ``PCP``, ``PCP_50``,
    ``APr``, ``APr_50``, ``APh``, ``APh_50``, ``APh_75``. An image is reduced to a record of a few kB as it comes, so
    memory does not depend on image sizes, and results not on the number of processes.

    Args:
        metrics: which to compute, of 'mIoU' (brings mAcc, aAcc), 'APp', 'PCP', 'APr', 'APh'. 'APr' needs the
            ground-truth instance map and part table, all but 'mIoU' the human map.
        missing: how images for which nothing was predicted count. ``'release'`` leaves them out of mIoU, AP^r and AP^h
            and keeps their people in AP^p and PCP, ``'count'`` counts them everywhere.
        per_class: also print the table of per-class IoU, accuracy and AP^r.
        submission_dir: write the challenge servers' files there as well.
        format_only: write these files and score nothing, for images without ground truth.
        collect_device, prefix, collect_dir: as in :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        DataError: a data sample lacks what a metric needs or is inconsistent; the message names the image.
    """

    default_prefix = ''  # plain keys, as mmseg's; None would make mmengine warn

    def __init__(self, *, metrics: Sequence[str] = METRIC_NAMES, missing: str = 'release', per_class: bool = True,
                 submission_dir: str | None = None, format_only: bool = False, collect_device: str = 'cpu',
                 prefix: str | None = None, collect_dir: str | None = None):
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        if format_only and submission_dir is None:
            raise InputError('format_only needs a submission_dir to write to')
        self.metrics = check_metric_names(metrics)
        self.missing = check_missing(missing)
        self.per_class = per_class
        self.submission_dir = submission_dir
        self.format_only = format_only
        self._written: dict[str, str] = {}

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Reduce each image to a record, and write its files if asked to."""
        for sample in data_samples:
            name = sample_name(sample)
            if self.submission_dir is not None:
                submission = read_submission_sample(sample, name=name)
                if submission is not None:
                    self._claim(name, sample_identity(sample))
                    write_submission(self.submission_dir, name, submission)
            if self.format_only:
                self.results.append(name)
                continue
            self.results.append(record_image(
                name=sample_identity(sample), truth=read_truth(sample, name=name),
                prediction=read_prediction(sample, name=name, image_only=self.metrics == ('mIoU',)),
                num_classes=self._num_classes, metrics=self.metrics))

    def _claim(self, name: str, image: str) -> None:
        """Raise where another image of this name, of a data set joined with this one's, has its files already."""
        if self._written.setdefault(name, image) != image:
            raise DataError(f'{image}: its files in {self.submission_dir} would overwrite those of {self._written[name]}')

    def compute_metrics(self, results: list) -> dict[str, float]:
        if self.format_only:
            print_log(f'Wrote the predictions for {len(results)} images to {self.submission_dir}', logger='current')
            return {}
        scores = score_records(results, num_classes=self._num_classes, metrics=self.metrics, missing=self.missing)
        print_log(f'\n{summary_table(scores)}', logger='current')
        if self.per_class:
            print_log(f'\n{class_table(scores, class_names=self._class_names)}', logger='current')
        return {key: 100 * value for key, value in scores.values.items()}

    @property
    def _class_names(self) -> Sequence[str]:
        classes = (self.dataset_meta or {}).get('classes')
        if not classes:
            raise InputError("dataset_meta has no 'classes', which the metric counts")
        return classes

    @property
    def _num_classes(self) -> int:
        return len(self._class_names)
