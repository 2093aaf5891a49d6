"""Training samples a second on one core: reading as the release does, the first epoch, and those after it.

    python benchmarks/data_pipeline.py --data-root DIR [--config CONFIG] [--samples 100] [--rounds 3]

The released way decodes the whole JPEG and two whole PNGs for every person and cuts all three by OpenCV. Augmentation and
everything else are the same steps on the same random draws, so that the ways differ in reading alone. They take turns; of
each the best round counts, in seconds of the processor, with one thread. Labels must be equal, pixel for pixel, images up to
``--image-difference`` levels of 255, as two JPEG decoders may be at hand.

DIR holds data in the prepared layout (docs/datasets.md) of the config's data set; ``tools/misc/draw_toy.py`` draws some.
"""
import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from common import REPO, header
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmqanet.datasets.samplers import SeededIndex
from mmqanet.registry import DATASETS, TRANSFORMS


@TRANSFORMS.register_module()
class ReadWholeFiles(BaseTransform):
    """The released way: the image, the classes and the people of a sample, each file decoded whole by OpenCV."""

    def transform(self, results: dict) -> dict:
        """Read, and leave the labels of the sample's person."""
        results['img'] = cv2.imread(results['img_path'], cv2.IMREAD_COLOR)
        results['ori_shape'] = results['img'].shape[:2]
        labels = cv2.imread(results['category_path'], cv2.IMREAD_UNCHANGED)
        if 'human_path' in results:
            labels = labels * (cv2.imread(results['human_path'], cv2.IMREAD_UNCHANGED) == results['parsing_ids'][0])
        results['gt_map'] = labels
        return results


def build(options: argparse.Namespace, *, released: bool) -> Any:
    """The config's training set, read by its own steps or in the released way."""
    cfg = Config.fromfile(options.config).train_dataloader.dataset
    while 'dataset' in cfg:  # wrappers that repeat or balance
        cfg = cfg.dataset
    cfg.data_root = options.data_root
    if released:
        steps = [step for step in cfg.pipeline if step['type'] not in ('LoadImage', 'LoadPersonMap')]
        cfg.pipeline = [dict(type='ReadWholeFiles'), *steps]
    with DefaultScope.overwrite_default_scope('mmqanet'):
        return DATASETS.build(cfg)


def epoch(dataset: Any, indices: list[int]) -> float:
    """Seconds of the processor for one epoch over some samples."""
    start = time.process_time()
    for index in indices:
        dataset[SeededIndex(index, (0,))]
    return time.process_time() - start


def check(released: Any, own: Any, indices: list[int], allowed: int) -> None:
    """End the program where the two give other samples."""
    for index in indices:
        one, other = (dataset[SeededIndex(index, (0,))] for dataset in (released, own))
        labels = [sample['data_samples'].gt_sem_seg.data for sample in (one, other)]
        difference = (one['inputs'].int() - other['inputs'].int()).abs().max().item()
        if not torch.equal(*labels) or difference > allowed:
            raise SystemExit(f'sample {index}: the labels differ, or the images by {difference} levels')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data-root', required=True)
    parser.add_argument('--config', type=Path, default=REPO / 'configs/ccp/qanet_efficientnet-lite0_ccp.py')
    parser.add_argument('--samples', type=int, default=100)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--image-difference', type=int, default=0)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    print(header('data pipeline of training'))
    released, own = build(options, released=True), build(options, released=False)
    indices = np.random.default_rng(0).permutation(len(own))[:options.samples].tolist()
    check(released, own, indices[:20], options.image_difference)
    seconds: dict[str, list[float]] = {'released way': [], 'first epoch': [], 'later epochs': []}
    for _ in range(options.rounds):
        fresh = build(options, released=False)
        seconds['released way'].append(epoch(released, indices))
        seconds['first epoch'].append(epoch(fresh, indices))
        seconds['later epochs'].append(epoch(fresh, indices))
    base = min(seconds['released way'])
    print(f'{"":14} {"samples/s a core":>17} {"ms":>7} {"ratio":>6}   ({len(indices)} samples, best of {options.rounds})')
    for way, laps in seconds.items():
        print(f'{way:14} {len(indices) / min(laps):17.1f} {1e3 * min(laps) / len(indices):7.2f} {base / min(laps):6.2f}')


if __name__ == '__main__':
    main()
