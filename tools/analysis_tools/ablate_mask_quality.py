#!/usr/bin/env python
"""What the quality-aware module brings to an instance segmenter of mmdet (the paper's Table 7), from one forward pass.

Detects on the test set, keeps the detections with what their mask scores need, and reports mask AP: with and without the
module, with the spread of the gain over draws of the images; over quality weights; over thresholds and modes of the pixel
score; at every IoU threshold. Any config of mmdet will do: its heads are replaced by their quality-aware twins, and the
checkpoint stays as it is. COCO-style sets are evaluated by pycocotools, LVIS by the package lvis.
"""
import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.dataset import BaseDataset
from rich.console import Console

from mmqanet.analysis.instances.detections import DetectionFolder, KeptDetections, Setting
from mmqanet.analysis.instances.evaluation import COCOMaskEvaluator, LVISMaskEvaluator, MaskEvaluator
from mmqanet.analysis.instances.forward import build_test_set, detect_images, detection_origin
from mmqanet.analysis.instances.studies import Plan, Study, setting_text
from mmqanet.analysis.report import write_tables
from mmqanet.analysis.tables import print_tables
from mmqanet.engine.changes import prepare_config
from mmqanet.engine.config import read_config, require_mmdet
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError, InputError
from mmqanet.utils.processes import progress_bar
from mmqanet.utils.wording import count_of

console = Console(highlight=False, soft_wrap=True)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of an instance segmenter')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', metavar='DIR', help='folder of detections and results (default: '
                        'work_dirs/CONFIG_NAME/mask_ablation); a second run goes on from the detections in it')
    parser.add_argument('--replace', action='store_true',
                        help='discard detections of another checkpoint, config or data set in DIR instead of refusing them')
    parser.add_argument('--limit', type=int, metavar='N', help='the first N images only')
    parser.add_argument('--classes', nargs='+', metavar='NAME', help='the classes to evaluate (default: all)')
    parser.add_argument('--weights', type=numbers, default=(1.0, 0.0, 1.0), metavar='A,B,C',
                        help='quality weights to test (default: 1,0,1)')
    parser.add_argument('--threshold', type=float, default=0.25, metavar='T',
                        help='threshold of the pixel score (default: 0.25)')
    parser.add_argument('--mode', choices=['ratio', 'mean'], default='ratio',
                        help='mode of the pixel score (default: ratio)')
    parser.add_argument('--box-score', choices=['final', 'class', 'pixel'],
                        help="what stands for the box score in SOLO and MaskFormer (default: the config's, else final)")
    parser.add_argument('--draws', type=int, default=200, metavar='N',
                        help='draws of the images for the spread of the gain; 0 for none (default: 200)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the draws')
    parser.add_argument('--no-progress', action='store_true', help='show no progress bars')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override config entries, e.g. test_dataloader.dataset.data_root=data/coco/')
    return parser.parse_args()


def numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(','))
    except ValueError:
        raise argparse.ArgumentTypeError(f'expected numbers between commas, such as 1,0,1, got {text!r}') from None


def main() -> None:
    args = parse_args()
    if args.draws < 0 or args.seed < 0 or (args.limit is not None and args.limit < 1):
        raise InputError('--draws and --seed must not be negative, --limit must be at least 1')
    plan = Plan(own=Setting(args.weights, args.threshold, args.mode))
    out = Path(args.out or f'work_dirs/{Path(args.config).stem}/mask_ablation')
    cfg = quality_aware_config(args, plan, out)
    dataset = build_test_set(cfg)
    unknown = set(args.classes or ()).difference(dataset.metainfo['classes'])
    if unknown:
        raise InputError(f'--classes: the data set has no class {min(unknown)!r}')
    image_ids = [dataset.get_data_info(index)['img_id'] for index in range(min(len(dataset), args.limit or len(dataset)))]
    if not image_ids:
        raise DataError(f'{dataset.ann_file}: holds no images')
    names = [str(image_id) for image_id in image_ids]
    folder = DetectionFolder(out / 'detections', detection_origin(cfg, thresholds=plan.thresholds), replace=args.replace)
    start = time.perf_counter()
    number = detect_images(cfg, dataset, names, folder, progress=not args.no_progress)
    console.print(f'{number} of {len(names)} images done in {time.perf_counter() - start:.0f} s, the others were in '
                  f'{folder.folder}')
    images = [folder.read(name) for name in names]
    if not any(len(image.labels) for image in images):
        raise DataError(f'{args.checkpoint}: nothing was detected on any image')
    if any((image.iou_scores != 1).any() for image in images):
        plan = plan.with_iou_scores()
    evaluator = evaluator_class(dataset)(
        Path(dataset.ann_file), image_ids, dataset.cat_ids, images, classes=args.classes)
    report(evaluator, images, plan, args, out)


def quality_aware_config(args: argparse.Namespace, plan: Plan, out: Path) -> Config:
    """The config with quality-aware heads that keep what all settings of the plan need."""
    require_mmdet()
    from mmqanet.models.on_mmdet import quality_aware

    cfg = read_config(args.config)
    prepare_config(cfg, name=Path(args.config).stem, work_dir=str(out / 'log'), launcher='none', overrides=args.cfg_options)
    quality = dict(weights=(1.0, 0.0, 1.0), threshold=0.25, mode='ratio', replace_scores=False, keep=plan.thresholds)
    if args.box_score:
        quality['box_score'] = args.box_score
    cfg.model = quality_aware(cfg.model, **quality)
    cfg.load_from = args.checkpoint
    return cfg


def evaluator_class(dataset: BaseDataset) -> type[MaskEvaluator]:
    from mmdet.datasets import LVISV05Dataset

    return LVISMaskEvaluator if isinstance(dataset, LVISV05Dataset) else COCOMaskEvaluator


def report(evaluator: MaskEvaluator, images: Sequence[KeptDetections], plan: Plan,
           args: argparse.Namespace, out: Path) -> None:
    """Match under all settings; print and write the tables."""
    start = time.perf_counter()
    with progress_bar(not args.no_progress) as bar:
        study = Study(plan, evaluator, images, track=lambda settings: bar.track(settings, description='Ranking'))
    tables = [study.module_table(draws=args.draws, seed=args.seed), study.weights_table(), study.thresholds_table(),
              study.iou_table()]
    boxes = study.box_metrics
    facts = dict(config=args.config, checkpoint=args.checkpoint, images=len(images),
                 classes=', '.join(args.classes or ['all']), quality=setting_text(plan.own),
                 detections=sum(len(image.labels) for image in images))
    if boxes:
        facts['box AP (ranked by scores, which the module leaves as they are)'] = f'{boxes["AP"]:.2f}'
    finite = {key: value if math.isfinite(value) else None for key, value in (boxes or {}).items()}
    write_tables(out, tables, goal='AP', about=dict(facts, box_metrics=finite), given=[args.config, args.checkpoint])
    print_tables(tables)
    if boxes:
        console.print(f'box AP {boxes["AP"]:.2f} with and without: the module leaves the scores of boxes as they are')
    console.print(f'figures in percent; {count_of(len(images), "image")} ranked in {time.perf_counter() - start:.0f} s; '
                  f'tables: {out}')


if __name__ == '__main__':
    run_tool(main)
