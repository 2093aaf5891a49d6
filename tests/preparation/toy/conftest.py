"""Toy figures on a grey card: what the tests of drawing look at."""
import dataclasses

import numpy as np
import pytest

from mmqanet.preparation.toy.canvas import Canvas
from mmqanet.preparation.toy.figure import build_figure
from mmqanet.preparation.toy.parts import Part
from mmqanet.preparation.toy.skeleton import Body, Pose, pose_body
from mmqanet.preparation.toy.wardrobe import random_outfit

SCALE = 400.0  # canvas pixels a body height
STANDING = {'left arm': (30, 0, 25, 5), 'right arm': (30, 0, 25, 5), 'left leg': (8, 0, 6, 0), 'right leg': (8, 0, 6, 0)}


@dataclasses.dataclass
class Card:
    """A figure alone on a grey card of 240×240, labels and picture."""

    image: np.ndarray
    category: np.ndarray

    def rows(self, part: Part) -> np.ndarray:
        return np.nonzero(self.category == part)[0]

    def columns(self, part: Part) -> np.ndarray:
        return np.nonzero(self.category == part)[1]


@pytest.fixture
def draw_figure():
    """Draws a figure with its arms and legs a little apart; ``outfit`` names what to change of a random one."""

    def draw(*, yaw=0.0, seed=0, **outfit) -> Card:
        plain = dict(body=Part.UPPER_CLOTHES, body_length=0.0, sleeves=0.5, neckline='v', coat_length=0.0,
                     legwear=Part.PANTS, legwear_length=0.6, tucked=False, socks=0.0, boots=0.0, gloves=False, scarf=False,
                     sunglasses=False, hat='none', hair='short')
        clothes = random_outfit(np.random.default_rng(seed), scale=SCALE, front=True)
        clothes = dataclasses.replace(clothes, **{**plain, **outfit})
        skeleton = pose_body(Body(), Pose(limbs=STANDING, yaw=yaw))
        canvas = Canvas(np.full((240, 240, 3), 128, np.uint8))
        for layer in build_figure(skeleton, clothes).layers:
            canvas.paint(layer, 1, SCALE, np.array([240.0, 250.0]))
        image, _, category = canvas.finished()
        return Card(image, category)

    return draw
