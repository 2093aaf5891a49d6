"""Moving pictures: toy people who walk past each other, with labels and identities that last."""
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mmqanet.errors import InputError
from mmqanet.preparation.converters.prepared import part_ids
from mmqanet.preparation.toy.background import draw_background
from mmqanet.preparation.toy.canvas import SUPERSAMPLING
from mmqanet.preparation.toy.figure import build_figure
from mmqanet.preparation.toy.parts import NUM_CLASSES
from mmqanet.preparation.toy.scene import Placed, ToyPerson, ToyScene, check_max_people, check_size, expose, paint_people
from mmqanet.preparation.toy.skeleton import Body, Pose, between, pose_body, random_body, random_walk
from mmqanet.preparation.toy.wardrobe import Outfit, random_outfit

STRIDES = (1.2, 2.0)  # a second
SPEEDS = (0.12, 0.3)  # picture widths a second
NOISE = 3.0  # standard deviation of a frame's own noise, of 255


@dataclass(frozen=True, kw_only=True)
class Walker:
    """Somebody who walks through the picture.

    Attributes:
        body, outfit, poses: who; the two ends of a stride.
        scale: canvas pixels a body height.
        foot: height of the feet in the picture, a share of it.
        start, speed: of the pelvis, in picture widths, and those a second; a negative speed leads to the left.
        strides: a second. phase: of the stride at the start, in radians.
    """

    body: Body
    outfit: Outfit
    poses: tuple[Pose, Pose]
    scale: float
    foot: float
    start: float
    speed: float
    strides: float
    phase: float

    def place(self, seconds: float, size: tuple[int, int]) -> Placed:
        """The figure after a time, in a picture of (W, H)."""
        share = 0.5 + 0.5 * np.sin(self.phase + np.pi * self.strides * seconds)
        figure = build_figure(pose_body(self.body, between(*self.poses, share)), self.outfit)
        width, height = (side * SUPERSAMPLING for side in size)
        lowest = figure.extent()[1][1]
        x = (self.start + self.speed * seconds) * width
        return Placed(figure, self.scale, np.array([x, self.foot * height - lowest * self.scale]))


def draw_video(rng: np.random.Generator, *, frames: int, size: tuple[int, int] = (320, 240), people: int = 3,
               fps: float = 25.0) -> Iterator[ToyScene]:
    """Draw the frames of a shot in which people walk from side to side, the nearer ones before the farther.

    Args:
        rng: the only source of chance.
        frames: at least 1.
        size: (W, H) in pixels, each at least 48.
        people: at least 1.
        fps: frames a second.

    Yields:
        ToyScene: a frame. Person k of all frames has the id k in ``human``, from the farthest to the nearest; who is out of
        sight is not in ``people``.

    Raises:
        InputError: an argument is out of its range.
    """
    size = check_size(size)
    check_max_people(people)
    if frames < 1 or not fps > 0:
        raise InputError(f'frames must be at least 1 and fps above 0, not {frames} and {fps}')
    background, from_left = draw_background(rng, *size), bool(rng.random() < 0.5)
    walkers = [random_walker(rng, size, nearness) for nearness in np.sort(rng.random(people))]
    exposure = int(rng.integers(2**32))
    for index in range(frames):
        placed = [walker.place(index / fps, size) for walker in walkers]
        image, human, category = paint_people(background, from_left, placed).finished()
        image = expose(np.random.default_rng(exposure), image)
        image = np.clip(image + rng.normal(0, NOISE, image.shape), 0, 255).astype(np.uint8)
        visible = np.unique(human)
        seen = [ToyPerson(number, person.figure.front, person.corners(), person)
                for number, person in enumerate(placed, 1) if number in visible]
        parts = part_ids(category, human, NUM_CLASSES)[0]
        yield ToyScene(image, category, human, parts.astype(np.min_scalar_type(parts.max())), seen)


def random_walker(rng: np.random.Generator, size: tuple[int, int], nearness: float) -> Walker:
    """Somebody who walks to the left or right in a picture of (W, H), larger and lower the nearer (0 to 1)."""
    to_right = bool(rng.random() < 0.5)
    speed = rng.uniform(*SPEEDS) * (1 if to_right else -1)
    start = rng.uniform(0.1, 0.5) if to_right else rng.uniform(0.5, 0.9)
    scale = (0.55 + 0.3 * nearness) * size[1] * SUPERSAMPLING
    return Walker(
        body=random_body(rng), outfit=random_outfit(rng, scale=scale, front=True),
        poses=random_walk(rng, yaw=rng.uniform(20, 48) * (1 if to_right else -1)), scale=scale, foot=0.8 + 0.17 * nearness,
        start=start, speed=speed, strides=rng.uniform(*STRIDES), phase=rng.uniform(0, 2 * np.pi))
