"""The multi-human metrics: a textbook evaluator, one pass a class as in the released code, beside mmqanet's.

    python benchmarks/metrics.py [--images 100] [--height 400] [--width 500] [--people 3] [--classes 20]
    python benchmarks/metrics.py --memory 200    # peak memory of scoring so many images, in a process of its own

Both score the same images twice: from files (a submission folder and a prepared split, where the textbook reads every
part map once a class) and from maps in memory. The numbers of both must agree. Times are
processor times of one process without start-up.
"""
import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import REPO, header
from PIL import Image

sys.path.insert(0, str(REPO / 'tests'))
import slow_evaluator
from evaluation_files import write_prediction, write_truth
from scenes import Scene

from mmqanet.evaluation import evaluate_folders
from mmqanet.evaluation.scores import score_records
from mmqanet.registry import METRICS


def make_scene(index: int, args: argparse.Namespace) -> Scene:
    """People side by side, each of half the classes in patches; predictions a few pixels off, with scores."""
    rng = np.random.default_rng(index)
    size = (args.height, args.width)
    category, human = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
    room = args.width // args.people
    people = np.zeros((args.people, *size), dtype=np.uint8)
    for person in range(args.people):
        y, x = rng.integers(0, args.height // 8), person * room + rng.integers(0, room // 4)
        window = np.s_[y:y + args.height * 3 // 4, x:x + room * 3 // 4]
        bands = rng.permutation(np.arange(1, args.classes))[:args.classes // 2]
        rows, columns = (np.arange(length) for length in category[window].shape)
        limbs = rows[:, None] * len(bands) // len(rows) + columns * 3 // len(columns)
        category[window] = bands[limbs % len(bands)]
        human[window] = person + 1
        people[person] = np.roll(category * (human == person + 1), rng.integers(-6, 7, 2), axis=(0, 1))
    category, human = ragged(rng, category, human)
    people = np.stack(ragged(rng, *people))
    instance = np.where(human > 0, args.classes * (human.astype(np.int32) - 1) + category, 0)
    parts = [(i, i % args.classes, i // args.classes + 1) for i in np.unique(instance) if i]
    return Scene(
        name=f'{index:06d}', num_classes=args.classes, category=category, human=human, instance=instance,
        gt_parts=np.array(parts, dtype=np.int32), people=people, bbox_scores=rng.uniform(0.4, 1, args.people),
        qualities=rng.uniform(0.1, 1, args.people), part_qualities=rng.random((args.people, args.classes - 1)))


def ragged(rng: np.random.Generator, *maps: np.ndarray) -> list[np.ndarray]:
    """The maps with each row shifted by up to two pixels: outlines as uneven as a network's."""
    columns = np.arange(maps[0].shape[1]) + rng.integers(-2, 3, len(maps[0]))[:, None]
    columns = columns.clip(0, maps[0].shape[1] - 1)
    return [np.take_along_axis(values, columns, axis=1) for values in maps]


class OnDisk:
    """An image of the slow evaluator whose maps are read each time they are asked for."""

    predicted = True

    def __init__(self, pred: Path, gt: Path, name: str) -> None:
        self.pred, self.gt, self.name = pred, gt, name

    category = property(lambda self: self._map(self.gt / 'Category_ids'))
    human = property(lambda self: self._map(self.gt / 'Human_ids'))
    instance = property(lambda self: self._map(self.gt / 'Instance_ids'))
    global_map = property(lambda self: self._map(self.pred / 'global_parsing'))
    human_map = property(lambda self: self._map(self.pred / 'instance_segmentation'))
    part_map = property(lambda self: self._map(self.pred / 'instance_parsing'))

    def _map(self, folder: Path) -> np.ndarray:
        return np.array(Image.open(folder / f'{self.name}.png'))

    def _lines(self, folder: Path) -> list[list[str]]:
        return [line.split() for line in (folder / f'{self.name}.txt').read_text().splitlines()]

    @property
    def gt_parts(self) -> list[tuple[int, ...]]:
        return [tuple(map(int, words)) for words in self._lines(self.gt / 'Instance_ids')]

    @property
    def human_scores(self) -> dict[int, float]:
        return {k: float(words[0]) for k, words in enumerate(self._lines(self.pred / 'instance_segmentation'), 1)}

    @property
    def parts(self) -> list[tuple[int, int, float]]:
        return [(k, int(label), float(score))
                for k, (label, score) in enumerate(self._lines(self.pred / 'instance_parsing'), 1)]

    @property
    def people(self) -> list[tuple[np.ndarray, float]]:
        labels = np.array([0, *(label for _, label, _ in self.parts)], dtype=np.uint8)[self.part_map]
        human_map = self.human_map
        return [(labels * (human_map == k), score) for k, score in self.human_scores.items()]


def timed(function: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[Any, float]:
    """Result and processor time of this process, which other programs on the machine do not change much."""
    start = time.process_time()
    return function(*arguments, **options), time.process_time() - start


def score_samples(samples: list[dict], num_classes: int) -> dict[str, float]:
    """The metric as mmengine runs it, on data samples; fractions."""
    metric = METRICS.build(dict(type='MultiHumanParsingMetric'))
    metric.dataset_meta = dict(classes=[f'class {index}' for index in range(num_classes)])
    metric.process(None, samples)
    return score_records(metric.results, num_classes=num_classes).values


def report(what: str, slow: tuple, fast: tuple, count: int) -> None:
    (slow_values, slow_time), (fast_values, fast_time) = slow, fast
    difference = max(abs(slow_values[key] - fast_values[key]) for key in slow_values)
    print(f'{what:12} textbook {1e3 * slow_time / count:8.2f} ms an image   mmqanet {1e3 * fast_time / count:6.2f} ms   '
          f'{slow_time / fast_time:5.1f} times as fast   scores differ by at most {difference:.0e}')


def compare(args: argparse.Namespace) -> None:
    print(header(f'metrics: {args.images} images of {args.width}x{args.height}, {args.people} people, '
                 f'{args.classes} classes, one process'))
    scenes = [make_scene(index, args) for index in range(args.images)]
    prepared = [slow_evaluator.prepare(scene) for scene in scenes]
    samples = [scene.sample().to_dict() for scene in scenes]
    score_samples(samples[:2], args.classes)  # warm up
    report('from memory', timed(slow_evaluator.evaluate, prepared, args.classes),
           timed(score_samples, samples, args.classes), args.images)
    with tempfile.TemporaryDirectory() as folder:
        pred, gt = Path(folder) / 'pred', Path(folder) / 'gt'
        for scene in scenes:
            write_truth(gt, scene)
            write_prediction(pred, scene)
        slow = timed(slow_evaluator.evaluate, [OnDisk(pred, gt, scene.name) for scene in scenes], args.classes)
        scores, seconds = timed(evaluate_folders, pred, gt, num_classes=args.classes)
        report('from files', slow, (scores.values, seconds), args.images)


def measure_memory(args: argparse.Namespace) -> None:
    """Feed the mmengine metric ``args.memory`` images and print the peak resident size of this process."""
    metric = METRICS.build(dict(type='MultiHumanParsingMetric'))
    metric.dataset_meta = dict(classes=[f'class {index}' for index in range(args.classes)])
    samples = [make_scene(index, args).sample() for index in range(4)]
    for index in range(args.memory):
        sample = samples[index % len(samples)].clone()
        sample.set_metainfo(dict(name=str(index)))
        metric.process(None, [sample.to_dict()])
    metric.evaluate(args.memory)
    print(header(f'peak memory of MultiHumanParsingMetric over {args.memory} images'))
    print(f'peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in dict(images=100, height=400, width=500, people=3, classes=20, memory=0).items():
        parser.add_argument(f'--{name}', type=int, default=value)
    args = parser.parse_args()
    measure_memory(args) if args.memory else compare(args)


if __name__ == '__main__':
    main()
