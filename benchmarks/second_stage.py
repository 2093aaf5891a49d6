"""What derived head boxes cost: toy people with labelled faces, parsed on annotated and on derived boxes.

    python benchmarks/second_stage.py --checkpoint people.pth --second-stage faces.pth

The first checkpoint is one of ``configs/toy/qanet_r18_toy.py``, the second one of ``configs/face/qanet_r18_toy-faces.py``.
"""
import argparse

import numpy as np
from common import header

from mmqanet.apis import HumanParsingInferencer, inference_topdown
from mmqanet.apis.second_stage import SecondStage
from mmqanet.functional.association import box_iou
from mmqanet.functional.f1 import group_f1, mean_f1
from mmqanet.functional.overlaps import confusion_matrix
from mmqanet.preparation.toy.background import draw_background
from mmqanet.preparation.toy.canvas import SUPERSAMPLING
from mmqanet.preparation.toy.figure import build_figure
from mmqanet.preparation.toy.parts import FacePart
from mmqanet.preparation.toy.scene import Placed, expose, paint_people
from mmqanet.preparation.toy.skeleton import pose_body, random_body, random_pose
from mmqanet.preparation.toy.wardrobe import random_outfit
from mmqanet.utils.console import say

WIDTH, HEIGHT = 480, 640
OVERALL = range(FacePart.LEFT_BROW, FacePart.HAIR)


def main(argv: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--checkpoint', required=True, help='of the toy people')
    parser.add_argument('--second-stage', required=True, help='of the toy faces')
    parser.add_argument('--people', type=int, default=40)
    args = parser.parse_args(argv)
    second = SecondStage.load(None, args.second_stage, 'cpu')
    cascade = HumanParsingInferencer(weights=args.checkpoint, device='cpu', second_stage=second)
    counts = {name: np.zeros((len(FacePart), len(FacePart)), np.int64) for name in ('annotated boxes', 'derived boxes')}
    overlaps = []
    for number in range(args.people):
        image, human, truth = draw_person(np.random.default_rng([77, number]))
        head = extent(truth > 0)
        parsed, = cascade.stream(image, boxes=[extent(human > 0)])
        alone, = inference_topdown(second.model, image, [head])
        for name, sample in zip(counts, (alone, parsed.second.sample)):
            counts[name] += confusion_matrix(sample.pred_maps.category[0].numpy(), truth, len(FacePart))
        found = parsed.second.sample.pred_instances.bboxes.double().numpy()
        overlaps.append(box_iou(found[0], np.array(head, float)) if len(found) else 0.0)
    say(header('A second stage on heads'))
    for name, confusion in counts.items():
        say(f'{name}: mean F1 {100 * mean_f1(confusion):.1f}, overall {100 * group_f1(confusion, OVERALL):.1f}')
    say(f'IoU of boxes: {np.mean(overlaps):.2f}')


def draw_person(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture of one person who faces the viewer, the person map and the face map."""
    scale = 0.8 * HEIGHT * SUPERSAMPLING
    skeleton = pose_body(random_body(rng), random_pose(rng, front=True))
    figure = build_figure(skeleton, random_outfit(rng, scale=scale, front=True), detailed=True)
    (left, _), (right, bottom) = figure.extent()
    feet = np.array([WIDTH / 2, 0.97 * HEIGHT]) * SUPERSAMPLING
    origin = feet - np.array([(left + right) / 2, bottom]) * scale
    canvas = paint_people(draw_background(rng, WIDTH, HEIGHT), True, [Placed(figure, scale, origin)])
    image, human, _ = canvas.finished()
    return expose(rng, image), human, canvas.finished_faces()


def extent(mask: np.ndarray) -> list[int]:
    """x1, y1, x2, y2 of a mask."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


if __name__ == '__main__':
    main()
