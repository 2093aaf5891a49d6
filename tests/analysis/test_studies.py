"""The studies ask for the right settings and tell the right figures; reports hold them and merge."""
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from predicted_sets import CLASSES, THRESHOLDS, predicted_set

from mmqanet.analysis.ablation import Setting, work_out
from mmqanet.analysis.report import merge_reports, source_table, write_reliability, write_tables
from mmqanet.analysis.studies import PAPER_THRESHOLDS, PAPER_WEIGHTS, Plan, Study, best_rows, module_table, weights_text
from mmqanet.analysis.tables import make_table
from mmqanet.errors import DataError, InputError
from mmqanet.functional import fuse_quality
from mmqanet.functional.merging import MergingRules


class TwoThresholds(Plan):
    """The plan for predictions that know two thresholds only."""

    thresholds = list(THRESHOLDS)


@pytest.fixture(scope='module')
def study(tmp_path_factory) -> Study:
    predicted = predicted_set(tmp_path_factory.mktemp('study'), number=12)
    plan, scores = TwoThresholds(weights=(1.0, 2.0, 3.0), threshold=0.6, steps=3), predicted.scores()
    images = work_out(predicted.cache, predicted.infos, scores, plan.settings(), classes=CLASSES, rules=MergingRules())
    return Study(plan, images, scores)


def test_a_plan_asks_for_every_setting_once():
    plan = Plan(weights=(1, 0.5, 3), threshold=0.3, steps=18)
    assert plan.thresholds == [0, 0.2, 0.3, 0.4, 0.6, 0.8]
    settings = plan.settings()
    assert len(settings) == len(set(settings))
    assert {Setting(weights, 0.3) for weights in PAPER_WEIGHTS.values()} <= set(settings)
    assert {Setting((1, 0.5, 3), threshold) for threshold in plan.thresholds} <= set(settings)
    assert len(settings) == 8 + 5 + 190 - 3  # the three single scores are corners of the grid
    assert 'config' not in plan.rows
    assert Plan(weights=(2, 1, 1), threshold=0.2).rows['config'] == (2, 1, 1)
    assert len(Plan(weights=(2, 1, 1), threshold=0.2).grid) == 190  # eighteenths
    assert len(Plan(weights=(1, 0.5, 3), threshold=0.2, steps=0).settings()) == 8 + 4
    assert Setting((2, 1, 0), 0.2) in Plan(weights=(1, 0.5, 3), threshold=0.2, baseline=(2, 1, 0)).settings()
    with pytest.raises(InputError, match='baseline_weights'):
        Plan(weights=(1, 0.5, 3), threshold=0.2, baseline=(0, 0, 0))


def test_the_paper_s_settings_are_those_of_the_page():
    """Table 1 of the paper, as docs/claim.md gives it, and the thresholds of its study."""
    page = (Path(__file__).resolve().parents[2] / 'docs/claim.md').read_text(encoding='utf-8')
    rows = dict(re.findall(r'^\| (\([a-h]\)) \| ([\d., ]+) \|', page, flags=re.MULTILINE))
    assert {name: tuple(map(float, weights.split(','))) for name, weights in rows.items()} == PAPER_WEIGHTS
    assert PAPER_THRESHOLDS == (0, 0.2, 0.4, 0.6, 0.8)


def test_tables_hold_the_metrics_of_their_settings(study):
    weights, thresholds, search = study.weights_table(), study.thresholds_table(), study.search_table()
    assert [row.label[0] for row in weights.rows] == [*PAPER_WEIGHTS, 'config']
    for row, setting in zip(weights.rows, [*PAPER_WEIGHTS.values(), (1.0, 2.0, 3.0)]):
        values = study.values(Setting(setting, 0.6))
        assert {key: figure.value for key, figure in row.figures.items()} == {key: values[key] for key in row.figures}
    assert weights.rows[3].figures['APr'].gain == pytest.approx(
        weights.rows[3].figures['APr'].value - weights.rows[0].figures['APr'].value)
    assert [row.figures['APr'].value for row in thresholds.rows] == [
        study.values(Setting((1.0, 2.0, 3.0), threshold))['APr'] for threshold in THRESHOLDS]
    assert len(search.rows) == 10
    by_label = {row.label[0]: row.figures for row in search.rows}
    assert by_label['0, 0, 1']['APr'] .value == weights.rows[2].figures['APr'].value
    assert by_label['0.333, 0.333, 0.333']['APr'].value == pytest.approx(weights.rows[6].figures['APr'].value)


def test_the_best_weights_come_first_and_each_result_once(study):
    search = study.search_table()
    for goal in ('APr', 'APp', 'mean'):
        best = [row.figures[goal].value for row in best_rows(search, goal).rows]
        assert best == sorted(best, reverse=True)
        assert best[0] == max(row.figures[goal].value for row in search.rows)
    twice = type(search)(search.name, search.title, search.heads, search.rows + search.rows)
    assert best_rows(twice, 'APr').rows == best_rows(search, 'APr').rows
    assert len(best_rows(search, 'APr', number=2).rows) == 2


def test_the_goals_of_a_search_are_the_metrics_and_their_mean(study):
    for row in study.search_table().rows:
        weights = tuple(weight for weight in study.plan.grid if weights_text(weight) == row.label[0])
        values = study.values(Setting(*weights, 0.6))
        figures = {key: figure.value for key, figure in row.figures.items()}
        assert figures == pytest.approx({**{key: values[key] for key in ('APp', 'APp_50', 'APr', 'APr_50')},
                                         'mean': (values['APp'] + values['APr']) / 2})


