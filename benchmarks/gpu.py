"""Everything that wants a GPU, in one command: its tests, training steps, the Lovász loss, pasting, parsing, and how many
processor cores feed the training.

    python benchmarks/gpu.py --out DIR [--device cuda:0] [--budget 420] [--batch 16] [--size 512 384]

writes DIR/gpu.md and DIR/gpu.json after every part, so that what is done is kept where time runs out; a part whose budget is
used up is named as left out, and one that fails says why. Each comparison runs in one process, turn about; medians count.
Needs torch, mmcv (a pure wheel will do), mmengine, mmseg and pytest; ``gpu_wheels.py`` collects what a machine lacks.
``--device cpu --size 64 48 --batch 2 --laps 1`` tries it without a GPU.

Peak is what the card reaches here in a product of two bfloat16 matrices, 8192 × 8192. The data pipeline reads drawn people,
as QANet R-50 does; a training of the first network's fastest step needs as many cores as the last row says.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import torch
from common import REPO, header
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch.utils.flop_counter import FlopCounterMode

from mmqanet.functional.pasting import paste_person
from mmqanet.registry import MODELS

NETWORKS = {'QANet R-50': 'qanet/qanet_r50_cihp.py', 'QANet HRNet-W48': 'qanet/qanet_hrnet-w48_cihp.py'}
PIPELINE = NETWORKS['QANet R-50']  # whose training set is read
MODES = ('fp32', 'bf16', 'bf16 channels-last', 'bf16 channels-last compiled')
FULL_HD = 1080, 1920


class Report:
    """Rows of (part, what, figures), written anew after each of them."""

    def __init__(self, folder: Path, budget: float) -> None:
        self.folder, self.rows = folder, []
        self.end = time.monotonic() + budget
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, part: str, what: str, measure: Callable[[], dict[str, Any]]) -> None:
        if time.monotonic() > self.end:
            figures: dict[str, Any] = dict(left_out='no time left')
        else:
            try:
                figures = measure()
            except Exception as error:  # one part that fails does not keep the others from being measured
                figures = dict(failed=f'{type(error).__name__}: {error}'.splitlines()[0][:200])
        self.rows.append(dict(part=part, what=what, **figures))
        print(self.rows[-1], flush=True)
        self.write()

    def best(self, part: str, what: str, figure: str) -> float:
        """The largest of a figure among the rows of a part that begin with ``what``; NaN without any."""
        found = [row[figure] for row in self.rows if row['part'] == part and row['what'].startswith(what) and figure in row]
        return max(found, default=float('nan'))

    def write(self) -> None:
        (self.folder / 'gpu.json').write_text(json.dumps(dict(header=header('gpu'), rows=self.rows), indent=1) + '\n')
        lines = ['# Figures of a GPU', '', '```', header('benchmarks/gpu.py'), '```', '', '| part | what | figures |',
                 '|---|---|---|']
        for row in self.rows:
            figures = ', '.join(f'{key} {value:.4g}' if isinstance(value, float) else f'{key} {value}'
                                for key, value in row.items() if key not in ('part', 'what'))
            lines.append(f'| {row["part"]} | {row["what"]} | {figures} |')
        (self.folder / 'gpu.md').write_text('\n'.join(lines) + '\n')


def seconds(function: Callable[[], Any], args: argparse.Namespace) -> float:
    """The median lap of a function on the device, after one that does not count."""
    laps = []
    for _ in range(args.laps + 1):
        _wait(args.device)
        start = time.perf_counter()
        function()
        _wait(args.device)
        laps.append(time.perf_counter() - start)
    return statistics.median(laps[1:])


def _wait(device: str) -> None:
    if device.startswith('cuda'):
        torch.cuda.synchronize(device)


def peak_flops(args: argparse.Namespace) -> float:
    """Operations a second of a large bfloat16 product."""
    size = 8192 if args.device.startswith('cuda') else 512
    one = torch.randn(size, size, device=args.device, dtype=torch.bfloat16)
    return 2 * size**3 / seconds(lambda: one @ one, args)


def training_step(config: str, mode: str, args: argparse.Namespace) -> Callable[[], Any]:
    """A step of training."""
    height, width = args.size
    cfg = Config.fromfile(REPO / 'configs' / config)
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmqanet'):
        model = MODELS.build(cfg.model).to(args.device).train()
    images = torch.randn(args.batch, 3, height, width, device=args.device)
    labels = torch.randint(0, model.num_classes, (args.batch, height // 32, width // 16), device=args.device)
    labels = torch.nn.functional.interpolate(labels[:, None].float(), size=(height, width))[:, 0].long()
    if 'channels-last' in mode:
        model, images = model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    network = torch.compile(model._forward, backend=args.compiler) if 'compiled' in mode else model._forward
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    return partial(_step, model, network, optimizer, images, labels, 'bf16' in mode)


def _step(model: Any, network: Callable, optimizer: Any, images: torch.Tensor, labels: torch.Tensor, bf16: bool) -> None:
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
        logits, iou = network(images)
    losses = model.parsing_head.loss(logits.float(), labels) | model.iou_head.loss(iou.float(), logits.float(), labels)
    sum(losses.values()).backward()
    optimizer.step()


def measure_steps(name: str, report: Report, peak: float, args: argparse.Namespace) -> None:
    """The modes of a network's training, a row each."""
    what = f'{name}, {args.batch} × {args.size}, '
    flops: list[int] = []  # of a step, counted at the first
    for mode in args.modes:
        report.run('training step', f'{what}{mode}', partial(measure_step, NETWORKS[name], mode, flops, peak, args))
        row = report.rows[-1]
        row['ratio to fp32'] = row.get('images/s', float('nan')) / report.best('training step', f'{what}fp32', 'images/s')
    report.write()


