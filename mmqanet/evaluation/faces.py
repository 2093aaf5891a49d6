"""The scores of face parsing: F1 instead of IoU, without background (docs/data/faces.md)."""
import math
from collections.abc import Mapping, Sequence

from mmengine.logging import print_log

from mmqanet.errors import InputError
from mmqanet.evaluation.metrics import SingleHumanParsingMetric
from mmqanet.evaluation.report import f1_table
from mmqanet.evaluation.scores import score_records
from mmqanet.functional.f1 import class_f1, group_f1, mean_f1
from mmqanet.registry import METRICS

#: Helen's: what counts as one class.
GROUPS: Mapping[str, Sequence[str]] = {
    'brows': ('left-brow', 'right-brow'),
    'eyes': ('left-eye', 'right-eye'),
    'nose': ('nose',),
    'mouth': ('upper-lip', 'inner-mouth', 'lower-lip'),
}


@METRICS.register_module()
class FaceParsingMetric(SingleHumanParsingMetric):
    """F1 over the pixels of all images, at the images' own size; for faces.

    :meth:`evaluate` returns percent, unrounded: ``mF1``, the plain mean over all classes but the background; ``mIoU``,
    ``mAcc`` and ``aAcc`` as elsewhere; with ``groups`` also ``F1_NAME`` of each group and ``F1_overall``, of all groups
    joined into one. Pixels are counted over the whole set, not averaged by image.

    Args:
        groups: names of groups to their classes. Classes of a group are joined before counting, so that a left eye taken for
            a right one is right. ``'helen'``: brows, eyes, nose and mouth, as Helen's table has them; skin and hair are not
            in its overall score.
        missing, per_class, collect_device, prefix, collect_dir: as in :class:`SingleHumanParsingMetric`.

    Raises:
        InputError: a group names a class that the data set does not have, or ``groups`` is another word.
    """

    def __init__(self, *, groups: str | Mapping[str, Sequence[str]] | None = None, missing: str = 'release',
                 per_class: bool = True, collect_device: str = 'cpu', prefix: str | None = None,
                 collect_dir: str | None = None) -> None:
        super().__init__(missing=missing, per_class=per_class, collect_device=collect_device, prefix=prefix,
                         collect_dir=collect_dir)
        if isinstance(groups, str):
            if groups != 'helen':
                raise InputError(f"groups is {groups!r}, but must be 'helen' or names of groups to their classes")
            groups = GROUPS
        self.groups = {name: tuple(classes) for name, classes in (groups or {}).items()}

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the records of all images, print the tables, and return percent."""
        names = list(self._class_names)
        groups = {name: [_label(names, part) for part in parts] for name, parts in self.groups.items()}
        scores = score_records(results, num_classes=len(names), metrics=self.metrics, missing=self.missing)
        confusion = scores.confusion
        assert confusion is not None
        values = dict(mF1=mean_f1(confusion), **scores.values)
        values |= {f'F1_{name}': group_f1(confusion, labels) for name, labels in groups.items()}
        if groups:
            values['F1_overall'] = group_f1(confusion, sorted({label for labels in groups.values() for label in labels}))
        rows = dict(zip(names, class_f1(confusion))) if self.per_class else {}
        print_log(f'\n{f1_table(values, rows, num_images=scores.num_images)}', logger='current')
        return {key: 100 * value for key, value in values.items() if not math.isnan(value)}


def _label(names: Sequence[str], name: str) -> int:
    if name not in names:
        raise InputError(f'groups: the data set has no class {name!r}')
    return names.index(name)
