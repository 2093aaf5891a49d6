#!/usr/bin/env python
"""Make a person detector out of an FCOS that mmdet trained on COCO.

    python tools/model_converters/keep_person.py fcos_r50_caffe_fpn_gn-head_1x_coco.pth data/pretrained/fcos_r50_person.pth
    python tools/test.py configs/detection/fcos_r50_coco-person.py data/pretrained/fcos_r50_person.pth

The classification layer keeps the output for people, everything else stays. DST.sha256 holds the hash of the result.
"""
import argparse
from pathlib import Path

from mmqanet.checkpoints.conversion.person_weights import keep_person
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.publishing import self_contained, write_checkpoint
from mmqanet.engine.config import require_mmdet
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError


def class_names(content: dict) -> tuple[str, ...]:
    """The classes a checkpoint of mmdet, 2.x or 3.x, says it has; COCO's where it says nothing."""
    meta = content.get('meta') or {}
    names = (meta.get('dataset_meta') or {}).get('classes') or meta.get('CLASSES')
    if not names:
        require_mmdet()
        from mmdet.datasets import CocoDataset
        names = CocoDataset.METAINFO['classes']
    return (names,) if isinstance(names, str) else tuple(names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, metavar='SRC', help='checkpoint of an FCOS of mmdet')
    parser.add_argument('target', type=Path, metavar='DST', help='file to write')
    args = parser.parse_args()
    content = load_checkpoint_file(args.source)
    try:
        state = keep_person(content.get('state_dict', content), class_names(content))
    except DataError as error:
        raise DataError(f'{args.source}: {error}') from None
    digest = write_checkpoint(
        self_contained(state, cfg=None, dataset_meta=dict(classes=('person',)), source=args.source), args.target,
        given=[args.source])
    print(f'{len(state)} tensors written to {args.target}, sha256 {digest}')


if __name__ == '__main__':
    run_tool(main)
