"""Lovász-Softmax from logits, forward and backward: mmseg's LovaszLoss beside mmqanet's, with how far they differ.

    python benchmarks/lovasz.py [--images 2] [--classes 20] [--height 512] [--width 384] [--repeats 7]

Labels are smooth blobs. Two cases: every class present in every image, and eight of them, as in a photo of a person.
Both losses leave absent classes out. The two take turns; the figure is the median lap. Runs on the GPU as well where
there is one.
"""
import argparse
import statistics
import time
from collections.abc import Callable

import torch
from common import header
from mmseg.models.losses import LovaszLoss
from torch import Tensor
from torch.nn import functional as F

from mmqanet.models.losses import LovaszSoftmaxLoss


def make_case(args: argparse.Namespace, present: int, device: str) -> tuple[Tensor, Tensor]:
    """Logits (B, C, H, W) and labels (B, H, W) with about ``present`` classes an image."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(args.images, present, args.height // 32, args.width // 32, generator=generator)
    labels = F.interpolate(coarse, size=(args.height, args.width), mode='bilinear').argmax(dim=1)
    logits = 2 * torch.randn(args.images, args.classes, args.height, args.width, generator=generator)
    logits += 4 * F.one_hot(labels, args.classes).permute(0, 3, 1, 2)
    return logits.to(device), labels.to(device)


def lap(loss: Callable, logits: Tensor, labels: Tensor) -> tuple[float, float, Tensor]:
    """Seconds of a forward and backward pass, the value and the gradient."""
    logits = logits.detach().requires_grad_()
    if logits.is_cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    value = loss(logits, labels)
    value.backward()
    if logits.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start, value.item(), logits.grad


def compare(args: argparse.Namespace, present: int, device: str) -> None:
    """Print one case on one device."""
    logits, labels = make_case(args, present, device)
    losses = {'mmseg': LovaszLoss(per_image=True, reduction='mean'), 'mmqanet': LovaszSoftmaxLoss()}
    laps: dict[str, list[float]] = {name: [] for name in losses}
    results = {name: lap(loss, logits, labels)[1:] for name, loss in losses.items()}  # and warms up
    for _ in range(args.repeats):
        for name, loss in losses.items():
            laps[name].append(lap(loss, logits, labels)[0])
    median = {name: statistics.median(times) for name, times in laps.items()}
    (theirs, their_grad), (ours, our_grad) = results['mmseg'], results['mmqanet']
    difference = (our_grad - their_grad).abs().max() / their_grad.abs().max()
    print(f'{device:5}{present:3} of {args.classes} classes present   mmseg {1e3 * median["mmseg"]:8.1f} ms   '
          f'mmqanet {1e3 * median["mmqanet"]:8.1f} ms   {median["mmseg"] / median["mmqanet"]:5.1f} times as fast   '
          f'value {ours:.6f}, differs by {abs(ours - theirs):.1e}; gradient by {difference:.1e} of its largest')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (('images', 2), ('classes', 20), ('height', 512), ('width', 384), ('repeats', 7)):
        parser.add_argument(f'--{name}', type=int, default=default)
    args = parser.parse_args()
    print(header(f'Lovász-Softmax, {args.images} images of {args.height}x{args.width}, forward and backward'))
    for device in ('cpu', 'cuda') if torch.cuda.is_available() else ('cpu',):
        for present in (args.classes, min(8, args.classes)):
            compare(args, present, device)


if __name__ == '__main__':
    main()
