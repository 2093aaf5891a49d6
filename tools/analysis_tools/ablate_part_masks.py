#!/usr/bin/env python
"""What the mask pixel score brings where people and their parts are instances, cut out of a trained parser's probabilities.

The parser is made an instance segmenter: every person in a detected box, and every part of them, is an instance with a mask
(probability >= 0.5), the score of the box and the IoU score of the crop. Mask AP is then reported as by
ablate_mask_quality.py. The annotation is made by tools/dataset_converters/part_instances.py.
"""
import argparse
import time
from pathlib import Path

from mmengine.registry import DATASETS, DefaultScope
from rich.console import Console

from mmqanet.analysis.forward import file_digest
from mmqanet.analysis.instances.detections import DetectionFolder, Setting
from mmqanet.analysis.instances.evaluation import COCOMaskEvaluator
from mmqanet.analysis.instances.parser_masks import people_and_parts
from mmqanet.analysis.instances.studies import Plan, Study, setting_text
from mmqanet.analysis.report import write_tables
from mmqanet.analysis.tables import print_tables
from mmqanet.apis import init_detector, init_model
from mmqanet.apis.inference import prepare, read_frames
from mmqanet.checkpoints.model_index import SHIPPED_DETECTOR, SHIPPED_PARSER
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError
from mmqanet.utils.processes import progress_bar

console = Console(highlight=False, soft_wrap=True)
WEIGHTS = ((1, 0, 0), (0, 0, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1), (1, 0.5, 3))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('annotation', type=Path, metavar='JSON', help='instances of people and parts')
    parser.add_argument('images', type=Path, metavar='DIR', help='folder of the images')
    parser.add_argument('--checkpoint', type=Path, default=SHIPPED_PARSER, help='parser with its config inside (default: '
                        'the shipped one)')
    parser.add_argument('--detector', type=Path, default=SHIPPED_DETECTOR, help='person detector with its config inside '
                        '(default: the shipped one)')
    parser.add_argument('--box-score-thr', type=float, default=0.1, metavar='T', help='least box score (default: 0.1)')
    parser.add_argument('--only', choices=['all', 'people', 'parts'], default='all', help='the instances to evaluate')
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='folder of detections and results')
    parser.add_argument('--limit', type=int, metavar='N', help='the first N images only')
    parser.add_argument('--draws', type=int, default=200, metavar='N', help='draws of the images for the spread of the gain')
    parser.add_argument('--no-progress', action='store_true', help='show no progress bars')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    plan = Plan(weights=WEIGHTS)
    model = init_model(None, args.checkpoint)
    classes = ('person', *model.dataset_meta['classes'][1:])
    with DefaultScope.overwrite_default_scope('mmqanet'):
        dataset = DATASETS.build(dict(
            type='InstanceCropDataset', ann_file=str(args.annotation), data_prefix=dict(img=str(args.images)),
            metainfo=dict(classes=classes), test_mode=True))
    infos = [dataset.get_data_info(index) for index in range(min(len(dataset), args.limit or len(dataset)))]
    origin = dict(
        checkpoint=file_digest(args.checkpoint), detector=file_digest(args.detector), box_score_thr=args.box_score_thr,
        annotation=file_digest(args.annotation), thresholds=list(plan.thresholds))
    folder = DetectionFolder(args.out / 'detections', origin)
    missing = folder.missing([str(info['img_id']) for info in infos])
    start = time.perf_counter()
    detector = init_detector(None, args.detector, score_thr=args.box_score_thr)
    with progress_bar(not args.no_progress) as bar:
        for index in bar.track(missing, description='Parsing'):
            frame, = read_frames([infos[index]['img_path']])
            (boxes, scores), = detector.detect([frame.image])
            found = people_and_parts(model, prepare(model, frame, boxes=boxes, scores=scores), thresholds=plan.thresholds)
            folder.write(str(infos[index]['img_id']), found, frame.image.shape[:2])
    console.print(f'{len(missing)} of {len(infos)} images parsed in {time.perf_counter() - start:.0f} s')
    images = [folder.read(str(info['img_id'])) for info in infos]
    if not any(len(image.labels) for image in images):
        raise DataError(f'{args.images}: nobody was found')
    report(args, plan, classes, infos, images)


def report(args: argparse.Namespace, plan: Plan, classes: tuple[str, ...], infos: list[dict], images: list) -> None:
    ids, named = [info['img_id'] for info in infos], dict(people=classes[:1], parts=classes[1:], all=classes)
    evaluator = COCOMaskEvaluator(args.annotation, ids, range(1, len(classes) + 1), images,
                                  classes=named[args.only])
    study = Study(plan, evaluator, images)
    tables = [study.module_table(draws=args.draws), study.weights_table(), study.thresholds_table(), study.iou_table()]
    write_tables(args.out / args.only, tables, goal='AP', about=dict(
        annotation=str(args.annotation), checkpoint=str(args.checkpoint), images=len(images), instances=args.only,
        quality=setting_text(Setting()), detections=sum(len(image.labels) for image in images)),
        given=[args.annotation, args.checkpoint, args.detector])
    print_tables(tables)
    console.print(f'figures in percent; tables: {args.out / args.only}')


if __name__ == '__main__':
    run_tool(main)
