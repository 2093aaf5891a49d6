#!/usr/bin/env python
"""Average the weights of networks of one config: before and after a training, or of several trainings ("model soup").

    python tools/model_converters/average_checkpoints.py BEFORE.pth AFTER.pth AVERAGE.pth --share 0.3
    python tools/model_converters/average_checkpoints.py ONE.pth TWO.pth THREE.pth AVERAGE.pth

What a network learnt anew costs it some of what it knew; between the two sets of weights lie networks that have most of both
(Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022). Networks that were trained from one start with other
settings lie close enough to each other for the mean of their weights to parse better than each, at the cost of one of them
(Wortsman et al., "Model soups", ICML 2022); networks from different starts do not. Config, classes and all else are those of
the last checkpoint. Nothing in a checkpoint is executed.
"""
import argparse
from collections.abc import Sequence

import torch
from torch import Tensor

from mmqanet.checkpoints.loading import check_state, load_checkpoint_file
from mmqanet.checkpoints.publishing import write_checkpoint
from mmqanet.engine.launch import run_tool
from mmqanet.errors import DataError, InputError
from mmqanet.utils.wording import count_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoints', nargs='+', metavar='CKPT', help='two or more checkpoints of one config')
    parser.add_argument('out', help='checkpoint to write')
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument('--share', type=float, metavar='S', help='of two: weight of the second, in [0, 1]')
    weights.add_argument('--weights', type=float, nargs='+', metavar='W', help='of each checkpoint (default: all alike)')
    args = parser.parse_args()
    shares = shares_of(args)
    contents = [load_checkpoint_file(path) for path in args.checkpoints]
    states = [content.get('state_dict', content) for content in contents]
    check_alike(states, args.checkpoints)
    averaged = {name: mean([state[name] for state in states], shares) for name in states[-1]}
    content = dict(state_dict=averaged, meta=contents[-1].get('meta', {}))
    print(write_checkpoint(content, args.out, given=args.checkpoints), args.out)


def shares_of(args: argparse.Namespace) -> list[float]:
    """What share of the mean each checkpoint has."""
    number = len(args.checkpoints)
    if number < 2:
        raise InputError(f'{args.checkpoints[0]}: an average needs two checkpoints or more, besides the one to write')
    if args.share is not None:
        if number != 2 or not 0 <= args.share <= 1:
            raise InputError(f'--share is {args.share}, but must lie in [0, 1], and is for two checkpoints, not {number}')
        return [1 - args.share, args.share]
    weights = args.weights or [1.0] * number
    if len(weights) != number or not all(0 <= weight < float('inf') for weight in weights) or not sum(weights):
        raise InputError(f'--weights: {weights} for {count_of(number, "checkpoint")}; each needs one, none '
                         'negative and not all 0')
    return [weight / sum(weights) for weight in weights]


def check_alike(states: Sequence[dict[str, Tensor]], paths: Sequence[str]) -> None:
    """Raise ``DataError`` unless all checkpoints have the weights of the last one, in names and shapes."""
    for state, path in zip(states, paths):
        check_state(state, path)
    last = states[-1]
    for state, path in zip(states, paths):
        for name in [*last, *state]:
            if name not in last or name not in state or state[name].shape != last[name].shape:
                raise DataError(f'{path}: {name} is missing or has another shape than in {paths[-1]}')


def mean(tensors: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """The weighted mean of weights; the last one of counts."""
    last = tensors[-1]
    if not last.is_floating_point():
        return last
    total = torch.zeros(last.shape, dtype=torch.float64)
    for tensor, share in zip(tensors, shares):
        total += share * tensor.double()
    return total.to(last.dtype)


if __name__ == '__main__':
    run_tool(main)
