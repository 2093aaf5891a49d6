#!/usr/bin/env python
"""Put a trained parser and person detector into the package, for ``mmqanet parse`` without options.

    python tools/misc/ship_models.py --parser work_dirs/parser_384x288/epoch_3.pth --parser-metrics mIoU=52.7 \\
        --detector work_dirs/detector/epoch_18.pth --detector-metrics boxes.json \\
        --data 'CCP, 800 photos'

They are written in half precision with their config inside, at most 20 MB together, and only if they build and load;
manifest.json lists their SHA-256, which is checked whenever they are loaded. One may be given alone: the other stays.
"""
import argparse
import math
from pathlib import Path
from tempfile import TemporaryDirectory

from mmengine.config import Config

from mmqanet.apis import init_detector, init_model
from mmqanet.apis.sources import dataset_meta
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.model_index import SHIPPED_PARSER
from mmqanet.checkpoints.shipping import ship
from mmqanet.checkpoints.stored_config import read_stored_config
from mmqanet.engine.config import parser_class
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import read_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('parser', 'detector'):
        parser.add_argument(f'--{name}', type=Path, metavar='CKPT', help='checkpoint of tools/train.py')
        parser.add_argument(f'--{name}-metrics', nargs='+', default=[], metavar='NAME=VALUE',
                            help='figures for the manifest, or a JSON file of them, as tools/test.py writes it')
    parser.add_argument('--parser-classes', metavar='NAME', help='label set that it predicts unless asked for another')
    parser.add_argument('--data', required=True, help='what they were trained on, in words, for the manifest')
    parser.add_argument('--out', type=Path, default=SHIPPED_PARSER.parent, metavar='DIR',
                        help='folder to write to (default: that of the package)')
    args = parser.parse_args()
    if not (args.parser or args.detector):
        raise InputError('--parser, --detector or both are needed')
    models = {
        name: dict(content=load_checkpoint_file(path), source=path, metrics=read_metrics(metrics))
        for name, path, metrics in (('parser', args.parser, args.parser_metrics),
                                    ('detector', args.detector, args.detector_metrics)) if path}
    if args.parser_classes and args.parser:
        models['parser']['default_classes'] = args.parser_classes
    for name, model in models.items():
        cfg = read_stored_config(model['content'], model['source'])
        if (parser_class(cfg) is None) != (name == 'detector'):
            raise InputError(f'--{name}: {model["source"]} holds none')
        if name == 'parser':
            use_today_s_colours(model['content'], cfg)
    with TemporaryDirectory() as folder:
        ship(models, folder, data=args.data)
        for name, build in (('parser', init_model), ('detector', init_detector)):
            if name in models:
                build(None, Path(folder) / f'{name}.pth')
    manifest = ship(models, args.out, data=args.data)
    for file, entry in manifest['files'].items():
        print(f'{args.out / file}: {entry["bytes"] / 1e6:.2f} MB, {entry["config"]}, sha256 {entry["sha256"]}')


def use_today_s_colours(content: dict, cfg: Config) -> None:
    """Colour the classes of a parser's checkpoint as their data set does now; those of the training may be older."""
    stored, declared = content['meta']['dataset_meta'], dataset_meta(cfg)
    if tuple(stored['classes']) == tuple(declared['classes']):
        content['meta'] = {**content['meta'], 'dataset_meta': {**stored, 'palette': declared['palette']}}


def read_metrics(given: list[str]) -> dict[str, float]:
    """NAME=VALUE words, and files that hold a flat JSON object, to one dict of numbers."""
    metrics: dict[str, float] = {}
    for word in given:
        name, is_pair, value = word.partition('=')
        if not is_pair:
            metrics |= _from_file(word)
            continue
        try:
            metrics[name] = float(value)
        except ValueError:
            raise InputError(f'{word}: {value!r} is no number') from None
    for name, number in metrics.items():
        if not math.isfinite(number):
            raise InputError(f'{name}={number}: no figure to publish')
    return metrics


def _from_file(path: str) -> dict[str, float]:
    try:
        content = read_json(path, expected=dict)
        return {name: float(value) for name, value in content.items() if value is not None and name != 'crop_sampler'}
    except (ValueError, TypeError) as error:
        raise DataError(f'{path}: not a JSON object of numbers ({error})') from None


if __name__ == '__main__':
    run_tool(main)
