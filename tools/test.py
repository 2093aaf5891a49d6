#!/usr/bin/env python
"""Evaluate a checkpoint on a config's test set, on one device or, through dist_test.sh or slurm_test.sh, on many."""
import argparse
import json
import math
import os

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmqanet.apis.ensembles import members_asked_for, read_ensemble
from mmqanet.apis.sources import ModelSource
from mmqanet.checkpoints.loading import WholeFilesBackend, check_weights, load_checkpoint_file, load_weights
from mmqanet.cli.arguments import CROP_HELP, crop_option
from mmqanet.engine.changes import (
    export_detections,
    show_predictions,
    use_class_set,
    use_test_time_augmentation,
)
from mmqanet.engine.config import dataset_of, inner_datasets, read_config
from mmqanet.engine.crop_options import use_test_crops
from mmqanet.engine.launch import add_common_arguments, config_from, run_tool
from mmqanet.errors import InputError
from mmqanet.utils.files import check_overwrites


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_common_arguments(parser)
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file; none where --ensemble or the config names the '
                        'members of an ensemble')
    parser.add_argument('--ensemble', nargs='+', metavar='CKPT', default=[], help='test several parsers as one on the data '
                        'of the config: checkpoints that carry their configs')
    parser.add_argument('--out', help='write the metrics to this JSON file')
    parser.add_argument('--show-dir', help='write overlays of the predictions to this folder')
    parser.add_argument('--detections', help='write the people a detector finds to this JSON file, for testing a parser')
    parser.add_argument('--crop', type=crop_option, metavar='HOW', help=CROP_HELP)
    parser.add_argument('--tta', action='store_true', help="average over the config's tta_scales (and over the mirror)")
    parser.add_argument('--classes', default='full', metavar='NAME', help='merge the classes into a coarser label set, '
                        "that of the labels in the test set's data_root: merged16 or atr, of a parser of CCPSidesDataset")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    ensemble, samplers = find_ensemble(args)
    cfg = config_from(args, ensemble and ensemble.cfg)
    check_outputs(args, cfg)
    use_class_set(cfg, args.classes)
    if args.show_dir:
        show_predictions(cfg, args.show_dir)
    if args.detections:
        export_detections(cfg, args.detections)
    if ensemble:
        content, name, crop_sampler = ensemble.content, ensemble.checkpoint, ' and '.join(sorted(samplers))
        cfg.load_from = None  # what its training would start from
    else:
        if args.tta:
            use_test_time_augmentation(cfg)
        cfg.load_from = name = args.checkpoint
        content = load_checkpoint_file(name)
        crop_sampler = use_test_crops(cfg, asked=args.crop, stored=(content.get('meta') or {}).get('crop_sampler'))
    runner = Runner.from_cfg(cfg)
    check_weights(runner.model, content.get('state_dict', content), name)
    if ensemble:
        load_weights(runner.model.module if is_model_wrapper(runner.model) else runner.model, content['state_dict'], name)
    metrics = runner.test()
    if crop_sampler:
        print_log(f'Crops of the people: {crop_sampler}', 'current')
    if args.out and runner.rank == 0:
        results = {key: value if math.isfinite(value) else None for key, value in metrics.items()}
        if crop_sampler:
            results['crop_sampler'] = crop_sampler
        WholeFilesBackend().put_text(json.dumps(results, indent=2), args.out)


def find_ensemble(args: argparse.Namespace) -> tuple[ModelSource | None, set[str]]:
    """The ensemble that the arguments or the config name, on the config's data, and how its members cut people out."""
    base = read_config(args.config)
    members = members_asked_for(args.ensemble, base, checkpoint=args.checkpoint)
    if not members:
        return None, set()
    samplers: set[str] = set()

    def configure(member: ModelSource) -> None:
        samplers.add(use_test_crops(member.cfg, asked=args.crop) or 'none')
        if args.tta:
            use_test_time_augmentation(member.cfg)

    return read_ensemble(members, base=base, configure=configure), samplers


def check_outputs(args: argparse.Namespace, cfg: Config) -> None:
    """Raise ``InputError`` if a file to be written is one that is read, or if two are the same."""
    given: list[str | None] = [args.config, args.checkpoint, *args.ensemble]
    for dataset in inner_datasets(dataset_of(cfg, 'test_dataloader')):
        given += [os.path.join(dataset.get('data_root') or '', dataset[key]) for key in ('ann_file', 'detection_file')
                  if dataset.get(key)]
    outputs = [path for path in (args.out, args.detections) if path]
    for path in outputs:
        check_overwrites(path, given)
    if len({os.path.realpath(path) for path in outputs}) < len(outputs):
        raise InputError(f'--out and --detections are both {args.out}')


if __name__ == '__main__':
    run_tool(main)
