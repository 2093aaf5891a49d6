"""Quality-aware heads beside mmdet's own: what the scores of 100 masks of a 1333x800 image cost in time and memory.

    python benchmarks/mask_quality.py [--models mask-rcnn solov2 ...] [--repeats 5] [--height 800] [--width 1333]

Untrained models of mmdet's configs, with thresholds that leave 100 detections. A model tests one image; what its head then
gets is kept, and both heads post-process it in turn. Times are of the processor, which other programs do not lengthen;
figures are medians. Memory is the peak of the resident set while a head works, over what it held before.
"""
import argparse
import copy
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from common import header
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.hub import get_config
from mmengine.registry import MODELS, DefaultScope
from torch.nn import functional as F

from mmqanet.models.on_mmdet import quality_aware

#: Config, where the head sits in the model, its method that makes masks.
MODELS_OF_MMDET = {
    'mask-rcnn': ('mask_rcnn/mask-rcnn_r50_fpn_1x_coco', 'roi_head.mask_head', 'predict_by_feat'),
    'solov2': ('solov2/solov2_r50_fpn_1x_coco', 'mask_head', 'predict_by_feat'),
    'condinst': ('condinst/condinst_r50_fpn_ms-poly-90k_coco_instance', 'mask_head', 'predict_by_feat'),
    'rtmdet-ins': ('rtmdet/rtmdet-ins_tiny_8xb32-300e_coco', 'bbox_head', 'predict_by_feat'),
    'yolact': ('yolact/yolact_r50_1xb8-55e_coco', 'mask_head', 'predict_by_feat'),
    'mask2former': ('mask2former/mask2former_r50_8xb2-lsj-50e_coco', 'panoptic_fusion_head', 'predict'),
}
SETTINGS = dict(score_thr=0.0, filter_thr=0.0, max_per_img=100, max_per_image=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--models', nargs='+', choices=MODELS_OF_MMDET, default=list(MODELS_OF_MMDET))
    for name, default in (('repeats', 5), ('height', 800), ('width', 1333)):
        parser.add_argument(f'--{name}', type=int, default=default)
    args = parser.parse_args()
    print(header(f'Quality-aware heads, 100 masks of {args.width}x{args.height}, batch of one'))
    for name in args.models:
        compare(name, args)


def compare(name: str, args: argparse.Namespace) -> None:
    """Print one model's line."""
    config, place, method = MODELS_OF_MMDET[name]
    cfg = get_config(f'mmdet::{config}.py').model
    easily_satisfied(cfg)
    model = build(cfg)
    if name == 'solov2':
        cfg.test_cfg.score_thr = leave_candidates(model, args)
        model.mask_head.test_cfg.score_thr = cfg.test_cfg.score_thr
    heads = {'mmdet': model.get_submodule(place), 'mmqanet': build(quality_aware(cfg)).get_submodule(place)}
    seconds, arguments = test_once(model, heads['mmdet'], method, args)
    laps: dict[str, list[float]] = {kind: [] for kind in heads}
    peaks: dict[str, list[float]] = {kind: [] for kind in heads}
    for lap in range(args.repeats + 1):
        for kind, head in heads.items():
            used, peak, found = post_process(getattr(head, method), arguments)
            if lap:  # the first warms up
                laps[kind].append(used)
                peaks[kind].append(peak)
    before, after = (statistics.median(laps[kind]) for kind in heads)
    low, high = (statistics.median(peaks[kind]) for kind in heads)
    print(f'{name:12}{found:4} masks   test {seconds:6.2f} s   masks {before:6.3f} s, with scores {after:6.3f} s: '
          f'{100 * (after - before) / seconds:+5.2f} % of the test   peak {low:6.0f} MiB, with scores {high:6.0f} MiB')


def easily_satisfied(cfg: ConfigDict) -> None:
    """Let the model find 100 instances, without pre-trained weights, in place."""
    cfg.backbone.init_cfg = None

    def set_all(node: dict) -> None:
        for key, value in node.items():
            if key in SETTINGS:
                node[key] = SETTINGS[key]
            elif isinstance(value, dict):
                set_all(value)

    set_all(cfg.test_cfg)


def build(cfg: ConfigDict) -> torch.nn.Module:
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(cfg).eval()


def leave_candidates(model: torch.nn.Module, args: argparse.Namespace, number: int = 300) -> float:
    """The score threshold that leaves SOLOv2 so many candidates in the image."""
    inputs, _ = batch(args)
    with torch.no_grad():
        scores = [scores.sigmoid() for scores in model.mask_head(model.extract_feat(inputs))[1]]
        peaks = [score * (F.max_pool2d(score, 2, stride=1, padding=1)[:, :, :-1, :-1] == score) for score in scores]
    return float(torch.cat([peak.flatten() for peak in peaks]).topk(number + 1).values[-1])


def batch(args: argparse.Namespace) -> tuple[torch.Tensor, list[DetDataSample]]:
    """An image of noise, padded to multiples of 32."""
    height, width = args.height, args.width
    padded = -(-height // 32) * 32, -(-width // 32) * 32
    coarse = torch.randn(1, 3, padded[0] // 16, padded[1] // 16, generator=torch.Generator().manual_seed(0))
    meta = dict(img_shape=(height, width), ori_shape=(height, width), scale_factor=(1.0, 1.0), batch_input_shape=padded,
                pad_shape=padded)
    return F.interpolate(coarse, size=padded, mode='bilinear'), [DetDataSample(metainfo=meta)]


def test_once(model: torch.nn.Module, head: torch.nn.Module, method: str, args: argparse.Namespace) -> tuple[float, Any]:
    """Seconds of a test of one image, the second, and what its head was called with."""
    original: Callable = getattr(head, method)
    kept: dict[str, Any] = {}

    def keep(*positional: Any, **named: Any) -> Any:
        kept['arguments'] = copy.deepcopy((positional, named))
        return original(*positional, **named)

    inputs, samples = batch(args)
    with torch.no_grad():
        setattr(head, method, keep)
        model.predict(inputs, samples, rescale=True)
        setattr(head, method, original)
        start = time.process_time()
        model.predict(inputs, samples, rescale=True)
    return time.process_time() - start, kept['arguments']


def post_process(method: Callable, arguments: Any) -> tuple[float, float, int]:
    """Seconds, MiB of peak memory and number of masks of one call."""
    positional, named = copy.deepcopy(arguments)
    Path('/proc/self/clear_refs').write_text('5')  # the peak starts anew
    held = resident('VmRSS')
    start = time.process_time()
    with torch.no_grad():
        result, = method(*positional, **named)
    seconds, peak = time.process_time() - start, resident('VmHWM') - held
    instances = result['ins_results'] if isinstance(result, dict) else result
    return seconds, peak, len(instances.masks)


def resident(field: str) -> float:
    """MiB of a line of /proc/self/status."""
    line = next(line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


if __name__ == '__main__':
    main()
