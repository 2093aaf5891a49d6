"""Figures: left and right follow from the facing, and garments sit where their class says."""
from dataclasses import replace

import numpy as np
import pytest

from mmqanet.datasets import CIHPDataset
from mmqanet.preparation.toy.parts import Part
from mmqanet.preparation.toy.skeleton import SIDES, Body, Pose, head_axes, pose_body, random_pose
from mmqanet.preparation.toy.wardrobe import random_outfit

PAIRS = ((Part.LEFT_ARM, Part.RIGHT_ARM), (Part.LEFT_LEG, Part.RIGHT_LEG), (Part.LEFT_SHOE, Part.RIGHT_SHOE))


def test_parts_are_cihp():
    assert [part.name.lower().replace('_', '-') for part in Part] == list(CIHPDataset.METAINFO['classes'])
    assert [tuple(map(int, pair)) for pair in PAIRS] == list(CIHPDataset.METAINFO['flip_pairs'])


@pytest.mark.parametrize('yaw', [-40, 0, 40])
def test_left_and_right_swap_between_front_and_back(draw_figure, yaw):
    front, back = draw_figure(yaw=yaw), draw_figure(yaw=yaw + 180)
    for left, right in PAIRS:
        assert front.columns(left).mean() > front.columns(right).mean() + 5, 'the own left lies right in the picture'
        assert back.columns(left).mean() < back.columns(right).mean() - 5
    assert (front.category == Part.FACE).sum() > 200
    assert not (back.category == Part.FACE).any()
    assert (back.category == Part.HAIR).sum() > 2 * (front.category == Part.HAIR).sum()


def test_the_face_tells_front_from_back_in_the_picture(draw_figure):
    front, back = (draw_figure(yaw=yaw) for yaw in (0, 180))
    head = front.rows(Part.HAIR).min(), front.rows(Part.FACE).max()
    bright = [(card.image[head[0]:head[1], 100:140].min(axis=2) > 225).sum() for card in (front, back)]
    assert bright[0] > 10, 'the white of the eyes'
    assert bright[1] == 0


def test_no_sunglasses_and_no_bald_head_from_behind():
    rng = np.random.default_rng(0)
    outfits = {front: [random_outfit(rng, scale=100, front=front) for _ in range(80)] for front in (True, False)}
    assert not any(outfit.sunglasses or outfit.hair == 'bald' for outfit in outfits[False])
    assert any(outfit.sunglasses for outfit in outfits[True])
    assert any(outfit.hair == 'bald' for outfit in outfits[True])


def test_legwear_and_hems(draw_figure):
    bare = draw_figure()
    hip, knee = bare.rows(Part.PANTS).min(), bare.rows(Part.PANTS).max()
    assert bare.rows(Part.LEFT_LEG).min() >= knee - 8, 'shorts leave the legs bare below their hem'
    skirt = draw_figure(legwear=Part.SKIRT, legwear_length=0.8)
    assert np.ptp(skirt.columns(Part.SKIRT)) > np.ptp(bare.columns(Part.PANTS)), 'a skirt flares'
    assert not (skirt.category == Part.PANTS).any()
    long = draw_figure(legwear_length=1.95)
    assert not np.isin(long.category, (Part.LEFT_LEG, Part.RIGHT_LEG)).any()
    dress = draw_figure(body=Part.DRESS, body_length=0.8, legwear=None)
    assert dress.rows(Part.DRESS).min() < hip - 40 < knee - 30 < dress.rows(Part.DRESS).max()
    assert not np.isin(dress.category, (Part.UPPER_CLOTHES, Part.PANTS, Part.SKIRT)).any()


def test_coat_is_open_in_front_and_closed_behind(draw_figure):
    front, back = (draw_figure(yaw=yaw, coat_length=0.9) for yaw in (0, 180))
    row = int(np.mean(front.rows(Part.UPPER_CLOTHES)))
    middle = np.flatnonzero(front.category[row] == Part.UPPER_CLOTHES)
    coat = np.flatnonzero(front.category[row] == Part.COAT)
    assert coat.min() < middle.min() < middle.max() < coat.max()
    assert not (back.category == Part.UPPER_CLOTHES).any()
    assert front.rows(Part.COAT).max() > draw_figure().rows(Part.UPPER_CLOTHES).max() + 20


