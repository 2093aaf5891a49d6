#!/usr/bin/env python
"""Convert a checkpoint that the authors of QANet released to mmqanet's names.

    python tools/model_converters/convert_qanet_checkpoint.py QANet_R-50c_512x384_CIHP.pth data/released/qanet_r50_cihp.pth
    python tools/test.py configs/qanet/qanet_r50_cihp.py data/released/qanet_r50_cihp.pth

Every weight must find its place in the network of CONFIG; missing, left-over and misshapen ones are listed otherwise, and
nothing is written. Without --config the configs of the paper are tried: it is needed where the weights fit networks of data
sets with different classes (CIHP and LIP). DST says that its crops are averaged over each pixel, as the release does it
when testing (tools/test.py --crop); DST.sha256 holds its hash.
"""
import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.models.backbones import HRNet
from torch import Tensor, nn

from mmqanet.apis import init_model
from mmqanet.apis.sources import dataset_meta
from mmqanet.checkpoints.conversion.released_weights import convert_released
from mmqanet.checkpoints.loading import check_weights, load_checkpoint_file
from mmqanet.checkpoints.publishing import self_contained, write_checkpoint
from mmqanet.engine.config import read_config
from mmqanet.engine.crop_options import use_test_crops
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError, InputError
from mmqanet.registry import MODELS

CROP_SAMPLER = 'align'  # the release's, when testing
CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
FOLDERS = ('qanet', 'simplenet')


def empty_model(cfg: Config) -> nn.Module:
    """A network without memory for its weights, to compare names and shapes with."""
    model_cfg = {**cfg.model, 'backbone': {**cfg.model.backbone, 'init_cfg': None}}
    with DefaultScope.overwrite_default_scope('mmqanet'), torch.device('meta'):
        return MODELS.build(model_cfg)


def paper_configs() -> list[Config]:
    return [Config.fromfile(path) for folder in FOLDERS for path in sorted((CONFIGS / folder).glob('*.py'))]


def fitting_configs(state: Mapping[str, Tensor], source: Path) -> list[Config]:
    """The paper's configs whose network takes these weights."""
    # Building all networks takes its time: these two tell most of them apart.
    num_classes = len(state.get('parsing_head.classifier.bias', ()))
    hrnet = 'backbone.stage2.0.branches.0.0.conv1.weight' in state
    fitting = []
    for cfg in paper_configs():
        if (cfg.model.parsing_head.num_classes, issubclass(MODELS.get(cfg.model.backbone.type), HRNet)) == (
                num_classes, hrnet):
            try:
                check_weights(empty_model(cfg), state, source)
                fitting.append(cfg)
            except InputError:
                pass
    return fitting


def refuse(state: Mapping[str, Tensor], source: Path) -> NoReturn:
    """Say what keeps the weights from the config of the paper that they come nearest to."""
    def misfits(cfg: Config) -> int:
        expected = {(key, value.shape) for key, value in empty_model(cfg).state_dict().items()}
        return len(expected ^ {(key, value.shape) for key, value in state.items()})

    nearest = min(paper_configs(), key=misfits)
    name = Path(nearest.filename).relative_to(CONFIGS).as_posix()
    try:
        check_weights(empty_model(nearest), state, source, list_all=True)
    except InputError as error:
        raise InputError(f'{error}\nCompared with {name}, the nearest of the paper; name another with --config') from None
    raise AssertionError(f'{name} fits')  # then there would be nothing to refuse


def choose_config(state: Mapping[str, Tensor], source: Path) -> tuple[Config, list[str]]:
    """A config that the weights fit, and the names of all that they do; all are for the same classes.

    Raises:
        InputError: no config of the paper fits, or several for different classes.
    """
    fitting = fitting_configs(state, source)
    names = [Path(cfg.filename).relative_to(CONFIGS).as_posix() for cfg in fitting]
    if not fitting:
        refuse(state, source)
    if any(dataset_meta(cfg) != dataset_meta(fitting[0]) for cfg in fitting):
        raise InputError(f'{source}: fits {", ".join(names)}, whose classes differ; choose one with --config')
    return fitting[0], names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, metavar='SRC', help='the released checkpoint')
    parser.add_argument('target', type=Path, metavar='DST', help='file to write')
    parser.add_argument('--config', help='config of the network; found out where the weights leave no choice')
    args = parser.parse_args()
    content = load_checkpoint_file(args.source)
    try:
        state = convert_released(content)
    except DataError as error:
        raise DataError(f'{args.source}: {error}') from None
    if args.config:
        cfg, names = read_config(args.config), [args.config]
        check_weights(init_model(cfg), state, args.source, list_all=True)
    else:
        cfg, names = choose_config(state, args.source)
    # Weights that fit crops of several sizes do not tell theirs: no config goes with them unless one was named.
    use_test_crops(cfg, asked=CROP_SAMPLER)
    stored = cfg.pretty_text if len(names) == 1 else None
    digest = write_checkpoint(
        self_contained(state, cfg=stored, dataset_meta=dataset_meta(cfg), source=args.source, crop_sampler=CROP_SAMPLER),
        args.target, given=[args.source])
    print(f'{len(state)} tensors written to {args.target}, sha256 {digest}\nfor {", ".join(names)}')


if __name__ == '__main__':
    run_tool(main)
