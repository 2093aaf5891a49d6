"""The tables of the ablation: with and without the module, over weights, over thresholds and modes, over IoU thresholds."""
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mmqanet.analysis.instances.detections import KeptDetections, Setting
from mmqanet.analysis.instances.evaluation import IOU_THRESHOLDS, MaskEvaluator, Matches
from mmqanet.analysis.instances.precision import bootstrap, mean_precision
from mmqanet.analysis.studies import weights_text
from mmqanet.analysis.tables import Figure, Row, Table, make_table
from mmqanet.functional.mask_quality import check_mask_score, needed_thresholds
from mmqanet.functional.quality import check_weights

WITHOUT = "the model's scores"
OWN = Setting()  # of the paper's Table 7


@dataclass(frozen=True)
class Plan:
    """Which settings are studied.

    Attributes:
        own: the setting to test against the model's own scores.
        weights: further weights, at the threshold and mode of ``own``.
        ratios: thresholds of mode ``'ratio'``, means: of mode ``'mean'``, at the weights of ``own``.

    Raises:
        InputError: a value is out of its range.
    """

    own: Setting = OWN
    weights: tuple[tuple[float, ...], ...] = ((1, 0, 0), (0, 0, 1), (2, 0, 1), (1, 0, 1), (1, 0, 2))
    ratios: tuple[float, ...] = (0.1, 0.2, 0.25, 0.3, 0.4)
    means: tuple[float, ...] = (0.25, 0.5)

    def __post_init__(self) -> None:
        for setting in self.settings:
            check_weights(setting.weights)
            check_mask_score(setting.threshold, setting.mode)

    def with_iou_scores(self) -> 'Plan':
        """The same with weights of the IoU score as well, for a model that predicts one."""
        return replace(self, weights=(*self.weights, (1, 1, 0), (1, 1, 1)))

    @property
    def by_weights(self) -> list[Setting]:
        """The settings of the table of weights, at the head's own mode and threshold."""
        return [replace(self.own, weights=weights) for weights in dict.fromkeys((*self.weights, self.own.weights))]

    @property
    def by_threshold(self) -> list[Setting]:
        """The settings of the table of thresholds, at the head's own weights."""
        ratios = [replace(self.own, mode='ratio', threshold=threshold) for threshold in self.ratios]
        return ratios + [replace(self.own, mode='mean', threshold=threshold) for threshold in self.means]

    @property
    def settings(self) -> list[Setting]:
        """All distinct settings of the tables, the head's own first."""
        return list(dict.fromkeys((self.own, *self.by_weights, *self.by_threshold)))

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Those whose statistics the settings need, ascending."""
        return tuple(sorted({
            value for setting in self.settings for value in needed_thresholds(setting.threshold, setting.mode)}))


class Study:
    """The detections of a test set under all settings of a plan.

    Args:
        plan: the settings.
        evaluator: the annotation and the detections.
        images: the same detections.
        track: wraps the iteration over the settings, e.g. to show progress.
    """

    def __init__(self, plan: Plan, evaluator: MaskEvaluator, images: Sequence[KeptDetections], *,
                 track: Callable[[Iterable[Setting]], Iterable[Setting]] = iter) -> None:
        self.plan, self.evaluator, self.images = plan, evaluator, images
        self.without = evaluator.match([image.scores for image in images])
        self.matches: dict[Setting, Matches] = {}
        for setting in track(plan.settings):
            self.matches[setting] = evaluator.match([image.qualities(setting, plan.thresholds) for image in images])

    @cached_property
    def box_metrics(self) -> dict[str, float] | None:
        """Metrics of the boxes, ranked by the model's scores as always; ``None`` where the model gives no boxes."""
        if not any(image.bboxes.any() for image in self.images):
            return None
        return self.evaluator.match([image.scores for image in self.images], kind='bbox').metrics()

    def module_table(self, *, draws: int, seed: int = 0) -> Table:
        """With and without the module; the spread of AP, AP50 and AP75's gains is over ``draws`` of the images."""
        table = self._table('module', 'Mask AP with and without the quality-aware module', ('ranked by',),
                            [(WITHOUT,), (f'quality {setting_text(self.plan.own)}',)], [self.without, self._own])
        if not draws:
            return table
        found = 100 * bootstrap([self.without.areas['all'], self._own.areas['all']], draws=draws, seed=seed)
        gains = found[:, 1] - found[:, 0]
        spreads = {'AP': gains.mean(1).std(), 'AP50': gains[:, 0].std(), 'AP75': gains[:, 5].std()}
        figures = {key: replace(figure, gain_spread=float(spreads[key])) if key in spreads else figure
                   for key, figure in table.rows[1].figures.items()}
        title = f'{table.title}; ± is the standard deviation of the gain over {draws} draws of the images'
        return replace(table, title=title, rows=(table.rows[0], replace(table.rows[1], figures=figures)))

    def weights_table(self) -> Table:
        """AP by the weights of the fusion."""
        settings = self.plan.by_weights
        return self._table('weights', 'Over quality weights', ('α, β, γ',), [(weights_text(setting.weights),)
                           for setting in settings], [self.matches[setting] for setting in settings])

    def thresholds_table(self) -> Table:
        """AP by the threshold from which on pixels count, and by what it refers to."""
        settings = self.plan.by_threshold
        return self._table('thresholds', f'Over pixel scores, weights {weights_text(self.plan.own.weights)}',
                           ('mode', 'threshold'), [(setting.mode, f'{setting.threshold:g}') for setting in settings],
                           [self.matches[setting] for setting in settings])

    def iou_table(self) -> Table:
        """AP at each IoU threshold, without and with."""
        values = [100 * mean_precision(matches.areas['all']) for matches in (self.without, self._own)]
        rows = tuple(
            Row((f'{iou:.2f}',), {'without': Figure(float(without)), 'with': Figure(float(own), float(own - without))})
            for iou, without, own in zip(IOU_THRESHOLDS, *values))
        return Table('ious', 'Mask AP at each IoU', ('IoU',), rows, decimals=2)

    @property
    def _own(self) -> Matches:
        return self.matches[self.plan.own]

    def _table(self, name: str, title: str, heads: tuple[str, ...], labels: Sequence[tuple[str, ...]],
               matches: Sequence[Matches]) -> Table:
        """Gains are over the model's own scores, also where no row is of these."""
        without = self.without.metrics()
        table = make_table(name, title, heads, labels, [one.metrics() for one in matches], decimals=2)
        rows = [row if label == (WITHOUT,) else replace(row, figures={
            key: replace(figure, gain=figure.value - without[key]) for key, figure in row.figures.items()})
            for label, row in zip(labels, table.rows)]
        return replace(table, rows=tuple(rows))


def setting_text(setting: Setting) -> str:
    """A setting as tables name it: weights, mode and threshold."""
    return f'({weights_text(setting.weights)}), {setting.mode} at {setting.threshold:g}'
