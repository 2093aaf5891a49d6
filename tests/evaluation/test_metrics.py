"""The two mmengine metrics: wiring, options, several processes, memory."""
import os
import pickle
import socket
from dataclasses import replace

import numpy as np
import pytest
import slow_evaluator
import torch
import torch.multiprocessing
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from scenes import perfect_scene, random_scene, random_scenes

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation import read_submission
from mmqanet.models.postprocessor import QualityAwarePostprocessor
from mmqanet.registry import METRICS

META = dict(classes=('background', 'hat', 'hair', 'coat', 'shoe'))


def build(kind='MultiHumanParsingMetric', **options) -> Evaluator:
    evaluator = Evaluator(METRICS.build(dict(type=kind, **options)))
    evaluator.dataset_meta = META
    return evaluator


def run(evaluator, scenes) -> dict[str, float]:
    for scene in scenes:
        evaluator.process([scene.sample()])
    return evaluator.evaluate(len(scenes))


@pytest.mark.parametrize('missing', ['release', 'count'])
def test_multi_human_returns_percent_of_the_slow_evaluator(missing):
    scenes = random_scenes(40, first_seed=2000)
    slow = slow_evaluator.evaluate([slow_evaluator.prepare(scene) for scene in scenes], 5, missing)
    result = run(build(missing=missing), scenes)
    assert list(result) == ['mIoU', 'mAcc', 'aAcc', 'APp', 'APp_50', 'PCP', 'PCP_50', 'APr', 'APr_50', 'APh', 'APh_50',
                            'APh_75']
    assert result == pytest.approx({key: 100 * value for key, value in slow.items()}, abs=1e-10)


def test_images_without_prediction_count_as_in_the_release_unless_asked():
    scenes = [scene for scene in random_scenes(60) if not len(scene.people) and scene.human.any()]
    scenes += random_scenes(5, first_seed=100)
    prepared = [slow_evaluator.prepare(scene) for scene in scenes]
    release, count = ({key: 100 * value for key, value in slow_evaluator.evaluate(prepared, 5, missing).items()}
                      for missing in ('release', 'count'))
    assert run(build(), scenes) == pytest.approx(release, abs=1e-10)
    for missing, expected in ((dict(), release), (dict(missing='count'), count)):
        found = run(build('SingleHumanParsingMetric', **missing), scenes)
        assert found == pytest.approx({key: expected[key] for key in ('mIoU', 'mAcc', 'aAcc')}, abs=1e-10)
    assert release['mIoU'] != pytest.approx(count['mIoU'], abs=0.01)


def test_only_survivors_of_the_nms_enter_app():
    scenes = [perfect_scene(seed) for seed in range(6)]
    twice = [replace(scene, **{key: getattr(scene, key).repeat(2, axis=0)
                               for key in ('people', 'bbox_scores', 'qualities', 'part_qualities')})
             for scene in scenes]
    samples = [scene.sample() for scene in twice]
    evaluator = build(metrics=('APp',))
    evaluator.process(samples)
    assert evaluator.evaluate(6) == pytest.approx({'APp': 100, 'APp_50': 100})
    for sample in samples:
        del sample.pred_instances.kept
    evaluator.process(samples)
    assert evaluator.evaluate(6)['APp'] < 90


def test_the_postprocessor_names_the_survivors():
    scene = perfect_scene(3)
    people = np.concatenate([scene.people, scene.people])
    sample = replace(scene, **{key: np.concatenate([getattr(scene, key)] * 2)
                               for key in ('people', 'bbox_scores', 'qualities', 'part_qualities')}).sample()
    del sample.pred_instances.kept
    number = len(people)
    sample.pred_instances.update(InstanceData(
        iou_scores=torch.ones(number), pixel_scores=torch.linspace(1, 0.5, number),
        part_pixel_scores=torch.ones(number, 4)))
    QualityAwarePostprocessor().rescore(sample)
    assert sample.pred_instances.kept.tolist() == [True] * len(scene.people) + [False] * len(scene.people)
    evaluator = build(metrics=('APp',))
    evaluator.process([sample])
    assert evaluator.evaluate(1) == pytest.approx({'APp': 100, 'APp_50': 100})


