"""The paper's studies of the quality-aware module on one box source: weights, threshold, a search for the best weights, and
how well each score predicts the true IoU."""
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmqanet.analysis.ablation import PooledScores, Setting, score_setting, simplex_weights
from mmqanet.analysis.orderings import ImageOutcomes
from mmqanet.analysis.reliability import Reliability, reliability
from mmqanet.analysis.tables import TITLES, Row, Table, make_table
from mmqanet.functional.quality import check_weights

#: Table 1 of the paper, rows (a) to (h).
PAPER_WEIGHTS = {
    '(a)': (1.0, 0.0, 0.0), '(b)': (0.0, 1.0, 0.0), '(c)': (0.0, 0.0, 1.0), '(d)': (1.0, 1.0, 0.0),
    '(e)': (1.0, 0.0, 1.0), '(f)': (0.0, 1.0, 1.0), '(g)': (1.0, 1.0, 1.0), '(h)': (1.0, 0.5, 3.0)}
PAPER_THRESHOLDS = (0.0, 0.2, 0.4, 0.6, 0.8)
WITHOUT = PAPER_WEIGHTS['(a)']
AP_METRICS = ('APp', 'APp_50', 'APr', 'APr_50')
TABLE2_METRICS = ('mIoU', 'APp', 'APp_50', 'PCP_50', 'APr', 'APr_50')
#: What a search can maximise: a metric, or the mean of AP^p and AP^r.
GOALS = ('APr', 'APp', 'mean')
NUM_BEST = 10


@dataclass(frozen=True)
class Plan:
    """Which settings are studied.

    Attributes:
        weights, threshold: those of the config's post-processor.
        steps: of the search over all shares of the weights, 0 for none.
        baseline: weights without the module.
    """

    weights: tuple[float, ...]
    threshold: float
    steps: int = 18
    baseline: tuple[float, ...] = WITHOUT

    def __post_init__(self) -> None:
        check_weights(self.weights)
        check_weights(self.baseline, name='baseline_weights')

    @property
    def own(self) -> Setting:
        """The setting that the model itself was configured with."""
        return Setting(self.weights, self.threshold)

    @property
    def thresholds(self) -> list[float]:
        """Those at which the pixel scores are needed, ascending."""
        return sorted({*PAPER_THRESHOLDS, self.threshold})

    @property
    def rows(self) -> dict[str, tuple[float, ...]]:
        """Table 1: the paper's weights, and the config's where they are others."""
        rows: dict[str, tuple[float, ...]] = dict(PAPER_WEIGHTS)
        if self.weights not in rows.values():
            rows['config'] = self.weights
        return rows

    def settings(self) -> list[Setting]:
        """All that the studies look at, each once."""
        wanted = [Setting(weights, self.threshold) for weights in self.rows.values()]
        wanted += [Setting(self.baseline, self.threshold)]
        wanted += [Setting(self.weights, threshold) for threshold in self.thresholds]
        wanted += [Setting(weights, self.threshold) for weights in self.grid]
        return list(dict.fromkeys(wanted))

    @property
    def grid(self) -> list[tuple[float, float, float]]:
        """The weights that the search looks at."""
        return simplex_weights(self.steps) if self.steps else []


