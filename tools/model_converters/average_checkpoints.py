#!/usr/bin/env python
"""Average the weights of a network before and after it was trained on.

    python tools/model_converters/average_checkpoints.py BEFORE.pth AFTER.pth AVERAGE.pth --share 0.3

What a network learnt anew costs it some of what it knew; between the two sets of weights lie networks that have most of both
(Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022). Config, classes and all else are those of AFTER.pth.
"""
import argparse

import torch

from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.publishing import write_checkpoint
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError, InputError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('before', help='checkpoint that the training started from')
    parser.add_argument('after', help='checkpoint that it ended with')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--share', type=float, required=True, metavar='S', help='weight of AFTER, in [0, 1]')
    args = parser.parse_args()
    if not 0 <= args.share <= 1:
        raise InputError(f'--share is {args.share}, but must lie in [0, 1]')
    before, after = (load_checkpoint_file(path) for path in (args.before, args.after))
    old, new = (content.get('state_dict', content) for content in (before, after))
    for name, weight in new.items():
        if name not in old or old[name].shape != weight.shape:
            raise DataError(f'{args.before}: {name} is missing or has another shape than in {args.after}')
    averaged = {name: _between(old[name], weight, args.share) for name, weight in new.items()}
    content = dict(state_dict=averaged, meta=after.get('meta', {}))
    digest = write_checkpoint(content, args.out, given=[args.before, args.after])
    print(digest, args.out)


def _between(old: torch.Tensor, new: torch.Tensor, share: float) -> torch.Tensor:
    """(1 - share) · old + share · new of weights; the new one of counts."""
    return torch.lerp(old.float(), new.float(), share).to(new.dtype) if new.is_floating_point() else new


if __name__ == '__main__':
    run_tool(main)
