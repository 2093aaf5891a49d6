#!/usr/bin/env python
"""Make a start for CCPSidesDataset, which tells left, right, face and limbs, out of a parser of CCPMergedDataset.

    python tools/model_converters/split_classes.py work_dirs/parser_384x288/epoch_3.pth data/pretrained/parser_sides.pth

Skin and shoes share their probability among their parts; everything else stays. For `load_from` of a training. DST.sha256
holds the hash of the result.
"""
import argparse
from pathlib import Path

from mmqanet.checkpoints.conversion.split_classes import split_classes
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.publishing import self_contained, write_checkpoint
from mmqanet.datasets.ccp_sides import CCP_SIDES_ORIGINS, CCPSidesDataset
from mmqanet.engine.launch import run_tool
from mmqanet.errors import MMQANetError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, metavar='SRC', help='checkpoint of a parser of the merged classes')
    parser.add_argument('target', type=Path, metavar='DST', help='file to write')
    args = parser.parse_args()
    content = load_checkpoint_file(args.source)
    try:
        state = split_classes(content.get('state_dict', content), CCP_SIDES_ORIGINS)
    except MMQANetError as error:
        raise type(error)(f'{args.source}: {error}') from None
    digest = write_checkpoint(
        self_contained(state, cfg=None, dataset_meta=CCPSidesDataset.METAINFO, source=args.source), args.target,
        given=[args.source])
    print(f'{len(state)} tensors written to {args.target}, sha256 {digest}')


if __name__ == '__main__':
    run_tool(main)
