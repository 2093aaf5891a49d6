"""Parsing people end to end: start-up to the first result, time by stage, people a second.

    python benchmarks/parsing.py [--checkpoint CKPT] [--config CONFIG] [--detector CONFIG] [--people 1 5 20] [--repeats 5]

Pictures are 1620x1080; the photo that matplotlib ships stands in for every person, a third of the height tall and more. The
boxes are known, so that with any weights as many people are parsed as the row says. Each stage is timed alone and its
fastest lap counts; a detector looks only where one is given (``--detector shipped``), and the known boxes count. People a
second are those of ``mmqanet parse`` from file to files, stages overlapping, detector included. Without a checkpoint the
network of the config is untrained.

``--against COMMIT`` does the same with that commit, checked out in a work tree of its own, turn about with this one,
``--rounds`` times each, and prints the ratios. Options after ``--`` go to this checkout alone, e.g. ``-- --precision auto``.

``--clock cpu`` counts the seconds that processors spent on the stages instead: on a busy machine, with OMP_NUM_THREADS=1,
these still tell the shares.
"""
import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import matplotlib.cbook
import numpy as np
import torch
from common import REPO, header

CONFIG = REPO / 'configs/ccp/qanet_efficientnet-lite0_ccp.py'
SIZE = 1080, 1620  # height, width
CLOCKS = dict(wall=time.perf_counter, cpu=time.process_time)
STAGES = ('decode', 'detect', 'crop', 'parse', 'paste', 'draw', 'write')
FIRST_RESULT = """
import sys, time
start = time.perf_counter()
from mmqanet.apis import HumanParsingInferencer
loaded = time.perf_counter()
parser = HumanParsingInferencer(sys.argv[1] or None, sys.argv[2] or None)
built = time.perf_counter()
parser(sys.argv[3])
print(loaded - start, built - loaded, time.perf_counter() - built)
"""


