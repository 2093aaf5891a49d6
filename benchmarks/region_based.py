"""One network that finds and parses people beside two, with the same backbone: time and memory of an image.

    python benchmarks/region_based.py [--people 1 5 20] [--repeats 3] [--clock cpu]

Pictures are 1333x800 with N copies of the photo that matplotlib ships. Parsing R-CNN and RP R-CNN of ResNet-50 find people
and parse them; the two-stage way is the FCOS detector of ResNet-50, then QANet of ResNet-50 on crops of 512x384. All are
untrained, so every detector runs as it would and what it finds is then replaced by the N boxes: pictures cost what N people
cost. Neither way averages over the mirror image. Everything from the decoded image to its maps counts; each way runs in a
process of its own, and its fastest lap counts. The peak is that of the process, less what it held when the networks stood.

``--clock cpu`` counts the seconds that processors spent instead: on a busy machine, with OMP_NUM_THREADS=1, these still
tell the shares.
"""
import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import cv2
import matplotlib.cbook
import numpy as np
import torch
from common import REPO, header

CLOCKS = dict(wall=time.perf_counter, cpu=time.process_time)
SIZE = 800, 1333  # height, width
WAYS = {'parsing-rcnn': 'Parsing R-CNN', 'rp-rcnn': 'RP R-CNN', 'two-stage': 'FCOS and QANet'}


def make_picture(people: int) -> tuple[np.ndarray, torch.Tensor]:
    """A picture (H, W, 3) uint8 BGR with as many copies of a photo, and their boxes (N, 4)."""
    rng = np.random.default_rng(people)
    photo = cv2.imread(matplotlib.cbook.get_sample_data('grace_hopper.jpg', asfileobj=False))
    image = np.full((*SIZE, 3), 110, np.uint8)
    boxes = []
    for index in range(people):
        tall = int(SIZE[0] * rng.uniform(0.35, 0.9))
        wide = int(tall * rng.uniform(0.3, 0.45))
        x, y = int((SIZE[1] - wide) * (index + 0.5) / people), int(rng.integers(0, SIZE[0] - tall))
        image[y:y + tall, x:x + wide] = cv2.resize(photo, (wide, tall), interpolation=cv2.INTER_AREA)
        boxes.append([x, y, x + wide, y + tall])
    return image, torch.tensor(boxes, dtype=torch.float32)


def config(path: str) -> Any:
    from mmengine.config import Config

    cfg = Config.fromfile(REPO / 'configs' / path)
    cfg.model.backbone.init_cfg = None
    return cfg


def one_network(way: str, image: np.ndarray, boxes: torch.Tensor) -> Callable[[], object]:
    """A function that finds and parses with a region-based parser."""
    from mmqanet.apis import inference_topdown, init_model
    from mmqanet.models.on_mmdet import region_parser

    model = init_model(config(f'{way.replace("-", "_")}/{way}_r50_cihp.py'))
    detected_people = region_parser.detected_people

    def replaced(*arguments: Any, **options: Any) -> tuple[np.ndarray, torch.Tensor]:
        detected_people(*arguments, **options)
        return boxes, torch.ones(len(boxes))  # the input is as large as the image

    region_parser.detected_people = replaced
    return lambda: inference_topdown(model, image)


def two_networks(image: np.ndarray, boxes: torch.Tensor) -> Callable[[], object]:
    """A function that finds people with a detector, and parses crops of them."""
    from mmqanet.apis import inference_topdown, init_detector, init_model

    detector = init_detector(config('detection/fcos_r50_person_cihp.py'))
    model = init_model(config('qanet/qanet_r50_cihp.py'), tta=False)

    def run() -> Any:
        detector.detect([image])
        return inference_topdown(model, image, boxes.numpy())

    return run


def measure(options: argparse.Namespace) -> None:
    """Run one way in this process; the figures go to standard output."""
    image, boxes = make_picture(options.people[0])
    run = two_networks(image, boxes) if options.way == 'two-stage' else one_network(options.way, image, boxes)
    clock, laps, before = CLOCKS[options.clock], [], peak()
    for _ in range(options.repeats):
        start = clock()
        run()
        laps.append(clock() - start)
    print(json.dumps(dict(seconds=min(laps), networks=before, peak=peak())))


def peak() -> float:
    """Most memory that this process has held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--people', type=int, nargs='+', default=[1, 5, 20])
    parser.add_argument('--repeats', type=int, default=3, help='laps of which the fastest counts')
    parser.add_argument('--clock', choices=list(CLOCKS), default='wall')
    parser.add_argument('--way', choices=list(WAYS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        return measure(options)
    print(header('one network that finds and parses people beside two, ResNet-50, 1333x800'))
    print(f'\n{"":16}{"people":>8}{options.clock + " s":>10}{"images/s":>10}{"peak GB":>10}{"of it for the image":>22}')
    for people in options.people:
        for way, name in WAYS.items():
            run = subprocess.run(
                [sys.executable, __file__, '--way', way, '--people', str(people), '--repeats', str(options.repeats),
                 '--clock', options.clock], capture_output=True, text=True)
            if run.returncode:
                raise SystemExit(f'{name} failed:\n{run.stderr}')
            row = json.loads(run.stdout.splitlines()[-1])
            print(f'{name:16}{people:8}{row["seconds"]:10.2f}{1 / row["seconds"]:10.2f}{row["peak"]:10.2f}'
                  f'{row["peak"] - row["networks"]:22.2f}')


if __name__ == '__main__':
    main()
