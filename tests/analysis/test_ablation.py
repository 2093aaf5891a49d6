"""Metrics out of the cache against those of the post-processor and the metric, one setting after the other."""
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from predicted_sets import CLASSES, THRESHOLDS, predicted_set

from mmqanet.analysis import ablation
from mmqanet.analysis.ablation import Setting, score_setting, simplex_weights, truth_of, work_out
from mmqanet.errors import DataError, InputError
from mmqanet.evaluation import MultiHumanParsingMetric
from mmqanet.functional.merging import MergingRules
from mmqanet.models.postprocessor import QualityAwarePostprocessor

WEIGHTS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0.5, 3), (0, 1, 2)]
SETTINGS = [Setting(weights, threshold) for weights in WEIGHTS for threshold in THRESHOLDS]


def expected_scores(predicted, setting: Setting, rules: MergingRules, missing: str) -> dict:
    """The long way: every sample scored and merged anew, then handed to the metric."""
    metric = MultiHumanParsingMetric(per_class=False, missing=missing)
    metric.dataset_meta = dict(classes=CLASSES)
    column = THRESHOLDS.index(setting.threshold)
    postprocessor = QualityAwarePostprocessor(quality_weights=setting.weights, **vars(rules))
    for sample in predicted.samples:
        people = sample.pred_instances
        people.pixel_scores = people.sweep_pixel_scores[:, column]
        people.part_pixel_scores = people.sweep_part_pixel_scores[:, column]
        metric.process(None, [postprocessor.rescore(sample).to_dict()])
    return metric.evaluate(len(predicted.samples))


@pytest.mark.parametrize(('rules', 'missing'), [
    (MergingRules(), 'release'), (MergingRules(bbox_score_thr=0.5, nms_iou_thr=0.4, instance_score_thr=0.3), 'count'),
    (MergingRules(category_quality_thr=0.45), 'release')])
def test_every_setting_scores_as_the_metric_does(predicted, rules, missing):
    scores = predicted.scores()
    images = work_out(predicted.cache, predicted.infos, scores, SETTINGS, classes=CLASSES, rules=rules)
    assert max(len(image.outcomes) for image in images) > 2
    for index, setting in enumerate(SETTINGS):
        found = score_setting(images, scores, SETTINGS, index, missing=missing)
        expected = expected_scores(predicted, setting, rules, missing)
        assert {key: 100 * value for key, value in found.values.items()} == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_processes_do_not_change_the_outcome(tmp_path):
    predicted = predicted_set(tmp_path, number=12)
    scores = predicted.scores()
    runs = [work_out(predicted.cache, predicted.infos, scores, SETTINGS[:4], classes=CLASSES, rules=MergingRules(),
                     workers=workers) for workers in (1, 2)]
    for one, two in zip(*runs):
        assert one.name == two.name
        assert np.array_equal(one.which, two.which)
        assert all(np.array_equal(a.part_ious, b.part_ious) for a, b in zip(one.outcomes, two.outcomes))


def test_simplex_weights_are_all_shares():
    weights = simplex_weights(18)
    assert len(weights) == len(set(weights)) == 19 * 20 / 2
    assert all(min(shares) >= 0 and sum(shares) == pytest.approx(1) for shares in weights)
    assert any(np.allclose(shares, np.array([1, 0.5, 3]) / 4.5) for shares in weights)
    assert weights[0] == (0, 0, 1)
    assert weights[-1] == (1, 0, 0)
    assert simplex_weights(1) == [(0, 0, 1), (0, 1, 0), (1, 0, 0)]


def test_bad_input_is_refused_by_name(tmp_path):
    predicted = predicted_set(tmp_path, number=2)
    scores = predicted.scores()
    with pytest.raises(InputError, match=r'threshold 0\.5'):
        scores.qualities(Setting((1, 1, 1), 0.5))
    with pytest.raises(InputError, match='steps'):
        simplex_weights(0)
    with pytest.raises(InputError, match='workers'):
        work_out(predicted.cache, predicted.infos, scores, SETTINGS, classes=CLASSES, rules=MergingRules(), workers=0)
    info = dict(predicted.infos[0])
    del info['instance_path']
    with pytest.raises(DataError, match='instance maps'):
        ablation.truth_of(info, shape=(14, 18), classes=CLASSES)


@pytest.mark.parametrize('label', [5, 77, -1])
def test_a_class_of_the_part_table_beyond_the_data_set_is_named(tmp_path, label):
    predicted = predicted_set(tmp_path, number=6)
    info = next(info for info in predicted.infos if np.asarray(Image.open(info['instance_path'])).any())
    shape = np.asarray(Image.open(info['category_path'])).shape
    assert len(truth_of(info, shape=shape, classes=CLASSES).parts) > 0
    table = Path(info['instance_path']).with_suffix('.txt')
    first, *others = table.read_text().splitlines()
    part, _, person = first.split()
    table.write_text('\n'.join([f'{part} {label} {person}', *others]))
    with pytest.raises(DataError, match=rf'Instance_ids/.*\.txt:1: class {label} is outside \[1, 5\)'):
        truth_of(info, shape=shape, classes=CLASSES)
