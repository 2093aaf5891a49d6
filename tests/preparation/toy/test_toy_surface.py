"""Charts and their coordinates on toy bodies."""
import numpy as np
import pytest

from mmqanet.functional.charts import CHARTS, MIRRORED_CHARTS, PART_OF_CHART, PARTS
from mmqanet.preparation.toy.canvas import SUPERSAMPLING
from mmqanet.preparation.toy.parts import Part
from mmqanet.preparation.toy.scene import draw_scene
from mmqanet.preparation.toy.skeleton import SIDES, Body, Pose, pose_body, random_body, random_pose
from mmqanet.preparation.toy.surface import SECTORS, body_tubes, draw_surface, mirror

LIMBS = {'left arm': (35, 0, 30, 0), 'right arm': (80, 0, 100, 0), 'left leg': (8, 0, 6, 0), 'right leg': (20, 0, 15, 0)}
GRID = np.stack(np.meshgrid(np.linspace(-0.7, 0.7, 141), np.linspace(-0.6, 0.6, 121)), axis=-1)
JOINTS = {'upper arm': ('shoulder', 'elbow'), 'lower arm': ('elbow', 'wrist'), 'hand': ('wrist', 'hand'),
          'upper leg': ('hip', 'knee'), 'lower leg': ('knee', 'ankle')}
OF_PART = {Part.LEFT_ARM: 'left', Part.RIGHT_ARM: 'right', Part.LEFT_LEG: 'left', Part.RIGHT_LEG: 'right'}


def paint(pose):
    """Charts (h, w) and UV (2, h, w) of a body alone on a grid that is its own mirror image."""
    charts, uv = np.zeros(GRID.shape[:2], int), np.zeros((2, *GRID.shape[:2]))
    for tube in body_tubes(pose_body(Body(), pose)).values():
        found, u, v = tube.locate(GRID)
        charts[found > 0] = found[found > 0]
        uv[:, found > 0] = np.stack([u, v])[:, found > 0]
    return charts, uv


def mirrored(limbs):
    return {name.replace('left', '?').replace('right', 'left').replace('?', 'right'): angles
            for name, angles in limbs.items()}


def test_every_chart_is_a_sector_whose_mirror_is_an_involution():
    assert sorted(SECTORS) == list(range(1, len(CHARTS)))
    v = np.linspace(0, 1, 33)
    for chart in SECTORS:
        there = mirror(chart, v)
        assert there.min() >= 0
        assert there.max() <= 1
        np.testing.assert_allclose(mirror(MIRRORED_CHARTS[chart], there), v, atol=1e-12)


@pytest.mark.parametrize('yaw', [0, 35, 180, 215])
def test_the_mirror_image_of_a_body_has_the_mirrored_charts_and_coordinates(yaw):
    charts, uv = paint(Pose(LIMBS, yaw=yaw, lean=4, head_turn=10, head_tilt=5))
    other, other_uv = paint(Pose(mirrored(LIMBS), yaw=-yaw, lean=-4, head_turn=-10, head_tilt=-5))
    other, other_uv = other[:, ::-1], other_uv[:, :, ::-1]
    # pixels on a border may fall to either side of it
    same = MIRRORED_CHARTS[charts] == other
    assert same.mean() > 0.99
    assert (charts > 0).sum() > 1000
    for chart in np.unique(charts[charts > 0]):
        own = same & (charts == chart)
        np.testing.assert_allclose(other_uv[0][own], uv[0][own], atol=1e-9)
        np.testing.assert_allclose(other_uv[1][own], mirror(chart, uv[1][own]), atol=1e-9)


def test_front_and_back_go_by_the_side_that_is_seen():
    for yaw, seen, hidden in ((0, 'front', 'back'), (180, 'back', 'front')):
        names = {CHARTS[chart] for chart in np.unique(paint(Pose(LIMBS, yaw=yaw))[0])}
        assert {f'torso-{seen}', *(f'{side}-lower-leg-{seen}' for side in SIDES), 'left-head', 'right-head'} <= names
        assert not {name for name in names if name.endswith(hidden)}
    charts = paint(Pose(LIMBS, yaw=40))[0]
    back, front = (np.nonzero(charts == CHARTS.index(f'torso-{face}'))[1] for face in ('back', 'front'))
    assert back.mean() < front.mean() - 5  # the front is turned to the right of the picture


