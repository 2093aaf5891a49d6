"""EfficientNet-Lite0 with its batch norms in the weights of the convolutions, beside norms that pass over the feature maps.

    python benchmarks/efficientnet.py [--images 1] [--height 320] [--width 416] [--repeats 9]

Forward alone, and forward and backward as training with fixed statistics does. The two take turns; the figure is the median
lap in processor time.
"""
import argparse
import statistics
import time

import torch
from common import header
from mmcv.cnn import ConvModule
from torch import Tensor

from mmqanet.models.backbones.efficientnet_lite import EfficientNetLite0
from mmqanet.models.folded_conv import FoldedConvModule


def make_net(*, folded: bool) -> EfficientNetLite0:
    torch.manual_seed(0)
    net = EfficientNetLite0(out_indices=(1, 2, 3), frozen_stages=1, norm_eval=True, channels_last=True)
    if not folded:
        for module in net.modules():
            if isinstance(module, FoldedConvModule):
                module.__class__ = ConvModule
    return net.train()


def lap(net: EfficientNetLite0, images: Tensor, *, backward: bool) -> float:
    """Seconds of processor time."""
    start = time.process_time()
    with torch.set_grad_enabled(backward):
        total = sum(level.mean() for level in net(images))
        if backward:
            total.backward()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (('images', 1), ('height', 320), ('width', 416), ('repeats', 9)):
        parser.add_argument(f'--{name}', type=int, default=default)
    args = parser.parse_args()
    print(header(f'EfficientNet-Lite0, {args.images} images of {args.height}x{args.width}'))
    images = torch.randn(args.images, 3, args.height, args.width)
    nets = {'norms of their own': make_net(folded=False), 'in the weights': make_net(folded=True)}
    with torch.no_grad():
        first, second = (net(images) for net in nets.values())
    difference = max(((one - other).abs().max() / one.abs().max()).item() for one, other in zip(first, second))
    for title, backward in (('forward', False), ('forward and backward', True)):
        laps: dict[str, list[float]] = {name: [] for name in nets}
        for _ in range(args.repeats):
            for name, net in nets.items():
                laps[name].append(lap(net, images, backward=backward))
        median = {name: statistics.median(times) for name, times in laps.items()}
        own, folded = median.values()
        print(f'{title:22}' + ''.join(f'{name} {1e3 * value:7.1f} ms   ' for name, value in median.items())
              + f'{own / folded:.2f} times as fast')
    print(f'features differ by {difference:.1e} of their largest')


if __name__ == '__main__':
    main()
