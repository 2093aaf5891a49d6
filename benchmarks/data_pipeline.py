"""Training samples a second on one core: reading as the release does, the first epoch, later ones, and later ones without
photos in memory.

    python benchmarks/data_pipeline.py --data-root DIR [--config CONFIG] [--ann-file FILE] [--samples 100] [--rounds 3]

The released way decodes the whole JPEG and two whole PNGs for every person and cuts all three by OpenCV. Augmentation and
everything else are the same steps on the same random draws, so that the ways differ in reading alone. They take turns; of
each the best round counts, in seconds of the processor, with one thread. Labels must be equal, pixel for pixel, images up to
``--image-difference`` levels of 255, as two JPEG decoders may be at hand.

An epoch is everybody of some pictures, in random order, so that people of one picture meet as often as in a whole epoch. The
last lines tell how much memory is taken by what is kept of each picture and person.

DIR holds data in the prepared layout (docs/datasets.md) of the config's data set, or with ``--ann-file`` of another with the
same classes; ``tools/misc/draw_toy.py`` draws some.
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
from mmqanet.datasets.transforms import LoadImage, LoadPersonMap
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


def build(options: argparse.Namespace, *, released: bool = False, keeps_photos: bool = True) -> Any:
    """The config's training set, read by its own steps or in the released way."""
    cfg = Config.fromfile(options.config).train_dataloader.dataset
    while 'dataset' in cfg:  # wrappers that repeat or balance
        cfg = cfg.dataset
    cfg.data_root = options.data_root
    cfg.ann_file = options.ann_file or cfg.ann_file
    if released:
        steps = [step for step in cfg.pipeline if step['type'] not in ('LoadImage', 'LoadPersonMap')]
        cfg.pipeline = [dict(type='ReadWholeFiles'), *steps]
    if not keeps_photos:
        cfg.pipeline = [dict(step, keep_mib=0) if step['type'] == 'LoadImage' else step for step in cfg.pipeline]
    with DefaultScope.overwrite_default_scope('mmqanet'):
        return DATASETS.build(cfg)


def choose(dataset: Any, count: int) -> list[int]:
    """Everybody of some pictures, ``count`` people or a few more, in random order."""
    rng = np.random.default_rng(0)
    pictures = [dataset.get_data_info(index)['img_id'] for index in range(len(dataset))]
    order = {picture: place for place, picture in enumerate(rng.permutation(np.unique(pictures)).tolist())}
    people = np.argsort([order[picture] for picture in pictures], kind='stable')
    chosen = {pictures[index] for index in people[:count]}
    return rng.permutation([index for index in people if pictures[index] in chosen]).tolist()


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
    parser.add_argument('--ann-file', help='in place of the config\'s, e.g. annotations/crowds_train.json')
    parser.add_argument('--samples', type=int, default=100)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--image-difference', type=int, default=0)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    print(header('data pipeline of training'))
    released, own = build(options, released=True), build(options)
    indices = choose(own, options.samples)
    check(released, own, indices[:20], options.image_difference)
    without_photos = build(options, keeps_photos=False)
    epoch(without_photos, indices)
    seconds: dict[str, list[float]] = {'released way': [], 'first epoch': [], 'later epochs': [], 'photos not kept': []}
    for _ in range(options.rounds):
        fresh = build(options)
        seconds['released way'].append(epoch(released, indices))
        seconds['first epoch'].append(epoch(fresh, indices))
        seconds['later epochs'].append(epoch(fresh, indices))
        seconds['photos not kept'].append(epoch(without_photos, indices))
    report(seconds, len(indices), options.rounds)
    report_memory(fresh)


def report(seconds: dict[str, list[float]], samples: int, rounds: int) -> None:
    """Print a table of the ways."""
    base = min(seconds['released way'])
    print(f'{"":16} {"samples/s a core":>17} {"ms":>7} {"ratio":>6}   ({samples} samples, best of {rounds})')
    for way, laps in seconds.items():
        print(f'{way:16} {samples / min(laps):17.1f} {1e3 * min(laps) / samples:7.2f} {base / min(laps):6.2f}')


def report_memory(dataset: Any) -> None:
    """Print what a data set keeps."""
    for step in dataset.pipeline.transforms:
        if isinstance(step, LoadImage | LoadPersonMap):
            store = step.kept.store
            print(f'{type(step).__name__} keeps {len(store)}, {store.bytes_used / max(len(store), 1):,.0f} bytes each')


if __name__ == '__main__':
    main()
