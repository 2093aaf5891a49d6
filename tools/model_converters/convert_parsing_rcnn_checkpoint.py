#!/usr/bin/env python
"""Convert a checkpoint that the authors of Parsing R-CNN or RP R-CNN released to mmqanet's names.

    python tools/model_converters/convert_parsing_rcnn_checkpoint.py SRC.pth data/released/parsing-rcnn_r50_cihp.pth

Every weight must find its place in the network of CONFIG, and the anchors that the file holds must be that network's. What
does not fit is listed otherwise, key by key, and nothing is written. Without --config the weights tell the network, and
their number of classes the data set. The config is stored with them, in the arithmetic of the release. DST.sha256 holds the
hash.
"""
import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmqanet.apis import init_model
from mmqanet.apis.sources import dataset_meta
from mmqanet.checkpoints.conversion.region_weights import convert_region_based
from mmqanet.checkpoints.loading import check_weights, load_checkpoint_file
from mmqanet.checkpoints.publishing import self_contained, write_checkpoint
from mmqanet.engine.config import read_config
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError, InputError

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
DATA_SETS = {20: 'cihp', 59: 'mhp-v2'}


def matching_config(state: Mapping[str, Tensor]) -> Path:
    """The shipped config of a network by its weights: a semantic branch is RP R-CNN's."""
    num_classes = len(state.get('roi_head.mask_head.classifier.bias', ()))
    if num_classes not in DATA_SETS:
        raise InputError(f'the weights are for {num_classes} classes, which no config has; name one with --config')
    family = 'rp' if any(key.startswith('semantic_head.') for key in state) else 'parsing'
    return CONFIGS / f'{family}_rcnn/{family}-rcnn_r50_{DATA_SETS[num_classes]}.py'


def check_anchors(model: nn.Module, anchors: Mapping[int, Tensor], source: Path) -> None:
    """Raise ``InputError`` unless the anchors of a file are those of the network, on the levels that it uses."""
    for level, expected in enumerate(model.rpn_head.prior_generator.base_anchors):
        if level in anchors and not torch.equal(anchors[level].float(), expected):
            raise InputError(f'{source}: the anchors of level {level} are not those of the config')


def release_config(path: str | Path) -> Config:
    cfg = read_config(str(path))
    cfg.model.arithmetic = 'release'
    cfg.model.backbone.init_cfg = None
    return cfg


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, metavar='SRC', help='the released checkpoint')
    parser.add_argument('target', type=Path, metavar='DST', help='file to write')
    parser.add_argument('--config', help='config of the network; found out by the weights')
    args = parser.parse_args()
    try:
        state, anchors = convert_region_based(load_checkpoint_file(args.source))
        path = args.config or matching_config(state)
    except (DataError, InputError) as error:
        raise type(error)(f'{args.source}: {str(error).removeprefix(f"{args.source}: ")}') from None
    cfg = release_config(path)
    model = init_model(cfg)
    check_weights(model, state, args.source, list_all=True)
    check_anchors(model, anchors, args.source)
    content = self_contained(state, cfg=cfg.pretty_text, dataset_meta=dataset_meta(cfg), source=args.source)
    digest = write_checkpoint(content, args.target, given=[args.source])
    print(f'{len(state)} tensors written to {args.target}, sha256 {digest}\nfor {path}')


if __name__ == '__main__':
    run_tool(main)