def measure_step(config: str, mode: str, flops: list[int], peak: float, args: argparse.Namespace) -> dict[str, Any]:
    step = training_step(config, mode, args)
    if not flops:
        with FlopCounterMode(display=False) as counter:
            step()
        flops.append(counter.get_total_flops())
    on_gpu = args.device.startswith('cuda')
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(args.device)
    lap = seconds(step, args)
    memory = torch.cuda.max_memory_allocated(args.device) / 2**30 if on_gpu else 0.0
    return {'images/s': args.batch / lap, 'ms': 1e3 * lap, 'peak GiB': memory, 'share of bf16 peak': flops[0] / lap / peak}


def measure_lovasz(args: argparse.Namespace) -> dict[str, Any]:
    from lovasz import lap, make_case
    from mmseg.models.losses import LovaszLoss

    from mmqanet.models.losses import LovaszSoftmaxLoss

    case = argparse.Namespace(images=args.batch, classes=20, height=args.size[0], width=args.size[1])
    logits, labels = make_case(case, 20, args.device)
    theirs = LovaszLoss(loss_type='multi_class', classes='present', per_image=True, reduction='mean')
    other = statistics.median(lap(theirs, logits, labels)[0] for _ in range(args.laps + 1))
    ours = statistics.median(lap(LovaszSoftmaxLoss(), logits, labels)[0] for _ in range(args.laps + 1))
    return {'mmseg ms': 1e3 * other, 'mmqanet ms': 1e3 * ours, 'ratio': other / ours}


def measure_pasting(people: int, args: argparse.Namespace) -> dict[str, Any]:
    height, width = args.size
    coarse = torch.randn(people, 20, height // 16, width // 16).mul_(4)  # noise of every pixel would be borders everywhere
    probs = torch.nn.functional.interpolate(coarse, size=(height, width), mode='bilinear').softmax(1)
    windows = [(40.0 * i % 1500, 100.0, 40.0 * i % 1500 + 400, 900.0) for i in range(people)]

    def paste(device: str) -> None:
        for part, window in zip(probs.to(device), windows):
            paste_person([part], [window], image_shape=FULL_HD)

    cpu, device = seconds(lambda: paste('cpu'), args), seconds(lambda: paste(args.device), args)
    return {'cpu ms': 1e3 * cpu, 'device ms': 1e3 * device, 'ratio': cpu / device}


def measure_parsing(people: int, args: argparse.Namespace) -> dict[str, Any]:
    from parsing import make_picture, time_command

    from mmqanet.apis import HumanParsingInferencer

    image, boxes = make_picture(people)
    options = argparse.Namespace(pictures=args.pictures, clock='wall')
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'picture.jpg')
        cv2.imwrite(str(path), image)
        figures = {}
        for device in dict.fromkeys(['cpu', args.device]):
            inferencer = HumanParsingInferencer(args.config, device=device)
            figures[f'{device} people/s'] = max(time_command(inferencer, path, boxes, Path(folder, 'out'), options)
                                                for _ in range(2))
    return figures


