"""The tables of a study: what is ranked by what, and how the spread of a gain comes from the drawn images."""
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('pycocotools')

from mask_scenes import CLASSES, scenes

from mmqanet.analysis.instances.detections import Setting
from mmqanet.analysis.instances.evaluation import COCOMaskEvaluator
from mmqanet.analysis.instances.precision import mean_precision
from mmqanet.analysis.instances.studies import Plan, Study

PLAN = Plan(weights=((1, 0, 0), (0, 0, 1)), ratios=(0.25, 0.4), means=())


@pytest.fixture
def study(tmp_path):
    """Of random scenes whose masks have random areas above each threshold."""
    path, ids, found = scenes(tmp_path, seed=2)
    rng = np.random.default_rng(5)
    images = []
    for image in found:
        counts = np.sort(rng.integers(1, 200, (len(image.labels), len(PLAN.thresholds))), axis=1)[:, ::-1].copy()
        images.append(replace(image, counts=counts, sums=counts.astype(float)))
    return Study(PLAN, COCOMaskEvaluator(path, ids, CLASSES, images), images)


def precisions(study, scores, times=None):
    """Mean AP, AP50 and AP75 in percent when detections are ranked by ``scores`` and image i counts ``times[i]`` times."""
    values = 100 * mean_precision(study.evaluator.match(scores).areas['all'], times)
    return np.array([values.mean(), values[0], values[5]])


def test_the_spread_of_a_gain_is_that_over_drawn_images(study):
    own, without = [[image.qualities(PLAN.own, PLAN.thresholds) for image in study.images],
                    [image.scores for image in study.images]]
    rng, gains = np.random.default_rng(3), []
    for _ in range(12):
        times = np.bincount(rng.integers(8, size=8), minlength=8).astype(float)
        gains.append(precisions(study, own, times) - precisions(study, without, times))
    table = study.module_table(draws=12, seed=3)
    first, second = (row.figures for row in table.rows)
    keys = ('AP', 'AP50', 'AP75')
    assert [second[key].gain_spread for key in keys] == pytest.approx(np.std(gains, axis=0))
    assert np.std(gains, axis=0).min() > 0.1
    assert [first[key].value for key in keys] == pytest.approx(precisions(study, without))
    assert [second[key].gain for key in keys] == pytest.approx(precisions(study, own) - precisions(study, without))
    assert 'over 12 draws' in table.title
    assert {figure.gain_spread for figure in study.module_table(draws=0).rows[1].figures.values()} == {None}


def test_a_table_has_a_row_for_each_setting_and_its_gains_are_over_the_scores(study):
    without = precisions(study, [image.scores for image in study.images])[0]
    settings = [Setting(weights) for weights in ((1, 0, 0), (0, 0, 1), (1, 0, 1))]
    for row, setting in zip(study.weights_table().rows, settings, strict=True):
        value = precisions(study, [image.qualities(setting, PLAN.thresholds) for image in study.images])[0]
        assert (row.figures['AP'].value, row.figures['AP'].gain) == pytest.approx((value, value - without))
    assert [row.label for row in study.thresholds_table().rows] == [('ratio', '0.25'), ('ratio', '0.4')]


def test_a_model_with_iou_scores_has_rows_that_count_them():
    plan = Plan().with_iou_scores()
    assert [setting.weights for setting in plan.by_weights][-2:] == [(1, 1, 0), (1, 1, 1)]
    assert plan.thresholds == Plan().thresholds  # what was kept answers for these rows too


def test_the_plan_by_default_is_that_of_the_page():
    """Thresholds as in the table of docs/instance_quality.md, weights around the paper's (1, 0, 1)."""
    assert [setting.weights for setting in Plan().by_weights] == [(1, 0, 0), (0, 0, 1), (2, 0, 1), (1, 0, 1), (1, 0, 2)]
    assert [(setting.mode, setting.threshold) for setting in Plan().by_threshold] == [
        ('ratio', 0.1), ('ratio', 0.2), ('ratio', 0.25), ('ratio', 0.3), ('ratio', 0.4), ('mean', 0.25), ('mean', 0.5)]
