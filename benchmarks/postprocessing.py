"""Post-processing of one image: the full-image way beside mmqanet's, on the same people, each in its own process.

    python benchmarks/postprocessing.py [--people 10] [--height 1080] [--width 1920] [--repeats 5] [--network]

Timed is everything from the network's probabilities to the image maps: averaging with the mirror image, pasting, class
maps, pixel scores, fusion, merging. The probabilities themselves (20 classes, 512 × 384, crop and mirror image) are made
while the clock stands, one person at a time. Three scenes: ``mixed``, box heights from 30 % to 90 % of the image's, where
each person shows half of the classes; ``tall``, the same with every box as tall as the image; ``noise``, mixed boxes where
everybody shows all classes. The two ways are compared pixel by pixel.
"""
import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import REPO, header
from torch.nn import functional as F

CLASSES, SIZE = 20, (512, 384)
SCENES = ['mixed', 'tall', 'noise']
FLIP_PAIRS = [(14, 15), (16, 17), (18, 19)]


class Clock:
    """Time since it was made, less that while it was paused: ``wall`` seconds, and ``cpu`` seconds of all threads.

    On a machine that does nothing else the wall time counts; where it is far above cpu time / threads, it was not so.
    """

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self.go()

    def go(self) -> None:
        self.start = time.perf_counter(), time.process_time()

    def pause(self) -> None:
        self.wall += time.perf_counter() - self.start[0]
        self.cpu += time.process_time() - self.start[1]


def make_boxes(options: argparse.Namespace) -> list[tuple[float, float, float, float]]:
    rng = np.random.default_rng(4)
    boxes = []
    for _ in range(options.people):
        share = 1.0 if options.scene == 'tall' else rng.uniform(0.3, 0.9)
        height = share * options.height
        width = height * rng.uniform(0.3, 0.6)
        x, y = rng.uniform(0, options.width - width), rng.uniform(0, options.height - height)
        boxes.append((x, y, x + width, y + height))
    return boxes