class Study:
    """What was found out for one box source.

    Args:
        plan: what is asked.
        images, scores: from :func:`work_out` under ``plan.settings()``.
        missing: how images without prediction count, as in the metric.
    """

    def __init__(self, plan: Plan, images: Sequence[ImageOutcomes], scores: PooledScores, *,
                 missing: str = 'release') -> None:
        self.plan, self.images, self.scores, self.missing = plan, images, scores, missing
        self.settings = plan.settings()
        self._known: dict[Setting, dict[str, float]] = {}

    def values(self, setting: Setting) -> dict[str, float]:
        """All metrics under a setting, percent."""
        return self._score(setting, ())

    def precision(self, setting: Setting) -> dict[str, float]:
        """AP^p, PCP and AP^r under a setting, percent: what a search needs, in less time."""
        if setting not in self._known:
            self._known[setting] = self._score(setting, ('APp', 'PCP', 'APr'))
        return self._known[setting]

    def _score(self, setting: Setting, metrics: tuple[str, ...]) -> dict[str, float]:
        index = self.settings.index(setting)
        asked = {'metrics': metrics} if metrics else {}
        scores = score_setting(self.images, self.scores, self.settings, index, missing=self.missing, **asked)
        return {key: 100 * value for key, value in scores.values.items()}

    def all_metrics(self) -> dict[str, dict[str, float | None]]:
        """'without' and 'with' the module → every metric, percent, None where undefined."""
        rows = {name: self.values(Setting(weights, self.plan.threshold))
                for name, weights in (('without', self.plan.baseline), ('with', self.plan.weights))}
        return {name: {key: None if np.isnan(value) else value for key, value in row.items()} for name, row in rows.items()}

    def weights_table(self) -> Table:
        """Table 1 of the paper: AP^p and AP^r under eight weights."""
        values = [self.precision(Setting(weights, self.plan.threshold)) for weights in self.plan.rows.values()]
        return make_table(
            'weights', f'Quality weights (T = {self.plan.threshold:g})', ('', 'α, β, γ'),
            [(name, weights_text(weights)) for name, weights in self.plan.rows.items()],
            [_pick(row, AP_METRICS) for row in values], gains=True)

    def thresholds_table(self) -> Table:
        """AP^p and AP^r at every threshold of the pixel scores, under the config's weights."""
        values = [self.precision(Setting(self.plan.weights, threshold)) for threshold in self.plan.thresholds]
        return make_table(
            'thresholds', 'Threshold T of the pixel scores', ('T',),
            [(f'{threshold:g}',) for threshold in self.plan.thresholds], [_pick(row, AP_METRICS) for row in values])

    def search_table(self, *, track: Callable[[Sequence], Iterable] = iter) -> Table:
        """Every point of the grid over the shares of the weights; ``track`` may show the progress."""
        grid = self.plan.grid
        values = [self.precision(Setting(weights, self.plan.threshold)) for weights in track(grid)]
        return make_table(
            'search', f'Search over {len(grid)} weights (T = {self.plan.threshold:g})', ('α, β, γ',),
            [(weights_text(weights),) for weights in grid],
            [{**_pick(row, AP_METRICS), 'mean': (row['APp'] + row['APr']) / 2} for row in values])

    def reliability(self) -> dict[str, dict[str, Reliability]]:
        """'people' and 'parts' → 'box score', 'IoU score', 'pixel score', 'quality' → how well it predicts the true IoU.

        A person's truth is its mean IoU over classes, of the whole image, with the annotated person that its box belongs to,
        or, for a detected box, with the one it overlaps best; a part's is the IoU with the same part of that person. Parts
        that the prediction does not show have no score and are left out. A part inherits box and IoU score of its person.
        """
        scores, column = self.scores, self.scores.thresholds.index(self.plan.threshold)
        truths = np.concatenate([np.zeros(0), *(image.true_ious for image in self.images)])
        num_parts = scores.part_pixel.shape[-1]
        part_truths = np.concatenate([np.zeros((0, num_parts)), *(image.true_part_ious for image in self.images)]).ravel()
        people = {'box score': scores.box.numpy(), 'IoU score': scores.iou.numpy(),
                  'pixel score': scores.pixel[:, column].numpy(), 'quality': scores.qualities(self.plan.own)}
        parts = {'box score': people['box score'].repeat(num_parts), 'IoU score': people['IoU score'].repeat(num_parts),
                 'pixel score': scores.part_pixel[:, column].numpy().ravel(),
                 'quality': scores.part_qualities(self.plan.own).ravel()}
        return {'people': {name: reliability(values, truths) for name, values in people.items()},
                'parts': {name: reliability(values, part_truths) for name, values in parts.items()}}


def module_table(studies: dict[str, Study], *, key: str = 'boxes') -> Table:
    """Tables 2 and 6 of the paper: box sources without (under the plan's baseline) and with the quality-aware module.

    Gains are over the same boxes without it. ``key`` names what the studies are of, if not box sources.
    """
    tables = []
    for source, study in studies.items():
        settings = {'without': Setting(study.plan.baseline, study.plan.threshold), 'with': study.plan.own}
        tables.append(make_table(
            'module', 'The quality-aware module', (key, 'module', 'α, β, γ'),
            [(source, name, weights_text(setting.weights)) for name, setting in settings.items()],
            [_pick(study.values(setting), TABLE2_METRICS) for setting in settings.values()], gains=True))
    return replace(tables[0], rows=tuple(row for table in tables for row in table.rows))


def best_rows(search: Table, goal: str, *, number: int = NUM_BEST) -> Table:
    """The rows of a search that are best by ``goal``, one of ``GOALS``, the best first and the undefined last.

    Weights with the same result are shown once, those of the least α: annotated boxes all score 1, and α has no say.
    """
    best: dict[tuple, Row] = {}
    for row in sorted(search.rows, key=lambda row: -np.nan_to_num(row.figures[goal].value, nan=-np.inf)):
        best.setdefault(tuple(row.figures.values()), row)
    title = f'{search.title}: the best by {TITLES[goal]}, as shares'
    return replace(search, title=title, rows=tuple(best.values())[:number])


def weights_text(weights: Sequence[float]) -> str:
    """Weights as tables name them, with three significant digits."""
    return ', '.join(f'{weight:.3g}' for weight in weights)


def _pick(values: dict[str, float], keys: Sequence[str]) -> dict[str, float]:
    return {key: values[key] for key in keys}