def make_picture(people: int) -> tuple[np.ndarray, list[list[float]]]:
    """A picture (H, W, 3) uint8 BGR with as many copies of a photo, and their boxes."""
    rng = np.random.default_rng(people)
    photo = cv2.imread(matplotlib.cbook.get_sample_data('grace_hopper.jpg', asfileobj=False))
    height, width = SIZE
    image = cv2.resize(rng.integers(0, 256, (height // 30, width // 30, 3), dtype=np.uint8), (width, height))
    boxes = []
    for index in range(people):
        tall = int(height * rng.uniform(0.35, 0.9))
        wide = int(tall * rng.uniform(0.3, 0.45))
        x, y = int((width - wide) * (index + 0.5) / people), int(rng.integers(0, height - tall))
        image[y:y + tall, x:x + wide] = cv2.resize(photo, (wide, tall), interpolation=cv2.INTER_AREA)
        boxes.append([x, y, x + wide, y + tall])
    return image, boxes


class Stopwatch:
    """Times calls by a clock; the fastest of several laps counts."""

    def __init__(self, clock: str, laps: int) -> None:
        self.clock, self.laps = CLOCKS[clock], laps
        self.seconds: dict[str, float] = {}

    def time(self, stage: str, function: Callable[[], Any]) -> Any:
        """Note the seconds of a stage; its result."""
        for _ in range(self.laps):
            start = self.clock()
            result = function()
            lap = self.clock() - start
            self.seconds[stage] = min(self.seconds.get(stage, lap), lap)
        return result


def time_stages(parser: Any, path: Path, boxes: list, folder: Path, watch: Stopwatch) -> dict[str, float]:
    """Seconds of every stage of one picture."""
    from mmqanet.apis.inference import predict, prepare
    from mmqanet.apis.inputs import find_inputs
    from mmqanet.apis.outputs import ResultWriter
    from mmqanet.apis.picture_files import draw
    from mmqanet.apis.predictions import Parsed

    item, = find_inputs(path)
    frame = watch.time('decode', lambda: next(item.frames()))
    if parser.detector is not None:
        watch.time('detect', lambda: parser.detector.detect([frame.image]))
    packed = watch.time('crop', lambda: prepare(parser.model, frame, boxes=boxes))
    sample, = watch.time('paste', lambda: predict(parser.model, [packed]))
    watch.time('parse', lambda: forward(parser.model, packed))
    watch.seconds['paste'] = max(watch.seconds['paste'] - watch.seconds['parse'], 0)
    parsed = Parsed(item=item, frame=frame, sample=sample)
    labels = label_options(parser)
    drawing = watch.time('draw', lambda: draw(parsed, *labels.values()))
    writer = ResultWriter(folder, **labels)
    watch.time('write', lambda: writer.write(parsed, drawing))
    return watch.seconds


def label_options(parser: Any) -> dict[str, Any]:
    """Names and colours of the classes as ``ResultWriter`` takes them; commits before ``LabelSet`` had a dict."""
    return dict(label_set=parser.label_set) if hasattr(parser, 'label_set') else dict(meta=parser.dataset_meta)


@torch.no_grad()
def forward(model: Any, packed: dict) -> None:
    """The network alone."""
    inputs = [packed['inputs'].to(model.data_preprocessor.device)]
    for probs, _ in model.forward_crops(inputs, flip_pairs=packed['data_samples'].flip_pairs):
        last = probs
    float(last.sum())  # a GPU is done when its answer is here


class KnownPeople:
    """A detector that looks at pictures and then says where people are known to be."""

    def __init__(self, detector: Any, boxes: list[list[float]]) -> None:
        self.detector, self.boxes = detector, np.array(boxes, np.float32)

    def detect(self, images: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        self.detector.detect(images)
        return [(self.boxes, np.ones(len(self.boxes), np.float32))] * len(images)


def time_command(parser: Any, path: Path, boxes: list, folder: Path, options: argparse.Namespace) -> float:
    """People a second of the command's own way, from files to files, by the clock of the options."""
    from mmqanet.apis.inputs import Picture
    from mmqanet.apis.outputs import ResultWriter
    from mmqanet.utils.prefetch import prefetch

    items = [Picture(name=str(index), source=str(path), content=path) for index in range(options.pictures)]
    writer = ResultWriter(folder, **label_options(parser))
    clock, detector = CLOCKS[options.clock], parser.detector
    if detector is not None:
        parser.detector = KnownPeople(detector, boxes)
    start = clock()
    for parsed in prefetch(parser.stream(items, 4, boxes=None if detector else {path.name: boxes})):
        writer.write(parsed)
    rate = options.pictures * len(boxes) / (clock() - start)
    parser.detector = detector
    return rate


def first_result(options: argparse.Namespace, path: Path) -> str:
    """Import, building and the first picture, in a process of its own."""
    arguments = [str(options.config or ''), str(options.checkpoint or ''), str(path)]
    done = subprocess.run([sys.executable, '-c', FIRST_RESULT, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f'the first result failed:\n{done.stderr}')
    imports, building, parsing = map(float, done.stdout.split())
    return (f'start to first result: {imports + building + parsing:.1f} s (imports {imports:.1f}, building {building:.1f}, '
            f'picture {parsing:.2f})')


@contextlib.contextmanager
def work_tree(commit: str) -> Iterator[Path]:
    """A checkout of a commit beside this one, for a while."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'other')
        subprocess.run(['git', '-C', str(REPO), 'worktree', 'add', '-q', '--detach', str(path), commit], check=True)
        try:
            for weights in (REPO / 'mmqanet/weights').glob('*.pth'):
                if not (path / 'mmqanet/weights' / weights.name).exists():
                    (path / 'mmqanet/weights' / weights.name).symlink_to(weights)
            yield path
        finally:
            subprocess.run(['git', '-C', str(REPO), 'worktree', 'remove', '--force', str(path)], check=True)


def compare(options: argparse.Namespace, arguments: list[str]) -> None:
    """Run the table of both checkouts turn about; of each figure the best round counts."""
    own = arguments[arguments.index('--') + 1:] if '--' in arguments else []
    shared = arguments[:arguments.index('--')] if '--' in arguments else arguments
    with work_tree(options.against) as other, tempfile.TemporaryDirectory() as folder:
        sides: dict[str, tuple[Path, list[str]]] = {options.against: (other, []), 'this': (REPO, own)}
        best: dict[str, dict[str, float]] = {side: {} for side in sides}
        for _ in range(options.rounds):
            for side, (root, more) in sides.items():
                path = Path(folder, 'figures.json')
                search = os.pathsep.join(filter(None, [str(root), os.environ.get('PYTHONPATH')]))
                subprocess.run([sys.executable, __file__, *shared, *more, '--one-side', str(path)], check=True,
                               env=dict(os.environ, PYTHONPATH=search), stdout=subprocess.DEVNULL)
                for key, value in json.loads(path.read_text()).items():
                    choose = max if key.endswith('people/s') else min
                    best[side][key] = choose(value, best[side].get(key, value))
    print(f'{"":24} {options.against:>12} {"this":>12}   ratio   ({options.rounds} rounds turn about, {options.clock})')
    for key, old in best[options.against].items():
        new = best['this'][key]
        ratio = new / old if key.endswith('people/s') else old / new
        print(f'{key:24} {old:12.1f} {new:12.1f} {ratio:7.2f}')


def table(options: argparse.Namespace) -> dict[str, float]:
    """Print the figures of this checkout; they come back by name, milliseconds of stages and people a second."""
    from mmqanet.apis import HumanParsingInferencer

    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'picture.jpg')
        cv2.imwrite(str(path), make_picture(1)[0])
        if not options.one_side:
            print(first_result(options, path))
        choices = {name: value for name in ('precision', 'backend') if (value := getattr(options, name))}
        inferencer = HumanParsingInferencer(
            options.config, options.checkpoint, options.device, detector=options.detector,
            detector_weights=options.detector_checkpoint, **choices)
        print(f'{"people":>6}', *(f'{stage:>8}' for stage in STAGES),
              f'{"others":>7} {"people/s":>9}   (ms a picture, {options.clock})')
        for people in options.people:
            image, boxes = make_picture(people)
            cv2.imwrite(str(path), image)
            seconds = time_stages(inferencer, path, boxes, Path(folder, 'out'), Stopwatch(options.clock, options.repeats))
            network = seconds['parse'] + seconds.get('detect', 0)
            others = 1 - network / sum(seconds.values())
            rate = time_command(inferencer, path, boxes, Path(folder, 'out'), options) if options.pictures else 0
            row = [f'{1e3 * seconds[stage]:8.1f}' if stage in seconds else f'{"-":>8}' for stage in STAGES]
            print(f'{people:6}', *row, f'{others:7.0%} {rate:9.1f}')
            figures |= {f'{people} people, {stage} ms': 1e3 * value for stage, value in seconds.items()}
            figures |= {f'{people} people, people/s': rate} if options.pictures else {}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--config', help='default: the light model, unless the checkpoint carries its config')
    parser.add_argument('--checkpoint')
    parser.add_argument('--detector', help='config of a detector, to time it too; untrained without its checkpoint')
    parser.add_argument('--detector-checkpoint')
    parser.add_argument('--device')
    parser.add_argument('--precision', help='float32, bfloat16 or auto')
    parser.add_argument('--backend', help='torch, onnx or openvino')
    parser.add_argument('--people', type=int, nargs='+', default=[1, 5, 20])
    parser.add_argument('--repeats', type=int, default=5, help='laps of which the fastest counts')
    parser.add_argument('--pictures', type=int, default=8, help='pictures for the people a second; 0 leaves them out')
    parser.add_argument('--clock', choices=list(CLOCKS), default='wall')
    parser.add_argument('--against', metavar='COMMIT', help='compare with a commit')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--one-side', metavar='FILE', help='write the figures to a JSON file (what --against calls)')
    arguments = sys.argv[1:]
    options = parser.parse_args([argument for argument in arguments if argument != '--'])
    options.config = options.config or (None if options.checkpoint else CONFIG)
    print(header('parsing people end to end'))
    if options.against and not options.one_side:
        compare(options, arguments)
        return
    figures = table(options)
    if options.one_side:
        Path(options.one_side).write_text(json.dumps(figures))


if __name__ == '__main__':
    main()