@pytest.mark.parametrize(('instance_score_thr', 'ap'), [(0.001, 100), (0.01, 0), (0.2, 0)])
def test_the_postprocessor_s_threshold_is_that_of_app(instance_score_thr, ap):
    """Everybody is right and has a quality of 0.005: whoever is painted counts."""
    scene = perfect_scene(3)
    number = len(scene.people)
    sample = scene.sample()
    sample.pred_instances.update(InstanceData(
        bbox_scores=torch.full((number,), 0.005), iou_scores=torch.ones(number), pixel_scores=torch.ones(number),
        part_pixel_scores=torch.ones(number, 4)))
    QualityAwarePostprocessor(quality_weights=(1, 0, 0), instance_score_thr=instance_score_thr).rescore(sample)
    assert bool(sample.pred_maps.human.data.any()) == (ap > 0)
    evaluator = build(metrics=('APp', 'PCP'))
    evaluator.process([sample])
    assert evaluator.evaluate(1) == pytest.approx({'APp': ap, 'APp_50': ap, 'PCP': ap, 'PCP_50': ap})


@pytest.mark.parametrize('kind', ['MultiHumanParsingMetric', 'SingleHumanParsingMetric'])
def test_joined_sets_may_repeat_names_but_not_images(kind):
    evaluator = build(kind)
    samples = []
    for folder in ('one', 'two'):
        sample = perfect_scene(3).sample()
        sample.set_metainfo(dict(name='a', img_path=f'{folder}/a.jpg'))
        samples.append(sample)
    evaluator.process(samples)
    assert evaluator.evaluate(2)['aAcc'] == pytest.approx(100)
    evaluator.process([samples[0], samples[0]])
    with pytest.raises(DataError, match=r'one/a\.jpg: this image was evaluated twice'):
        evaluator.evaluate(2)


def test_files_of_joined_sets_do_not_overwrite_one_another(tmp_path):
    evaluator = build(submission_dir=str(tmp_path))
    for folder in ('one', 'two'):
        sample = perfect_scene(3).sample()
        sample.set_metainfo(dict(name='a', img_path=f'{folder}/a.jpg'))
        if folder == 'one':
            evaluator.process([sample])
            continue
        with pytest.raises(DataError, match=r'two/a\.jpg: its files in .* would overwrite those of one/a\.jpg'):
            evaluator.process([sample])


def test_single_human_scores_the_category_maps_alone():
    scenes = random_scenes(20, first_seed=50)
    slow = slow_evaluator.evaluate([slow_evaluator.prepare(scene) for scene in scenes], 5)
    evaluator = build('SingleHumanParsingMetric')
    for scene in scenes:
        sample = scene.sample()
        del sample.gt_parts, sample.gt_maps.human, sample.gt_maps.part
        if len(scene.people):
            del sample.pred_parts
        evaluator.process([sample])
    expected = {key: 100 * slow[key] for key in ('mIoU', 'mAcc', 'aAcc')}
    assert evaluator.evaluate(20) == pytest.approx(expected)


def test_metrics_are_chosen_and_tables_printed(monkeypatch):
    printed = []
    monkeypatch.setattr('mmqanet.evaluation.metrics.print_log', lambda text, logger: printed.append(text))
    scenes = random_scenes(8)
    result = run(build(metrics=('APh', 'mIoU'), prefix='val'), scenes)
    assert list(result) == ['val/mIoU', 'val/mAcc', 'val/aAcc', 'val/APh', 'val/APh_50', 'val/APh_75']
    assert 'Images without prediction: ' in printed[0]
    assert '4 shoe' in printed[1]
    printed.clear()
    run(build(per_class=False), scenes)
    assert len(printed) == 1


@pytest.mark.parametrize('kind', ['MultiHumanParsingMetric', 'SingleHumanParsingMetric'])
def test_borders_are_scored_where_asked(kind, monkeypatch):
    printed = []
    monkeypatch.setattr('mmqanet.evaluation.metrics.print_log', lambda text, logger: printed.append(text))
    scenes = random_scenes(8, first_seed=500)
    result = run(build(kind, metrics=('mIoU', 'mTIoU', 'mBIoU')), scenes)
    assert list(result) == ['mIoU', 'mAcc', 'aAcc', 'mBIoU', 'mTIoU', 'mTIoU_2', 'mTIoU_4', 'mTIoU_8']
    assert 0 < result['mBIoU'] < 100
    assert result['mTIoU'] == pytest.approx(sum(result[f'mTIoU_{reach}'] for reach in (2, 4, 8)) / 3)
    assert 0 < result['mTIoU'] < 100
    assert 'BIoU' in printed[1]
    assert 'TIoU' in printed[1]


def test_one_person_an_image_has_no_average_precision():
    with pytest.raises(InputError, match="unknown metric 'APr', choose from mIoU, mBIoU, mTIoU"):
        build('SingleHumanParsingMetric', metrics=('mIoU', 'APr'))


