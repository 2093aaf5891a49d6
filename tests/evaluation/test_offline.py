import re
from dataclasses import replace

import numpy as np
import pytest
import slow_evaluator
from evaluation_files import write_prediction, write_truth
from PIL import Image
from scenes import perfect_scene

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation import evaluate_folders


def visible(image: slow_evaluator.Prepared) -> slow_evaluator.Prepared:
    """The slow evaluator's image with only what files hold of its people: their visible pixels."""
    labels = np.zeros(image.category.shape, dtype=np.uint8)
    for k, label, _ in image.parts:
        labels[image.part_map == k] = label
    people = [(labels * (image.human_map == k), score) for k, score in image.human_scores.items()]
    return replace(image, people=people)


@pytest.mark.parametrize('missing', ['release', 'count'])
def test_agrees_with_the_slow_evaluator_on_visible_maps(folders, scenes, missing):
    expected = slow_evaluator.evaluate([visible(slow_evaluator.prepare(scene)) for scene in scenes], 5, missing)
    scores = evaluate_folders(*folders, num_classes=5, missing=missing)
    assert scores.values == pytest.approx(expected, abs=1e-12)
    assert scores.num_images == 10
    assert scores.num_missing == sum(not len(scene.people) for scene in scenes)
    if missing == 'release':
        assert evaluate_folders(*folders, num_classes=5).values == scores.values


def test_several_processes_give_the_same_numbers(folders):
    one, two = (evaluate_folders(*folders, num_classes=5, workers=workers) for workers in (1, 2))
    assert one.values == two.values


def test_semantic_scores_need_category_maps_only(folders):
    full = evaluate_folders(*folders, num_classes=5)
    for folder, kinds in zip(folders, (('instance_segmentation', 'instance_parsing'), ('Human_ids', 'Instance_ids'))):
        for kind in kinds:
            (folder / kind).rename(folder / f'unused_{kind}')
    scores = evaluate_folders(*folders, num_classes=5, metrics=('mIoU',))
    assert scores.values == {key: full.values[key] for key in ('mIoU', 'mAcc', 'aAcc')}


def test_sixteen_bit_instance_maps_count(tmp_path):
    scene = perfect_scene(2)
    shift = 700 - scene.instance.max()
    scene = replace(scene, instance=np.where(scene.instance > 0, scene.instance + shift, 0),
                    gt_parts=scene.gt_parts + np.array([shift, 0, 0]))
    write_truth(tmp_path / 'gt', scene)
    write_prediction(tmp_path / 'pred', scene)
    assert Image.open(tmp_path / f'gt/Instance_ids/{scene.name}.png').mode == 'I;16'
    scores = evaluate_folders(tmp_path / 'pred', tmp_path / 'gt', num_classes=5)
    assert scores.values['APr_50'] == pytest.approx(len(set(scene.gt_parts[:, 1])) / 4)


@pytest.mark.parametrize(('instance_score_thr', 'ap'), [(0.001, 1), (0.01, 0)])
def test_the_threshold_of_app_is_an_option(tmp_path, instance_score_thr, ap):
    scene = perfect_scene(2)
    write_truth(tmp_path / 'gt', scene)
    write_prediction(tmp_path / 'pred', scene)
    table, = (tmp_path / 'pred/instance_segmentation').rglob('*.txt')
    table.write_text(''.join(f'0.005 {line.split(maxsplit=1)[1]}\n' for line in table.read_text().splitlines()))
    scores = evaluate_folders(tmp_path / 'pred', tmp_path / 'gt', num_classes=5, metrics=('APp', 'APh'),
                              instance_score_thr=instance_score_thr)
    assert scores.values['APp_50'] == pytest.approx(ap)
    assert scores.values['APh_50'] == pytest.approx(1)
    with pytest.raises(InputError, match='instance_score_thr must be in'):
        evaluate_folders(tmp_path / 'pred', tmp_path / 'gt', num_classes=5, instance_score_thr=1.1)


def name_with_parts(scenes):
    return next(scene.name for scene in scenes if len(scene.gt_parts) > 1 and len(scene.people))


def test_broken_ground_truth_is_named(folders, scenes):
    pred, gt = folders
    name = name_with_parts(scenes)
    table = gt / f'Instance_ids/{name}.txt'
    lines = table.read_text().splitlines(keepends=True)
    for content, message in (
            (lines[1:], r'no line for id \d+, which'),
            ([*lines, '777 1 9\n'], 'a line for id 777, which has no pixel'),
            ([*lines, lines[0]], f':{len(lines) + 1}: part id .* listed twice'),
            (['0 1 1\n', *lines], ':1: part id 0 is not positive'),
            ([*lines, '777 5 9\n'], rf':{len(lines) + 1}: class 5 is outside \[1, 5\)'),
            ([*lines, '7 1\n'], rf':{len(lines) + 1}: .* is not "instance_part_id class_id human_id"')):
        table.write_text(''.join(content))
        with pytest.raises(DataError, match=re.escape(str(table)) + '.*' + message):
            evaluate_folders(pred, gt, num_classes=5)
    table.write_text(''.join(lines))
    human = gt / f'Human_ids/{name}.png'
    Image.fromarray(np.zeros((3, 4), np.uint8)).save(human)
    with pytest.raises(DataError, match=re.escape(str(human)) + ': the map is 4x3, expected 18x14'):
        evaluate_folders(pred, gt, num_classes=5)
    human.unlink()
    with pytest.raises(DataError, match=re.escape(str(human)) + ': missing'):
        evaluate_folders(pred, gt, num_classes=5)


def test_errors_come_out_of_worker_processes_too(folders, scenes):
    path = folders[0] / f'global_parsing/{name_with_parts(scenes)}.png'
    path.write_bytes(b'broken')
    for workers in (1, 2):
        with pytest.raises(DataError, match=re.escape(str(path)) + ': not readable'):
            evaluate_folders(*folders, num_classes=5, workers=workers)


def test_predictions_without_ground_truth_are_an_error(folders, scenes):
    name = name_with_parts(scenes)
    for path in folders[1].glob(f'*/{name}.*'):
        path.unlink()
    with pytest.raises(DataError, match=f"prediction for '{name}', which has no ground truth"):
        evaluate_folders(*folders, num_classes=5)


def test_empty_folders_and_bad_arguments_are_named(folders, tmp_path):
    empty = tmp_path / 'empty'
    with pytest.raises(DataError, match='empty/Category_ids: no such folder'):
        evaluate_folders(folders[0], empty, num_classes=5)
    for kind in ('Category_ids', 'Human_ids', 'Instance_ids'):
        (empty / kind).mkdir(parents=True)
    with pytest.raises(DataError, match='empty: no files in Category_ids, Human_ids, Instance_ids'):
        evaluate_folders(folders[0], empty, num_classes=5)
    with pytest.raises(InputError, match='workers at least 1'):
        evaluate_folders(*folders, num_classes=5, workers=0)
