#!/usr/bin/env python
"""Calibrate the qualities of a parser: from each quality to the IoU to expect, by isotonic regression.

    python tools/analysis_tools/calibrate_quality.py CONFIG CKPT --out CALIBRATED.pth \\
        --fit-on data/CCP_sides_crowds/annotations/crowds_train.json Training people_train.json \\
        --check-on data/CCP_sides_crowds/annotations/crowds_val.json Validation people_val.json

Data sets are given as annotation file, folder of the split and, if found boxes are to be used, their COCO detection JSON.
CALIBRATED.pth is CKPT with the calibration in its config: predictions then have an expected IoU beside every quality, which
stays what it was. Fit on data whose pictures decide on nothing else, and check on others.

A calibration is for the classes that it was fitted on. With ``--classes`` the checkpoint, which has one for its own classes,
gets another one for those merged classes.
"""
import argparse
from functools import reduce
from pathlib import Path

from mmengine.config import Config, DictAction

from mmqanet.analysis.forward import ablation_config, box_sources
from mmqanet.analysis.quality_calibration import fit_quality_calibration
from mmqanet.analysis.quality_pairs import QualityPairs, on_data_set, quality_pairs
from mmqanet.analysis.tables import make_table, print_tables
from mmqanet.apis.sources import dataset_meta
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.publishing import write_checkpoint
from mmqanet.checkpoints.stored_config import read_stored_config
from mmqanet.datasets.class_sets import FULL
from mmqanet.engine.changes import merge_classes_in, prepare_config
from mmqanet.engine.config import read_config
from mmqanet.engine.crop_options import use_test_crops
from mmqanet.engine.launch import run_tool
from mmqanet.errors import InputError
from mmqanet.functional.calibration import QualityCalibration
from mmqanet.utils.files import check_overwrites


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', required=True, type=Path, metavar='CKPT', help='checkpoint to write')
    for name, purpose in (('fit', 'to fit on'),
                          ('fit-parts', 'to fit on the parts of alone, where the labels leave much of a person unknown'),
                          ('check', 'to tell the calibration error of, before and after')):
        parser.add_argument(f'--{name}-on', nargs='+', action='append', default=[], metavar='FILE',
                            help=f'data set {purpose}: ANNOTATIONS FOLDER [DETECTIONS]; may be given several times')
    parser.add_argument('--classes', default=FULL, metavar='NAME', help='fit on merged classes, as in mmqanet parse; the '
                        'data sets keep the labels of all classes')
    parser.add_argument('--limit', type=int, metavar='N', help='the first N images of each data set only')
    parser.add_argument('--work-dir', type=Path, metavar='DIR',
                        help='keeps the predictions (default: work_dirs/CONFIG_NAME/calibration)')
    parser.add_argument('--workers', type=int, default=2, metavar='N', help='processes that compare with the annotation')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='override config entries')
    args = parser.parse_args()
    if not args.fit_on:
        raise InputError('--fit-on: at least one data set is needed')
    check_overwrites(args.out, [args.config, args.checkpoint,
                                *(path for given in (*args.fit_on, *args.fit_parts_on, *args.check_on) for path in given)])
    work_dir = (args.work_dir or Path(f'work_dirs/{Path(args.config).stem}/calibration')) / args.classes
    content = load_checkpoint_file(args.checkpoint)
    own = own_calibration(content, args)
    cfg = prepared(args, work_dir, crop_sampler=(content.get('meta') or {}).get('crop_sampler'))
    fitted = {text: pairs_of(cfg, given, work_dir, args) for text, given in named(args.fit_on)}
    fitted |= {text: pairs_of(cfg, given, work_dir, args).of_parts() for text, given in named(args.fit_parts_on)}
    pairs = reduce(QualityPairs.joined, fitted.values())
    calibration = fit_quality_calibration(qualities=pairs.qualities, truths=pairs.truths,
                                          part_qualities=pairs.part_qualities, part_truths=pairs.part_truths)
    checked = {text: pairs_of(cfg, given, work_dir, args) for text, given in named(args.check_on)}
    rows = {(f'{use} {name}', kind): (before, after)
            for use, sets in (('fit', fitted), ('check', checked)) for name, found in sets.items()
            for (kind, before), after in zip(found.reliabilities().items(),
                                             found.calibrated(calibration).reliabilities().values()) if len(before.scores)}
    print_tables([make_table(
        'calibration', 'Calibration error, percent', ('data set', 'of'), list(rows),
        [{'pairs': len(before.scores), 'before': 100 * before.calibration_error, 'after': 100 * after.calibration_error}
         for before, after in rows.values()])])
    if own:
        calibration = own.with_merged(cfg.model.merging['table'], calibration)
    stored = read_config(args.config)
    stored.merge_from_dict({**(args.cfg_options or {}), 'model.postprocessor.calibration': calibration.to_config()})
    content['meta'] = {**(content.get('meta') or {}), 'cfg': stored.pretty_text}
    write_checkpoint(content, args.out)
    print(f'{args.out}: {args.checkpoint} with its calibration')


def own_calibration(content: dict, args: argparse.Namespace) -> QualityCalibration | None:
    """That of a checkpoint's own classes, where one of merged classes is to go beside it."""
    if args.classes == FULL:
        return None
    stored = (content.get('meta') or {}).get('cfg')
    model = read_stored_config(content, args.checkpoint).model if stored else {}
    known = (model.get('postprocessor') or {}).get('calibration')
    if not known:
        raise InputError(f'--classes {args.classes}: {args.checkpoint} has no calibration of its own classes; calibrate it '
                         'without --classes first')
    return QualityCalibration.from_config(known)


def prepared(args: argparse.Namespace, work_dir: Path, *, crop_sampler: str | None) -> Config:
    cfg = read_config(args.config)
    prepare_config(cfg, name=Path(args.config).stem, work_dir=str(work_dir / 'log'), launcher='none',
                   overrides=args.cfg_options)
    use_test_crops(cfg, asked=None, stored=crop_sampler)
    merge_classes_in(cfg, dataset_meta(cfg), args.classes)
    return ablation_config(cfg, checkpoint=args.checkpoint, boxes=next(iter(box_sources(cfg).values())))


def named(data_sets: list[list[str]]) -> list[tuple[str, list[str]]]:
    """Data sets as they were given, with a name."""
    for given in data_sets:
        if not 2 <= len(given) <= 3:
            raise InputError(f'a data set is ANNOTATIONS FOLDER [DETECTIONS], got {" ".join(given)}')
    return [(f'{Path(given[0]).stem}, {"detected" if len(given) == 3 else "annotated"}', given) for given in data_sets]


def pairs_of(cfg: Config, given: list[str], work_dir: Path, args: argparse.Namespace) -> QualityPairs:
    ann_file, folder, *detections = given
    here = on_data_set(cfg, Path(ann_file), folder, Path(detections[0]) if detections else None)
    name = '_'.join([Path(ann_file).stem, *(Path(path).stem for path in detections)])
    return quality_pairs(here, work_dir / name, limit=args.limit, workers=args.workers, progress=True)


if __name__ == '__main__':
    run_tool(main)
