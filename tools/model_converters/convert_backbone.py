#!/usr/bin/env python
"""Convert ImageNet weights of a ResNet (torchvision's naming) or HRNet (its authors' naming) for the backbone of a config.

    python tools/model_converters/convert_backbone.py configs/qanet/qanet_hrnet-w48_cihp.py \\
        hrnetv2_w48_imagenet_pretrained.pth data/pretrained/hrnetv2_w48.pth

Every weight but the classification head must find its place, or those that do not are listed and nothing is written. The
paper's ResNets have the deep stem of ResNet-c and -d: torchvision's own, with the plain stem, fit type='ResNet' instead.
The config then says ``backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='data/pretrained/hrnetv2_w48.pth'))``.
DST.sha256 holds the hash of the result.
"""
import argparse
from pathlib import Path

from mmqanet.apis import init_model
from mmqanet.checkpoints.conversion.imagenet_weights import convert_imagenet_backbone
from mmqanet.checkpoints.loading import check_weights, load_checkpoint_file
from mmqanet.checkpoints.publishing import write_checkpoint
from mmqanet.engine.config import read_config
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config whose backbone the weights are for')
    parser.add_argument('source', type=Path, metavar='SRC', help='the published weights')
    parser.add_argument('target', type=Path, metavar='DST', help='file to write')
    args = parser.parse_args()
    backbone = init_model(read_config(args.config)).backbone
    content = load_checkpoint_file(args.source)
    try:
        state = convert_imagenet_backbone(content)
    except DataError as error:
        raise DataError(f'{args.source}: {error}') from None
    check_weights(backbone, state, args.source, list_all=True)
    digest = write_checkpoint(dict(state_dict=state), args.target, given=[args.source, args.config])
    print(f'{len(state)} tensors for {type(backbone).__name__} written to {args.target}, sha256 {digest}')


if __name__ == '__main__':
    run_tool(main)