def test_weights_without_a_result_come_last():
    """A metric is undefined where nothing is annotated or predicted that it could count."""
    values = [math.nan, 20.0, math.nan, 70.0, 0.0, 50.0]
    search = make_table('search', 'Search', ('weights',), [(str(index),) for index in range(6)],
                        [dict(APr=value, APp=50 - value / 2) for value in values])
    assert [row.label[0] for row in best_rows(search, 'APr').rows] == ['3', '5', '1', '4', '0', '2']
    assert [row.label[0] for row in best_rows(search, 'APp', number=2).rows] == ['4', '1']


def test_the_module_table_has_both_sources_with_and_without(study):
    table = module_table({'annotated': study, 'detected': study})
    assert [row.label for row in table.rows] == [
        ('annotated', 'without', '1, 0, 0'), ('annotated', 'with', '1, 2, 3'),
        ('detected', 'without', '1, 0, 0'), ('detected', 'with', '1, 2, 3')]
    assert table.rows[1].figures['APr'].value == study.values(study.plan.own)['APr']
    assert table.rows[3].figures['APr'].gain == pytest.approx(
        table.rows[3].figures['APr'].value - table.rows[2].figures['APr'].value)
    assert table.rows[2].figures['APr'].gain is None
    assert study.all_metrics()['with']['APr'] == study.values(study.plan.own)['APr']


def test_without_the_module_is_the_baseline_of_the_plan(study):
    plan = TwoThresholds(weights=(1.0, 2.0, 3.0), threshold=0.6, steps=0, baseline=(1.0, 1.0, 0.0))
    other = Study(plan, study.images, study.scores)
    other.settings = study.settings  # those that the images were worked out under
    assert module_table({'found': other}).rows[0].label == ('found', 'without', '1, 1, 0')
    assert other.all_metrics()['without'] == {
        key: pytest.approx(value, nan_ok=True) for key, value in study.values(Setting((1.0, 1.0, 0.0), 0.6)).items()}


def test_reliability_pairs_scores_with_their_own_truth(study):
    found = study.reliability()
    truths = np.concatenate([image.true_ious for image in study.images])
    parts = np.concatenate([image.true_part_ious for image in study.images])
    scores = study.scores
    known = ~np.isnan(truths)
    assert np.array_equal(found['people']['IoU score'].truths, truths[known])
    np.testing.assert_allclose(found['people']['IoU score'].scores, scores.iou.numpy()[known])
    shown = ~np.isnan(parts)
    expected = fuse_quality(scores.box, scores.iou, scores.part_pixel[:, 1], (1, 2, 3)).numpy()
    np.testing.assert_allclose(found['parts']['quality'].scores, expected[shown])
    np.testing.assert_allclose(found['parts']['box score'].scores, scores.box.numpy()[np.nonzero(shown)[0]])
    assert np.array_equal(found['parts']['pixel score'].truths, parts[shown])


def test_reports_are_written_and_merged(study, tmp_path):
    for name, names in (('a', ('weights', 'search')), ('b', ('weights',))):
        tables = [table for table in (study.weights_table(), study.search_table()) if table.name in names]
        reliability = write_reliability(tmp_path / name, 'annotated', study.reliability())
        write_tables(tmp_path / name, tables, goal='APr', about=dict(config='c.py', images=3, reliability=reliability))
    found = sorted(path.name for path in (tmp_path / 'a').iterdir())
    assert found == ['ablation.json', 'ablation.md', 'reliability_annotated.png', 'search.csv', 'weights.csv']
    text = (tmp_path / 'a/ablation.md').read_text()
    assert '- config: c.py' in text
    assert '(h) | 1, 0.5, 3' in text
    assert json.loads((tmp_path / 'a/ablation.json').read_text())['reliability']['people']['quality']['count'] > 0
    (merged,), goal = merge_reports([tmp_path / 'a/ablation.json', tmp_path / 'b/ablation.json'])
    assert (merged.name, goal) == ('weights', 'APr')
    assert merged.rows[0].figures['APr'].spread == 0


def test_no_file_that_was_given_is_overwritten(study, tmp_path):
    for name in ('ablation.json', 'ablation.md', 'weights.csv'):
        (tmp_path / name).write_text('mine')
        with pytest.raises(InputError, match='would overwrite'):
            write_tables(tmp_path, [study.weights_table()], goal='APr', about={}, given=[tmp_path / 'x', tmp_path / name])
        assert [path.read_text() for path in tmp_path.iterdir()] == ['mine']
        (tmp_path / name).unlink()


def test_reports_that_cannot_be_merged_are_named(study, tmp_path):
    write_tables(tmp_path / 'a', [study.weights_table()], goal='APr', about={})
    write_tables(tmp_path / 'b', [study.thresholds_table()], goal='APr', about={})
    (tmp_path / 'c.json').write_text('[]')
    with pytest.raises(InputError, match='no table in common'):
        merge_reports([tmp_path / 'a/ablation.json', tmp_path / 'b/ablation.json'])
    with pytest.raises(InputError, match='two runs'):
        merge_reports([tmp_path / 'a/ablation.json'])
    with pytest.raises(DataError, match=r'c\.json'):
        merge_reports([tmp_path / 'a/ablation.json', tmp_path / 'c.json'])


def test_a_table_tells_its_source_unless_it_is_the_only_one(study):
    table = study.thresholds_table()
    assert source_table(table, 'detected', alone=True) is table
    assert source_table(table, 'detected', alone=False).name == 'detected_thresholds'


def test_a_json_that_is_no_ablation_is_named(tmp_path):
    for name, content in (('a', '{"tables": []}'), ('b', '{"goal": "APr", "tables": []}')):
        (tmp_path / f'{name}.json').write_text(content)
    with pytest.raises(DataError, match=r"a\.json: not the JSON of an ablation \(no 'tables' and 'goal'\)"):
        merge_reports([tmp_path / 'a.json', tmp_path / 'b.json'])