def measure_data_pipeline(name: str, report: Report, args: argparse.Namespace) -> dict[str, Any]:
    """Samples a second of one core, and how many cores the fastest training step of a network needs."""
    from data_pipeline import build, epoch

    from mmqanet.preparation.toy import draw_toy_dataset

    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            draw_toy_dataset(folder, num_train=args.pictures, num_val=1, size=tuple(args.photo), progress=False)
            # Drawn people have the classes of CIHP.
            Path(folder, 'annotations/toy_train.json').rename(Path(folder, 'annotations/CIHP_train.json'))
            options = argparse.Namespace(config=REPO / 'configs' / PIPELINE, data_root=folder, ann_file=None)
            released, own = build(options, released=True), build(options, released=False)
            people = list(range(len(own)))
            rates = {way: len(people) / epoch(dataset, people)
                     for way, dataset in (('released', released), ('first epoch', own), ('later epochs', own))}
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
    eaten = report.best('training step', name, 'images/s')
    return {f'{way}, samples/s a core': rate for way, rate in rates.items()} | {
        'ratio': rates['later epochs'] / rates['released'], 'images/s eaten': eaten,
        'cores for that': eaten / rates['later epochs']}


def run_tests(args: argparse.Namespace) -> dict[str, Any]:
    """The suite's tests of a GPU."""
    command = [sys.executable, '-m', 'pytest', '-p', 'no:cacheprovider', '-W', 'ignore', '-m', 'gpu',
               'tests/models/test_on_gpu.py']
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True,
                          env=dict(os.environ, MMQANET_TEST_DEVICE=args.device, PYTHONPATH=str(REPO)))
    return dict(status=done.returncode, summary=(done.stdout.strip() or done.stderr.strip()).splitlines()[-1])


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--device', default='cuda:0')
    parser.add_argument('--budget', type=float, default=420, help='seconds after which no new part begins')
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--size', type=int, nargs=2, default=[512, 384], metavar=('H', 'W'))
    parser.add_argument('--laps', type=int, default=10)
    parser.add_argument('--people', type=int, nargs='+', default=[1, 5, 20], help='in a picture that is parsed')
    parser.add_argument('--pasted', type=int, nargs='+', default=[10, 50], help='people that are pasted at 1080p')
    parser.add_argument('--pictures', type=int, default=4, help='that are parsed, and drawn for the data pipeline')
    parser.add_argument('--photo', type=int, nargs=2, default=[1000, 750], metavar=('W', 'H'), help='of the data pipeline')
    parser.add_argument('--compiler', default='inductor', help='backend of torch.compile')
    parser.add_argument('--config', default=str(REPO / 'configs/ccp/qanet_efficientnet-lite0_ccp.py'))
    parser.add_argument('--networks', nargs='+', choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument('--modes', nargs='+', choices=MODES, default=list(MODES), help='of training')
    args = parser.parse_args(argv)
    if args.device.startswith('cuda') and not torch.cuda.is_available():
        raise SystemExit('gpu: there is no GPU here; --device cpu tries the benchmark with tiny sizes')
    report = Report(args.out, args.budget)
    report.run('tests', 'pytest -m gpu', partial(run_tests, args))
    peak = peak_flops(args)
    report.run('peak', 'bf16 product', lambda: {'TFLOP/s': peak / 1e12})
    for name in args.networks:
        measure_steps(name, report, peak, args)
    report.run('Lovász', f'{args.batch} × {args.size}, 20 classes', partial(measure_lovasz, args))
    for people in args.pasted:
        report.run('pasting', f'{people} people at 1080p', partial(measure_pasting, people, args))
    for people in args.people:
        report.run('parsing', f'{people} people', partial(measure_parsing, people, args))
    report.run('data pipeline', PIPELINE, partial(measure_data_pipeline, args.networks[0], report, args))


if __name__ == '__main__':
    main()