def test_small_garments_sit_where_they_belong(draw_figure):
    plain = draw_figure()
    worn = draw_figure(gloves=True, socks=0.6, scarf=True, sunglasses=True, hat='beanie')
    hands = max(plain.rows(Part.LEFT_ARM).max(), plain.rows(Part.RIGHT_ARM).max())
    assert abs(worn.rows(Part.GLOVE).max() - hands) <= 5
    assert worn.rows(Part.LEFT_LEG).mean() < worn.rows(Part.SOCKS).mean() < worn.rows(Part.LEFT_SHOE).mean()
    assert worn.rows(Part.HAT).mean() < worn.rows(Part.SUNGLASSES).mean() < worn.rows(Part.SCARF).mean()
    face = plain.category == Part.FACE
    assert face[worn.category == Part.SUNGLASSES].mean() > 0.9
    assert (worn.rows(Part.SCARF) > plain.rows(Part.FACE).mean()).all()


@pytest.mark.parametrize('yaw', [0, 180])
@pytest.mark.parametrize('hat', ['cap', 'beanie', 'brim'])
def test_hats_sit_on_the_hair(draw_figure, yaw, hat):
    short, curls = (draw_figure(yaw=yaw, hat=hat, hair=hair) for hair in ('short', 'curls'))
    assert (short.category == Part.HAT).sum() > 300
    np.testing.assert_array_equal(curls.category == Part.HAT, short.category == Part.HAT)


def test_skeleton_projection():
    limbs = {'left arm': (90, 0, 90, 0), 'right arm': (0, 90, 0, 90), 'left leg': (0, 0, 0, 0), 'right leg': (0, 0, 0, 0)}
    joints = pose_body(Body(), Pose(limbs=limbs, camera=0)).joints
    assert joints['left wrist'] == pytest.approx(joints['left shoulder'] + (0.263, 0)), 'straight out to the own left'
    assert joints['right wrist'] == pytest.approx(joints['right shoulder']), 'forward, at the viewer'
    assert joints['left ankle'] == pytest.approx(joints['left hip'] + (0, 0.405)), 'hanging down'
    side = pose_body(Body(), Pose(limbs=limbs, yaw=90, camera=0))
    assert side.joints['right wrist'] == pytest.approx(side.joints['right shoulder'] + (0.263, 0))
    assert side.depth['right hand'] > side.depth['left hand'], 'turned to its left, the right hand is nearer'


def test_who_stands_without_further_angles_is_upright_and_looks_ahead():
    limbs = {f'{side} {limb}': (20, 0, 10, 0) for side in SIDES for limb in ('arm', 'leg')}
    standing = Pose(limbs=limbs)
    joints = pose_body(Body(), standing).joints
    for name, (x, y) in joints.items():
        mirrored = joints[name.replace('left', 'right') if 'left' in name else name.replace('right', 'left')]
        assert (-x, y) == pytest.approx(tuple(mirrored)), name
    level = pose_body(Body(), replace(standing, camera=0))
    for name in ('chest', 'neck', 'head', 'left shoulder'):
        assert level.depth[name] == pytest.approx(0), name
    left, ahead = head_axes(standing)
    assert left == pytest.approx((1, 0))
    assert ahead[0] == pytest.approx(0)
    assert ahead[1] > 0.1, 'seen a little from above'
    assert standing.head_tilt == standing.mouth == 0


def test_pose_is_seen_from_its_side():
    rng = np.random.default_rng(3)
    for front in (True, False):
        for _ in range(60):
            pose = random_pose(rng, front=front)
            across = pose_body(Body(), pose).across[0]
            assert pose.front is front
            assert (across if front else -across) > np.cos(np.radians(51)), 'never quite from the side'
            assert set(pose.limbs) == {f'{side} {limb}' for side in SIDES for limb in ('arm', 'leg')}