def test_records_are_compact_and_keep_no_map():
    evaluator = build()
    big = random_scene(4, size=(900, 1400))
    assert len(big.people)
    evaluator.process([big.sample()])
    assert len(pickle.dumps(evaluator.metrics[0].results)) < 6000


def test_submission_files_are_written_with_and_without_ground_truth(tmp_path):
    scenes = [scene for scene in random_scenes(8) if len(scene.people)][:2]
    scored = run(build(submission_dir=str(tmp_path / 'a')), scenes)
    assert scored == run(build(), scenes)
    format_only = build(submission_dir=str(tmp_path / 'b'), format_only=True)
    for scene in scenes:
        sample = scene.sample()
        del sample.gt_maps
        format_only.process([sample])
    assert format_only.evaluate(2) == {}
    for folder in ('a', 'b'):
        for scene in scenes:
            files, (merged, _) = read_submission(tmp_path / folder, scene.name, num_classes=5), scene.merged()
            assert (files.category == merged.category).all()
            assert (files.part == merged.part).all()
            visible = list(dict.fromkeys(merged.part_people.tolist()))  # by ascending quality
            order = np.zeros(len(scene.people) + 1, dtype=int)
            order[np.array(visible) + 1] = range(1, len(visible) + 1)
            assert (files.human == order[merged.human]).all()
            assert (files.part_people == order[merged.part_people + 1] - 1).all()
            assert files.person_scores.tolist() == scene.qualities[visible].tolist()
    with pytest.raises(InputError, match='format_only needs a submission_dir'):
        build(format_only=True)


def test_bad_samples_are_named():
    scene = next(scene for scene in random_scenes(9) if len(scene.people) and scene.human.any())

    def complaint(change, **options):
        sample = scene.sample()
        change(sample)
        with pytest.raises(DataError, match=scene.name) as error:
            build(**options).process([sample])
        return str(error.value)

    def delete(path):
        owner, _, field = path.rpartition('.')
        return lambda sample: delattr(getattr(sample, owner) if owner else sample, field)

    assert 'has no ground-truth maps' in complaint(delete('gt_maps'))
    assert 'has no ground-truth maps' in complaint(delete('gt_maps'), kind='SingleHumanParsingMetric')
    assert 'needs the ground-truth human map' in complaint(delete('gt_maps.human'))
    assert 'APr needs the ground-truth part table' in complaint(delete('gt_parts'))
    assert 'has no pred_instances' in complaint(delete('pred_instances'))
    assert "lacks 'pred_maps'" in complaint(delete('pred_maps'))
    assert "lacks 'offsets'" in complaint(delete('pred_instances.offsets'))
    assert 'leaves the image' in complaint(lambda sample: sample.pred_instances.offsets.fill_(10**6))
    assert 'must be finite' in complaint(lambda sample: sample.pred_instances.qualities.fill_(float('nan')))
    assert 'holds id 99, but there are' in complaint(lambda sample: sample.pred_maps.human[0, 0].fill_(99))
    assert 'integers, got' in complaint(lambda sample: setattr(sample.pred_maps, 'category',
                                                               sample.pred_maps.category.float()))

    def forget_a_score(sample):
        sample.pred_parts = InstanceData(labels=sample.pred_parts.labels)
    assert "lacks 'scores'" in complaint(forget_a_score)


def test_a_data_set_without_classes_is_an_error():
    evaluator = build()
    evaluator.dataset_meta = {}
    with pytest.raises(InputError, match='classes'):
        evaluator.process([random_scene(0).sample()])


def rank_main(rank, world, port, scenes, queue):
    """What one process of a padded round-robin sampler evaluates."""
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    torch.distributed.init_process_group('gloo', rank=rank, world_size=world)
    share = -(-len(scenes) // world)
    padded = (scenes * world)[:share * world]
    evaluator = build()
    for scene in padded[rank::world]:
        evaluator.process([scene.sample()])
    queue.put((rank, evaluator.evaluate(len(scenes))))
    torch.distributed.destroy_process_group()


def test_several_processes_agree_to_the_last_digit():
    scenes = random_scenes(7, first_seed=40, ties=True)
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        port = listener.getsockname()[1]
    context = torch.multiprocessing.get_context('spawn')
    queue = context.SimpleQueue()
    processes = [context.Process(target=rank_main, args=(rank, 3, port, scenes, queue)) for rank in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    results = dict(queue.get() for _ in processes)
    alone = run(build(), scenes)
    assert results == dict.fromkeys(range(3), alone)
