#!/usr/bin/env python
"""A photo parsed by the shipped model, then the main job from nothing on the embedded data set: draw it, train, evaluate,
parse pictures, print the figures.

Every step that is done is kept: cut it off anywhere, run it again, and it goes on.
"""
import json
import re
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import matplotlib.cbook
from rich.console import Console
from rich.table import Table

from mmqanet.checkpoints.loading import last_whole_checkpoint
from mmqanet.checkpoints.model_index import SHIPPED_PARSER
from mmqanet.checkpoints.shipping import MANIFEST

REPO = Path(__file__).resolve().parents[1]
CONFIG = 'configs/toy/qanet_r18_toy.py'
DATA = Path('data/toy')
WORK = Path('work_dirs/demo')
NUM_TRAIN, NUM_VAL, NUM_PICTURES = 600, 80, 8

console = Console()


def step(title: str, *command: str, show: str | None = None) -> None:
    """Run one of the project's own tools and stop the demo where it fails.

    Args:
        title: heading.
        command: arguments of the interpreter.
        show: pattern of the output worth showing, where the tool prints its whole config; all of it by default.
    """
    console.rule(f'[bold]{title}')
    console.print(f'[dim]$ python {" ".join(command)}', soft_wrap=True)
    if show is None:
        subprocess.run([sys.executable, *command], cwd=REPO, check=True)
        return
    last_lines: deque[str] = deque(maxlen=40)
    with subprocess.Popen([sys.executable, *command], cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as process:
        for line in process.stdout:
            last_lines.append(line)
            found = re.search(show, line)
            if found:
                console.print(found[0], highlight=False, soft_wrap=True)
    if process.returncode:
        print(*last_lines, sep='', end='')
        raise subprocess.CalledProcessError(process.returncode, process.args)


def main() -> int:
    start = time.monotonic()
    quality = WORK / 'quality'
    try:
        parse_a_photo()
        step('1  draw', 'tools/dataset_converters/draw_toy.py', str(DATA), '--num-train', str(NUM_TRAIN), '--num-val',
             str(NUM_VAL), '--seed', '0', '--workers', '2')
        step('2  train', 'tools/train.py', CONFIG, '--work-dir', str(WORK), '--resume', 'auto', '--cfg-options',
             'train_cfg.val_begin=1000',
             show=r'Epoch\(train\).*?loss: [\d.]+|resumed.*|no whole checkpoint.*')
        checkpoint = str(last_whole_checkpoint(REPO / WORK).relative_to(REPO))
        step('3  evaluate', 'tools/analysis_tools/ablate_quality.py', CONFIG, checkpoint, '--out', str(quality), '--replace',
             '--grid-steps', '0', '--workers', '1')
        pictures = sorted((REPO / DATA / 'Validation/Images').glob('*.jpg'))[:NUM_PICTURES]
        step('4  parse', '-m', 'mmqanet', 'parse', *(str(path.relative_to(REPO)) for path in pictures), '--config', CONFIG,
             '--checkpoint', checkpoint, '--boxes', str(DATA / 'annotations/toy_val.json'), '--out',
             str(WORK / 'pictures'))
    except subprocess.CalledProcessError as error:
        console.print(f'[red]stopped: exit status {error.returncode} of {" ".join(error.cmd[1:3])}')
        return 1
    report(json.loads((REPO / quality / 'ablation.json').read_text())['metrics']['annotated'], time.monotonic() - start)
    return 0


def parse_a_photo() -> None:
    """What comes with the package, at work; an installation without weights says so and goes on."""
    if not SHIPPED_PARSER.with_name(MANIFEST).is_file():
        console.print('no weights are shipped with this version: the demo trains its own')
        return
    photo = matplotlib.cbook.get_sample_data('grace_hopper.jpg', asfileobj=False)
    step('0  parse a photo with the shipped model', '-m', 'mmqanet', 'parse', str(photo), '--out', str(WORK / 'photo'))


def report(metrics: dict[str, dict[str, float | None]], seconds: float) -> None:
    """Print the metrics without and with the quality-aware module, where the pictures lie and how long it took."""
    table = Table(title=f'embedded validation set, {NUM_VAL} pictures')
    table.add_column('')
    for title in ('box score alone', 'quality-aware module', 'gain'):
        table.add_column(title, justify='right')
    for key, value in metrics['with'].items():
        without = metrics['without'][key]
        if value is not None and without is not None:
            table.add_row(key, f'{without:.2f}', f'{value:.2f}', f'{value - without + 0:+.2f}')
    console.rule('[bold]result')
    console.print(table)
    console.print(f'how well each score predicts the true IoU: {REPO / WORK / "quality/reliability_annotated.png"}',
                  soft_wrap=True)
    console.print(f'pictures (NAME.png: class per pixel; NAME_overlay.jpg): {REPO / WORK / "pictures"}', soft_wrap=True)
    console.print(f'took {seconds:.0f} s')


if __name__ == '__main__':
    sys.exit(main())