def make_probs(person: int, options: argparse.Namespace, *, mirrored: bool = False) -> torch.Tensor:
    """(C, h, w): the probabilities of a crop, with regions and borders, or of its slightly different mirror image."""
    generator = torch.Generator().manual_seed(person)
    coarse, change = 4 * torch.randn(2, CLASSES, SIZE[0] // 32, SIZE[1] // 32, generator=generator)
    if options.scene != 'noise':
        coarse[torch.randperm(CLASSES - 1, generator=generator)[CLASSES // 2:] + 1] -= 20
    if mirrored:
        coarse = coarse.flip(-1)[mirrored_classes()] + change / 8
    probs = F.interpolate(coarse[None], size=SIZE, mode='bilinear')[0].exp_()
    return probs.div_(probs.sum(0))


def mirrored_classes() -> list[int]:
    order = list(range(CLASSES))
    for left, right in FLIP_PAIRS:
        order[left], order[right] = right, left
    return order


def make_sample(options: argparse.Namespace) -> Any:
    from mmengine.structures import InstanceData

    from mmqanet.functional.geometry import PersonCrop
    from mmqanet.structures import ParsingDataSample

    boxes = make_boxes(options)
    crops = [PersonCrop.from_box(box, output_size=SIZE[::-1]) for box in boxes]
    sample = ParsingDataSample(metainfo=dict(ori_shape=(options.height, options.width), crops=crops))
    sample.gt_instances = InstanceData(bboxes=torch.tensor(boxes), bbox_scores=torch.linspace(0.5, 0.95, len(boxes)))
    return sample


def windowed(options: argparse.Namespace) -> tuple[Clock, dict]:
    """mmqanet's way, person by person."""
    from mmqanet.functional.mirroring import average_mirrored_
    from mmqanet.models.postprocessor import QualityAwarePostprocessor

    sample, order = make_sample(options), mirrored_classes()

    postprocessor = QualityAwarePostprocessor()
    people = []
    clock = Clock()
    for person, crop in enumerate(sample.crops):
        clock.pause()
        probs, mirrored = make_probs(person, options), make_probs(person, options, mirrored=True)
        clock.go()
        average_mirrored_(probs, mirrored, mirrored_classes=order)
        del mirrored
        people.append(postprocessor.paste([probs], [crop.window], image_shape=sample.ori_shape))
        del probs
    boxes = sample.gt_instances
    postprocessor.pack(sample, people, bboxes=boxes.bboxes, bbox_scores=boxes.bbox_scores, iou_scores=[0.7] * len(people),
                       num_classes=CLASSES)
    clock.pause()
    people, maps = sample.pred_instances, sample.pred_maps
    return clock, dict(
        qualities=people.qualities.numpy(), part_qualities=people.part_qualities.numpy(),
        category=maps.category[0].numpy(), human=maps.human[0].numpy(), part=maps.part[0].numpy())


def full_image(options: argparse.Namespace) -> tuple[Clock, dict]:
    """The definition, literally: one image-sized tensor of all people an augmentation, a loop over the classes."""
    from mmqanet.functional import fuse_quality
    from mmqanet.functional.merging import merge_people
    from mmqanet.functional.people import CroppedPeople

    sample = make_sample(options)
    probs = torch.stack([make_probs(person, options) for person in range(options.people)])
    mirrored = torch.stack([make_probs(person, options, mirrored=True) for person in range(options.people)])
    image_shape = options.height, options.width
    clock = Clock()
    mirrored = mirrored[:, mirrored_classes()].flip(-1)
    grid = torch.stack([image_grid(crop.window, image_shape) for crop in sample.crops])
    pasted = [F.grid_sample(part, grid, align_corners=False) for part in (probs, mirrored)]
    average = (pasted[0] + pasted[1]) / 2
    best, labels = average.max(1)
    confident = best >= 0.2
    scores = [(best * confident).sum((1, 2), dtype=torch.float64) / confident.sum((1, 2)).clamp(min=1e-6)]
    for c in range(1, CLASSES):
        values = best * (labels == c)
        confident = values >= 0.2
        scores.append((values * confident).sum((1, 2), dtype=torch.float64) / confident.sum((1, 2)).clamp(min=1e-6))
    labels[best < 1 / CLASSES] = 0
    scores = torch.stack(scores, dim=1).float()
    box = sample.gt_instances.bbox_scores
    qualities, part_qualities = fuse_quality(box, 0.7, scores[:, 0]), fuse_quality(box, 0.7, scores[:, 1:])
    merged, _ = merge_people(CroppedPeople.whole(labels.byte().numpy(), image_shape), bbox_scores=box.numpy(),
                             qualities=qualities.numpy(), part_qualities=part_qualities.numpy())
    clock.pause()
    return clock, dict(
        qualities=qualities.numpy(), part_qualities=part_qualities.numpy(), category=merged.category,
        human=merged.human, part=merged.part)


def image_grid(window: Sequence[float], image_shape: tuple[int, int]) -> torch.Tensor:
    """(H, W, 2): where each pixel centre of the image lies in the window, in the [-1, 1] of ``grid_sample``."""
    x1, y1, x2, y2 = window
    x = (torch.arange(image_shape[1]) + 0.5 - x1) * 2 / (x2 - x1) - 1
    y = (torch.arange(image_shape[0]) + 0.5 - y1) * 2 / (y2 - y1) - 1
    return torch.stack(torch.meshgrid(x, y, indexing='xy'), dim=-1)


def scoring(options: argparse.Namespace) -> tuple[Clock, dict]:
    """Pixel scores and fusion alone, on the label and confidence maps of everybody's window."""
    from mmqanet.functional import fuse_quality
    from mmqanet.functional.quality import confident_sums, scores_from_sums

    maps = []
    for crop in make_sample(options).crops:
        height, width = (int(min(side, limit)) for side, limit in zip(crop.size[::-1], (options.height, options.width)))
        best, labels = F.interpolate(make_probs(0, options)[None], size=(height, width), mode='bilinear')[0].max(0)
        maps.append((best, labels.byte()))
    torch.set_num_threads(1)
    clock = Clock()
    for best, labels in maps:
        (sums,), (counts,) = confident_sums(best, labels, num_bins=CLASSES, thresholds=(0.2,))
        for scores in scores_from_sums(sums, counts, num_pixels=options.height * options.width, threshold=0.2):
            fuse_quality(0.9, 0.7, scores)
    clock.pause()
    return clock, {}


def network(options: argparse.Namespace) -> tuple[Clock, dict]:
    """The ResNet-50 network on everybody's crop and mirror image, timed on one person."""
    from mmengine.config import Config

    from mmqanet.registry import MODELS

    cfg = Config.fromfile(REPO / 'configs/_base_/models/qanet_r50.py').model
    cfg.backbone.pop('init_cfg')
    model = MODELS.build(cfg).eval()
    pair = torch.zeros(2, 3, *SIZE)
    clock = Clock()
    with torch.no_grad():
        model(pair)
    clock.pause()
    clock.wall *= options.people
    return clock, {}


WAYS = dict(windowed=windowed, full_image=full_image, scoring=scoring, network=network)


def measure(options: argparse.Namespace) -> None:
    """Run one way in this process; the figures go to standard output, the answer to ``options.out``."""
    clock, answer = WAYS[options.way](options)
    for _ in range(options.repeats - 1):
        lap = WAYS[options.way](options)[0]
        clock.wall, clock.cpu = min(clock.wall, lap.wall), min(clock.cpu, lap.cpu)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    np.savez(options.out, **answer)
    print(json.dumps(dict(wall=clock.wall, cpu=clock.cpu, peak_gb=peak)))


def spawn(way: str, options: argparse.Namespace, folder: Path, *, repeats: int) -> tuple[dict, dict]:
    """Run one way in a process of its own: its figures and its answer."""
    out = folder / f'{way}.npz'
    command = [sys.executable, __file__, '--way', way, '--out', str(out), '--repeats', str(repeats)]
    for name in ('people', 'height', 'width', 'scene'):
        command += [f'--{name}', str(getattr(options, name))]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f'{way} failed:\n{run.stderr}')
    return json.loads(run.stdout.splitlines()[-1]), dict(np.load(out))


def compare(options: argparse.Namespace, folder: Path) -> None:
    figures, answers = {}, {}
    for way, repeats in (('full_image', 1), ('windowed', options.repeats), ('scoring', options.repeats)):
        figures[way], answers[way] = spawn(way, options, folder, repeats=repeats)
    full, ours = figures['full_image'], figures['windowed']
    print(f'\n{options.scene}: {options.people} people, {options.width}x{options.height}')
    for name, row in (('full image', full), ('mmqanet', ours)):
        print(f'  {name:11} {row["wall"]:7.3f} s ({row["cpu"]:7.3f} s cpu) {row["peak_gb"]:5.2f} GB peak of the process')
    print(f'  ratio       {full["wall"] / ours["wall"]:7.0f} x ({full["cpu"] / ours["cpu"]:7.0f} x)     '
          f'{full["peak_gb"] / ours["peak_gb"]:5.1f} x')
    for name in ('category', 'human', 'part'):
        differs = answers['full_image'][name] != answers['windowed'][name]
        print(f'  {name} map: {np.count_nonzero(differs)} of {differs.size} pixels differ')
    largest = max(abs(answers['full_image'][name] - answers['windowed'][name]).max()
                  for name in ('qualities', 'part_qualities'))
    print(f'  largest difference of a quality: {largest:.1e}')
    print(f'  pixel scores and fusion alone: {figures["scoring"]["cpu"] * 1e3:.1f} ms on one thread')
    if options.network:
        seconds = spawn('network', options, folder, repeats=1)[0]['wall']
        share = figures['scoring']['cpu'] / (seconds + ours['wall'])
        print(f'  network with flip: {seconds:.1f} s; pixel scores and fusion are {share:.2%} of the parse')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--people', type=int, default=10)
    parser.add_argument('--height', type=int, default=1080)
    parser.add_argument('--width', type=int, default=1920)
    parser.add_argument('--repeats', type=int, default=5, help='laps of which the fastest counts')
    parser.add_argument('--network', action='store_true', help='also time the network, for the share of a parse')
    parser.add_argument('--scene', choices=SCENES, help='one scene instead of all')
    parser.add_argument('--way', choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument('--out', help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        return measure(options)
    print(header('post-processing of one image'))
    for scene in [options.scene] if options.scene else SCENES:
        options.scene = scene
        with tempfile.TemporaryDirectory() as folder:
            compare(options, Path(folder))


if __name__ == '__main__':
    main()
