"""What no label tells: folds, buttons, collars, cheeks. Figures and faces look as they did."""
from pathlib import Path

import numpy as np
import pytest
from looks import compare_look

from mmqanet.preparation.toy.canvas import Canvas
from mmqanet.preparation.toy.face import draw_face
from mmqanet.preparation.toy.figure import build_figure
from mmqanet.preparation.toy.skeleton import pose_body, random_body, random_pose
from mmqanet.preparation.toy.wardrobe import random_outfit

SCALE = 400.0  # canvas pixels a body height


def figure(seed: int, *, front: bool) -> np.ndarray:
    """Somebody in random clothes on a grey card of 240 × 240."""
    rng = np.random.default_rng([11, seed])
    skeleton = pose_body(random_body(rng), random_pose(rng, front=front))
    canvas = Canvas(np.full((240, 240, 3), 128, np.uint8))
    for layer in build_figure(skeleton, random_outfit(rng, scale=SCALE, front=front)).layers:
        canvas.paint(layer, 1, SCALE, np.array([240.0, 250.0]))
    return canvas.finished()[0]


def sheet(pictures: list[np.ndarray], *, columns: int) -> np.ndarray:
    rows = [np.concatenate(pictures[start:start + columns], axis=1) for start in range(0, len(pictures), columns)]
    return np.concatenate(rows)


DRAWINGS = {
    'front': lambda: sheet([figure(seed, front=True) for seed in range(18)], columns=6),
    'back': lambda: sheet([figure(seed, front=False) for seed in range(18)], columns=6),
    'faces': lambda: sheet(
        [draw_face(np.random.default_rng([12, seed]), size=(160, 160)).image for seed in range(18)], columns=6)}


@pytest.mark.parametrize('name', DRAWINGS)
def test_toys_look_as_they_did(name):
    compare_look(Path(__file__).parent / f'looks/{name}.png', DRAWINGS[name]())
