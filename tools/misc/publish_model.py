#!/usr/bin/env python
"""Make a checkpoint of tools/train.py fit to hand on: weights, classes and config in one file, nothing of the training.

    python tools/misc/publish_model.py work_dirs/ccp/epoch_30.pth qanet_ccp.pth --half
    python tools/misc/publish_model.py work_dirs/ccp/epoch_30.pth qanet_ccp.safetensors

A DST that ends in .safetensors is written in that format, which cannot hold code. DST.sha256 holds the hash of the result.
"""
import argparse
from pathlib import Path

from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.publishing import publish, write_checkpoint
from mmqanet.engine.launch import run_tool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, metavar='SRC', help='checkpoint, as tools/train.py writes them')
    parser.add_argument('target', type=Path, metavar='DST', help='file to write')
    parser.add_argument('--half', action='store_true', help='store the weights in half precision: half the size')
    args = parser.parse_args()
    content = publish(load_checkpoint_file(args.source), source=args.source, half=args.half)
    digest = write_checkpoint(content, args.target, given=[args.source])
    print(f'{len(content["state_dict"])} tensors written to {args.target}, sha256 {digest}')


if __name__ == '__main__':
    run_tool(main)
