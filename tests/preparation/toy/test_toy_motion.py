"""Toy videos: who walks where, and that labels and layout are VIP's."""
import runpy
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmqanet.errors import InputError
from mmqanet.preparation.toy.motion import draw_video
from mmqanet.preparation.toy.skeleton import between, random_walk

SIZE = 96, 72
TOOL = Path(__file__).resolve().parents[3] / 'tools/dataset_converters/draw_toy_videos.py'


@pytest.fixture(scope='module')
def shot():
    return list(draw_video(np.random.default_rng(1), frames=12, size=SIZE, people=3, fps=6))


def test_people_keep_their_ids_and_move(shot):
    centres = {}
    for scene in shot:
        assert {person.parsing_id for person in scene.people} == set(np.unique(scene.human)) - {0}
        for person in scene.people:
            centres.setdefault(person.parsing_id, []).append((person.extent[0] + person.extent[2]) / 2)
    assert set(centres) <= {1, 2, 3}
    for path in centres.values():
        assert abs(path[-1] - path[0]) > 0.1 * SIZE[0]
        assert np.abs(np.diff(path)).max() < 0.2 * SIZE[0], 'no jump'


def test_the_nearer_are_larger_and_before_the_others(shot):
    heights = {person.parsing_id: person.extent[3] - person.extent[1] for scene in shot for person in scene.people}
    assert [heights[number] for number in sorted(heights)] == sorted(heights.values())


def test_the_backdrop_stays_and_noise_does_not(shot):
    first, second = (scene.image.astype(int) for scene in shot[:2])
    still = (shot[0].human == 0) & (shot[1].human == 0)
    difference = np.abs(first - second)[still]
    assert 0.5 < difference.mean() < 8


def test_chance_comes_from_the_stream_alone(shot):
    again = list(draw_video(np.random.default_rng(1), frames=2, size=SIZE, people=3, fps=6))
    for one, other in zip(shot, again):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.instance, other.instance)


@pytest.mark.parametrize('options', [dict(frames=0), dict(fps=0), dict(people=0), dict(size=(10, 10))])
def test_arguments_out_of_range_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options)).replace('people', 'max_people')):
        next(draw_video(np.random.default_rng(0), **{'frames': 1, **options}))


def test_who_walks_swings_the_arms_against_the_legs_and_steps_alike_with_both():
    for seed in range(20):
        left, right = random_walk(np.random.default_rng(seed), yaw=30)
        for pose, ahead, back in ((left, 'left', 'right'), (right, 'right', 'left')):
            swing = {name: angles[1] for name, angles in pose.limbs.items()}
            assert swing[f'{ahead} leg'] > 15
            assert swing[f'{back} leg'] < -15
            assert swing[f'{back} arm'] > 20
            assert swing[f'{ahead} arm'] < -20
            bent = {name: angles[3] - angles[1] for name, angles in pose.limbs.items()}
            assert max(bent[f'{side} leg'] for side in (ahead, back)) < 5, 'knees bend backwards'
            assert min(bent[f'{side} arm'] for side in (ahead, back)) > -3, 'and elbows forwards'
        for limb in ('arm', 'leg'):
            assert left.limbs[f'left {limb}'] == right.limbs[f'right {limb}']
            assert left.limbs[f'right {limb}'] == right.limbs[f'left {limb}']
        assert replace(left, limbs=right.limbs) == right
        middle = between(left, right, 0.5).limbs
        assert middle['left leg'] == pytest.approx(middle['right leg'])
        assert middle['left leg'] == pytest.approx(np.mean([left.limbs['left leg'], left.limbs['right leg']], axis=0))


def test_the_tool_writes_videos_and_labelled_frames(tmp_path):
    args = [str(tmp_path), '--videos', '2', '--frames', '5', '--every', '2', '--size', '96x72']
    assert runpy.run_path(str(TOOL))['main'](args) == 0
    video = cv2.VideoCapture(str(tmp_path / 'videos1.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert (tmp_path / 'VIP_Fine/lists/train_id.txt').read_text().split() == [
        f'videos1/{number:012d}' for number in (1, 3, 5)]
    names = {path.relative_to(tmp_path / 'VIP_Fine').as_posix() for path in (tmp_path / 'VIP_Fine').rglob('*.*')}
    for name in ('videos1/000000000001', 'videos2/000000000005'):
        assert {f'Images/{name}.jpg', f'Annotations/Category_ids/{name}.png', f'Annotations/Human_ids/{name}.png',
                f'Annotations/Instance_ids/{name}.png', f'Annotations/Instance_ids/{name}.txt'} <= names
