"""Everything that wants a GPU, in one command: its tests, training steps, the Lovász loss, pasting and parsing.

    python benchmarks/gpu.py --out DIR [--device cuda:0] [--budget 420] [--batch 16] [--size 512 384]

writes DIR/gpu.md and DIR/gpu.json after every part, so that what is done is kept where time runs out; a part whose budget is
used up is named as left out. Each comparison runs in one process, turn about, and medians count. Needs torch, mmcv (a pure
wheel will do), mmengine, mmseg and pytest; ``gpu_wheels.py`` collects what a machine lacks.
``--device cpu --size 64 48 --batch 2 --laps 1`` tries it without a GPU.

Peak is what the card reaches here in a product of two bfloat16 matrices, 8192 × 8192.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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


def training_steps(config: str, args: argparse.Namespace) -> Iterator[tuple[str, Callable[[], Any]]]:
    """For every mode its name and a step of training."""
    height, width = args.size
    for mode in args.modes:
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
        network = torch.compile(model._forward) if 'compiled' in mode else model._forward
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
        yield mode, partial(_step, model, network, optimizer, images, labels, 'bf16' in mode)


def _step(model: Any, network: Callable, optimizer: Any, images: torch.Tensor, labels: torch.Tensor, bf16: bool) -> None:
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
        logits, iou = network(images)
    losses = model.parsing_head.loss(logits.float(), labels) | model.iou_head.loss(iou.float(), logits.float(), labels)
    sum(losses.values()).backward()
    optimizer.step()


def measure_step(step: Callable[[], Any], peak: float, args: argparse.Namespace) -> dict[str, Any]:
    on_gpu = args.device.startswith('cuda')
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(args.device)
    lap = seconds(step, args)
    memory = torch.cuda.max_memory_allocated(args.device) / 2**30 if on_gpu else 0.0
    return {'images/s': args.batch / lap, 'ms': 1e3 * lap, 'peak GiB': memory, 'share of bf16 peak': args.flops / lap / peak}


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
    options = argparse.Namespace(pictures=4, clock='wall')
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'picture.jpg')
        cv2.imwrite(str(path), image)
        figures = {}
        for device in dict.fromkeys(['cpu', args.device]):
            inferencer = HumanParsingInferencer(args.config, device=device)
            figures[f'{device} people/s'] = max(time_command(inferencer, path, boxes, Path(folder, 'out'), options)
                                                for _ in range(2))
    return figures


def run_tests(args: argparse.Namespace) -> dict[str, Any]:
    """The suite's tests of a GPU."""
    command = [sys.executable, '-m', 'pytest', '-p', 'no:cacheprovider', '-W', 'ignore', '-m', 'gpu',
               'tests/models/test_on_gpu.py']
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True,
                          env=dict(os.environ, MMQANET_TEST_DEVICE=args.device, PYTHONPATH=str(REPO)))
    return dict(status=done.returncode, summary=(done.stdout.strip() or done.stderr.strip()).splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--device', default='cuda:0')
    parser.add_argument('--budget', type=float, default=420, help='seconds after which no new part begins')
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--size', type=int, nargs=2, default=[512, 384], metavar=('H', 'W'))
    parser.add_argument('--laps', type=int, default=10)
    parser.add_argument('--people', type=int, nargs='+', default=[1, 5, 20])
    parser.add_argument('--config', default=str(REPO / 'configs/ccp/qanet_efficientnet-lite0_ccp.py'))
    parser.add_argument('--networks', nargs='+', choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument('--modes', nargs='+', choices=MODES, default=list(MODES), help='of training')
    args = parser.parse_args()
    if args.device.startswith('cuda') and not torch.cuda.is_available():
        raise SystemExit('gpu: there is no GPU here; --device cpu tries the benchmark with tiny sizes')
    report = Report(args.out, args.budget)
    report.run('tests', 'pytest -m gpu', partial(run_tests, args))
    peak = peak_flops(args)
    report.run('peak', 'bf16 product', lambda: {'TFLOP/s': peak / 1e12})
    for name in args.networks:
        args.flops = 0
        for mode, step in training_steps(NETWORKS[name], args):
            if not args.flops:
                with FlopCounterMode(display=False) as counter:
                    step()
                args.flops = counter.get_total_flops()
            what = f'{name}, {args.batch} × {args.size}, {mode}'
            report.run('training step', what, partial(measure_step, step, peak, args))
            del step  # and its model, before the next is made
    report.run('Lovász', f'{args.batch} × {args.size}, 20 classes', partial(measure_lovasz, args))
    for people in (10, 50):
        report.run('pasting', f'{people} people at 1080p', partial(measure_pasting, people, args))
    for people in args.people:
        report.run('parsing', f'{people} people', partial(measure_parsing, people, args))


if __name__ == '__main__':
    main()
