"""What an ablation of 5,000 images costs after its forward pass, measured on fewer.

    python benchmarks/ablation.py [--images 40] [--people 4] [--height 400] [--width 500]

Random scores, so that every setting puts the people into another order: the worst case. Times are processor times of one
process; comparing goes in several processes (``--workers`` of the tool), scoring in one.
"""
import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from common import REPO, header
from metrics import make_scene
from mmengine.structures import InstanceData

sys.path.insert(0, str(REPO / 'tests'))
from evaluation_files import write_truth
from scenes import cut

from mmqanet.analysis.ablation import PooledScores, work_out
from mmqanet.analysis.predictions import PredictionCache
from mmqanet.analysis.studies import Plan, Study
from mmqanet.functional.merging import MergingRules
from mmqanet.structures import ParsingDataSample

TARGET = 5000


def make_image(folder: Path, cache: PredictionCache, index: int, plan: Plan, args: argparse.Namespace) -> dict:
    """Write truth and prediction of one image whose people reach into their neighbours; the record of its files."""
    scene = make_scene(index, args)
    rng = np.random.default_rng(index)
    write_truth(folder, scene)
    number, thresholds = len(scene.people), len(plan.thresholds)
    label_maps, offsets = cut(np.stack([np.roll(person, rng.integers(-40, 41), axis=1) for person in scene.people]))
    sample = ParsingDataSample(metainfo=dict(name=scene.name, ori_shape=scene.category.shape))
    sample.gt_instances = InstanceData(parsing_ids=torch.arange(1, number + 1))
    sample.pred_instances = InstanceData(
        bbox_scores=torch.rand(number), iou_scores=torch.rand(number), sweep_pixel_scores=torch.rand(number, thresholds),
        sweep_part_pixel_scores=torch.rand(number, thresholds, args.classes - 1), offsets=torch.from_numpy(offsets),
        label_maps=[torch.from_numpy(label_map) for label_map in label_maps])
    cache.write(scene.name, sample)
    return dict(name=scene.name, **{f'{kind}_path': str(folder / f'{kind.title()}_ids/{scene.name}.png')
                                    for kind in ('category', 'human', 'instance')})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in dict(images=40, people=4, height=400, width=500, classes=20).items():
        parser.add_argument(f'--{name}', type=int, default=default)
    args = parser.parse_args()
    torch.manual_seed(0)
    plan = Plan(weights=(1.0, 0.5, 3.0), threshold=0.2)
    classes = [str(index) for index in range(args.classes)]
    print(header('ablation of the quality-aware module'))
    with tempfile.TemporaryDirectory() as folder:
        cache = PredictionCache(Path(folder, 'cache'), {})
        infos = [make_image(Path(folder), cache, index, plan, args) for index in range(args.images)]
        size = sum(path.stat().st_size for path in Path(folder, 'cache').iterdir()) / args.images
        start = time.process_time()
        every = [cache.scores(info['name']) for info in infos]
        images = work_out(cache, infos, PooledScores(every, plan.thresholds), plan.settings(), classes=classes,
                          rules=MergingRules())
        comparing = (time.process_time() - start) / args.images
    copies = -(-TARGET // args.images)
    many = [replace(image, name=f'{image.name}-{copy}') for copy in range(copies) for image in images]
    study = Study(plan, many, PooledScores(every * copies, plan.thresholds))
    start = time.process_time()
    study.precision(plan.own)
    scoring = time.process_time() - start
    settings = len(plan.settings())
    orders = sum(len(image.outcomes) for image in images) / args.images
    print(f'{args.people} people an image, {settings} settings, {orders:.0f} orders an image')
    print(f'kept prediction: {size / 1000:.1f} kB an image, {size * TARGET / 1e6:.0f} MB for {TARGET}')
    print(f'comparing: {1000 * comparing:.0f} ms an image, {comparing * TARGET / 60:.1f} min for {TARGET}')
    print(f'scoring {len(many)} images: {scoring:.2f} s a setting, {scoring * settings / 60:.1f} min for all')


if __name__ == '__main__':
    main()
