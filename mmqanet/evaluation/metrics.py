"""The scores of human parsing as mmengine metrics, for data sets of many people an image and of one (docs/metrics.md)."""
from collections.abc import Sequence

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.records import (
    ALL_METRICS,
    METRIC_NAMES,
    SEMANTIC_METRICS,
    ImageRecord,
    check_metric_names,
    needs_maps_only,
    record_image,
)
from mmqanet.evaluation.report import class_table, summary_table
from mmqanet.evaluation.samples import read_prediction, read_submission_sample, sample_identity, sample_name, truth_of
from mmqanet.evaluation.scores import check_missing, score_records
from mmqanet.evaluation.submission import write_submission
from mmqanet.registry import METRICS
from mmqanet.utils.wording import count_of


@METRICS.register_module()
class SingleHumanParsingMetric(BaseMetric):
    """mIoU, mAcc and aAcc over the pixels of all images, from ``pred_maps.category`` and ``gt_maps.category``; for LIP and
    ATR.

    :meth:`evaluate` returns percent, unrounded: ``mIoU``, ``mAcc``, ``aAcc``, and what else is asked for.

    Args:
        metrics: which to compute, of 'mIoU' (brings mAcc, aAcc), 'mBIoU' (Boundary IoU) and 'mTIoU' (IoU within 2, 4 and 8
            pixels of annotated borders).
        missing: ``'release'`` leaves images for which nothing was predicted out, ``'count'`` counts them as background.
        per_class: also print the table of per-class IoUs and accuracies.
        collect_device, prefix, collect_dir: as in :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        DataError: a data sample lacks what a metric needs or is inconsistent; the message names the image.
        InputError: a metric is unknown.
    """

    default_prefix = ''  # plain keys, as mmseg's; None would make mmengine warn

    known_metrics: tuple[str, ...] = SEMANTIC_METRICS

    def __init__(self, *, metrics: Sequence[str] = ('mIoU',), missing: str = 'release', per_class: bool = True,
                 collect_device: str = 'cpu', prefix: str | None = None, collect_dir: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.metrics = check_metric_names(metrics, self.known_metrics)
        self.missing = check_missing(missing)
        self.per_class = per_class

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Reduce each image to a record of a few kB.

        Args:
            data_batch: not read.
            data_samples: dicts of a :class:`ParsingDataSample` each.
        """
        self.results += [self._record(sample) for sample in data_samples]

    def _record(self, sample: dict) -> ImageRecord:
        name = sample_name(sample)
        truth = truth_of(sample, name=name)
        parsing, people = read_prediction(sample, name=name, image_only=needs_maps_only(self.metrics)) or (None, None)
        return record_image(name=sample_identity(sample), truth=truth, parsing=parsing, people=people,
                            num_classes=len(self._class_names), metrics=self.metrics)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the records of all images, print the tables, and return percent."""
        names = self._class_names
        scores = score_records(results, num_classes=len(names), metrics=self.metrics, missing=self.missing)
        print_log(f'\n{summary_table(scores)}', logger='current')
        if self.per_class:
            print_log(f'\n{class_table(scores, class_names=names)}', logger='current')
        return {key: 100 * value for key, value in scores.values.items()}

    @property
    def _class_names(self) -> Sequence[str]:
        classes = (self.dataset_meta or {}).get('classes')
        if not classes:
            raise InputError("dataset_meta has no 'classes', which the metric counts")
        return classes


@METRICS.register_module()
class MultiHumanParsingMetric(SingleHumanParsingMetric):
    """mIoU, AP^p, PCP, AP^r and AP^h of the people and maps in a :class:`ParsingDataSample`; for CIHP, MHP-v2 and
    PASCAL-Person-Part.

    :meth:`evaluate` returns percent, unrounded: ``mIoU``, ``mAcc``, ``aAcc``, ``APp``, ``APp_50``, ``PCP``, ``PCP_50``,
    ``APr``, ``APr_50``, ``APh``, ``APh_50``, ``APh_75``. An image is reduced to a record of a few kB as it comes. So memory
    does not depend on image sizes, nor do results on the number of processes.

    Args:
        metrics: which to compute, of 'mIoU' (brings mAcc, aAcc), 'APp', 'PCP', 'APr', 'APh', and 'mBIoU' and 'mTIoU' as in
            :class:`SingleHumanParsingMetric`. 'APr' needs the ground-truth part map and part table, the other APs and
            PCP the human map.
        missing: how images for which nothing was predicted count. ``'release'`` leaves them out of mIoU, AP^r and AP^h
            and keeps their people in AP^p and PCP, ``'count'`` counts them everywhere.
        per_class: also print the table of per-class IoU, accuracy and AP^r.
        submission_dir: write the challenge servers' files there as well.
        format_only: write these files and score nothing, for images without ground truth.
        collect_device, prefix, collect_dir: as in :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        DataError: a data sample lacks what a metric needs or is inconsistent; the message names the image.
        InputError: a metric is unknown, or ``format_only`` has no folder to write to.
    """

    known_metrics = ALL_METRICS

    def __init__(self, *, metrics: Sequence[str] = METRIC_NAMES, missing: str = 'release', per_class: bool = True,
                 submission_dir: str | None = None, format_only: bool = False, collect_device: str = 'cpu',
                 prefix: str | None = None, collect_dir: str | None = None) -> None:
        super().__init__(metrics=metrics, missing=missing, per_class=per_class, collect_device=collect_device, prefix=prefix,
                         collect_dir=collect_dir)
        if format_only and submission_dir is None:
            raise InputError('format_only needs a submission_dir to write to')
        self.submission_dir = submission_dir
        self.format_only = format_only
        self._written: dict[str, str] = {}

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Reduce each image to a record, and write its files if asked to.

        Args:
            data_batch: not read.
            data_samples: dicts of a :class:`ParsingDataSample` each.
        """
        for sample in data_samples:
            if self.submission_dir is not None:
                self._write(sample, self.submission_dir)
            self.results.append(sample_name(sample) if self.format_only else self._record(sample))

    def _write(self, sample: dict, folder: str) -> None:
        """Write a sample's files; raise where another image of its name, of a data set joined with this one's, has them."""
        name, image = sample_name(sample), sample_identity(sample)
        submission = read_submission_sample(sample, name=name)
        if submission is None:
            return
        if self._written.setdefault(name, image) != image:
            raise DataError(f'{image}: its files in {folder} would overwrite those of {self._written[name]}')
        write_submission(folder, name, submission)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the records of all images, print the tables, and return percent; nothing with ``format_only``."""
        if self.format_only:
            images = count_of(len(results), 'image')
            print_log(f'Wrote the predictions for {images} to {self.submission_dir}', logger='current')
            return {}
        return super().compute_metrics(results)