def test_u_runs_down_the_limbs_and_v_to_the_left_of_the_person():
    charts, (u, v) = paint(Pose(LIMBS))
    rows, columns = np.nonzero(charts == CHARTS.index('left-lower-leg-front'))
    assert np.corrcoef(rows, u[rows, columns])[0, 1] > 0.95
    rows, columns = np.nonzero(charts == CHARTS.index('torso-front'))
    assert np.corrcoef(columns, v[rows, columns])[0, 1] > 0.9  # who faces the viewer has the left at the right


@pytest.mark.parametrize('front', [True, False])
def test_tubes_lie_between_the_joints_of_their_part_and_meet_there(front):
    rng = np.random.default_rng(0)
    for _ in range(5):
        skeleton = pose_body(random_body(rng), random_pose(rng, front=front))
        tubes, joints = body_tubes(skeleton), skeleton.joints
        assert len(tubes) == 14
        for side in SIDES:
            for part, ends in JOINTS.items():
                tube = tubes[f'{side} {part}']
                np.testing.assert_array_equal([tube.start, tube.stop], [joints[f'{side} {end}'] for end in ends])
            for limb in ('arm', 'leg'):
                upper, lower = tubes[f'{side} upper {limb}'], tubes[f'{side} lower {limb}']
                assert upper.half_width(0) > upper.half_width(1) == lower.half_width(0) > lower.half_width(1)
            foot = tubes[f'{side} foot']
            low, high = np.sort([joints[f'{side} ankle'], joints[f'{side} toe']], axis=0)
            assert (foot.start >= low).all()
            assert (foot.stop <= high + 0.015).all()
        np.testing.assert_allclose((tubes['head'].start + tubes['head'].stop) / 2, joints['head'])
        trunk = tubes['trunk']
        np.testing.assert_allclose(np.cross(trunk.stop - trunk.start, joints['chest'] - joints['pelvis']), 0, atol=1e-12)
        assert trunk.start[1] < joints['chest'][1] < joints['pelvis'][1] <= trunk.stop[1], 'from the neck to the crotch'


def test_tubes_are_painted_to_their_rims():
    """As they are where every tube is looked for in all of the picture."""
    scene = draw_scene(np.random.default_rng(3), size=(120, 90))
    charts, uv = draw_surface(scene)
    pixels = np.stack(np.meshgrid(np.arange(120), np.arange(90)), axis=-1) * SUPERSAMPLING
    expected, expected_uv = np.zeros((90, 120), np.uint8), np.zeros((2, 90, 120), np.float32)
    for person in scene.people:
        for tube in body_tubes(person.placed.figure.skeleton).values():
            found, u, v = tube.locate((pixels - person.placed.origin) / person.placed.scale)
            painted = (scene.human == person.parsing_id) & (found > 0)
            expected[painted] = found[painted]
            expected_uv[:, painted] = np.stack([u, v])[:, painted]
    np.testing.assert_array_equal(charts, expected)
    np.testing.assert_array_equal(uv, expected_uv)
    assert (charts > 0).sum() > 300


def test_what_a_scene_shows_of_limbs_is_on_their_charts():
    right = total = 0
    for seed in range(4):
        scene = draw_scene(np.random.default_rng(seed), size=(200, 150))
        charts, uv = draw_surface(scene)
        assert not charts[scene.human == 0].any()
        assert uv.min() >= 0
        assert uv.max() <= 1
        assert not uv[:, charts == 0].any()
        for part, side in OF_PART.items():
            names = np.array(PARTS)[PART_OF_CHART[charts[scene.category == part]]]
            right += sum(name.startswith(side) for name in names)
            total += len(names)
        face = PART_OF_CHART[charts[scene.category == Part.FACE]]
        assert (face == PARTS.index('head')).mean() > 0.85
    assert total > 500
    assert right / total > 0.85
