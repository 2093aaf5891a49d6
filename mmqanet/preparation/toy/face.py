"""Portraits of toy people, labelled with the parts of their faces."""
from dataclasses import dataclass, replace

import numpy as np

from mmqanet.preparation.toy.background import draw_background
from mmqanet.preparation.toy.canvas import SUPERSAMPLING
from mmqanet.preparation.toy.figure import build_figure
from mmqanet.preparation.toy.scene import Placed, check_size, expose, paint_people
from mmqanet.preparation.toy.skeleton import pose_body, random_body, random_pose
from mmqanet.preparation.toy.wardrobe import random_outfit

HEAD = 0.092  # radius of a head, in body heights
TILT = 14.0  # standard deviation, degrees


@dataclass(frozen=True)
class ToyFace:
    """A portrait.

    image: (H, W, 3) uint8, BGR. category: (H, W) uint8, ``FacePart`` of every pixel; clothes, hat and neck are background.
    """

    image: np.ndarray
    category: np.ndarray


def draw_face(rng: np.random.Generator, *, size: tuple[int, int] = (160, 160)) -> ToyFace:
    """Draw a head that faces the viewer, up to 50 degrees to the side.

    Args:
        rng: the only source of chance.
        size: (W, H) in pixels, each at least 48.

    Raises:
        InputError: ``size`` is out of its range.
    """
    width, height = check_size(size)
    pose = random_pose(rng, front=True)
    pose = replace(pose, head_tilt=rng.normal(0, TILT), mouth=rng.choice([0.0, rng.uniform(0.1, 0.35)]))
    scale = rng.uniform(0.2, 0.28) * min(width, height) / HEAD * SUPERSAMPLING
    skeleton = pose_body(random_body(rng), pose)
    figure = build_figure(skeleton, random_outfit(rng, scale=scale, front=True), detailed=True)
    centre = rng.normal((0.5, 0.48), 0.05) * (width, height) * SUPERSAMPLING
    canvas = paint_people(draw_background(rng, width, height), bool(rng.random() < 0.5),
                          [Placed(figure, scale, centre - skeleton.joints['head'] * scale)])
    return ToyFace(expose(rng, canvas.finished()[0]), canvas.finished_faces())
