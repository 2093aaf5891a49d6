"""Whether exported files say what torch says.

    B crops, C classes, h, w size of the network input.
"""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmqanet.deployment.export import require_onnx
from mmqanet.errors import DataError
from mmqanet.functional.geometry import PersonCrop
from mmqanet.functional.pasting import paste_person
from mmqanet.functional.quality import fuse_quality
from mmqanet.models import TopdownParser


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far an exported parser is from torch's.

    Attributes:
        crops: how many were compared.
        probs: largest difference of a probability.
        labels: share of pixels of the same arg-max class.
        iou: largest difference of an IoU score.
        quality: largest change of a person's quality; NaN where ``person.onnx`` was not compared.
    """

    crops: int
    probs: float
    labels: float
    iou: float
    quality: float

    def check(self, *, most: float, least: float) -> None:
        """Raise ``DataError`` if a difference is above ``most`` or the label agreement below ``least``."""
        worst = max(self.probs, self.iou)
        if not (worst <= most and self.labels >= least):
            raise DataError(f'export: it differs from torch by {worst:.2g} (at most {most:g}), with {self.labels:.3%} of '
                            f'the labels the same (at least {least:.1%})')

    def __str__(self) -> str:
        return (f'against torch on {self.crops} crops: largest difference of a probability {self.probs:.2g}, of an IoU '
                f'score {self.iou:.2g}, of a quality {self.quality:.2g}; labels {self.labels:.4%} the same')


def session(content: bytes) -> Any:
    """A session of onnxruntime on one thread of the CPU."""
    onnxruntime, = require_onnx('onnxruntime')
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    return onnxruntime.InferenceSession(content, options, providers=['CPUExecutionProvider'])


@torch.no_grad()
def compare(model: TopdownParser, files: Mapping[str, bytes], crops: Tensor) -> Agreement:
    """Run both on uint8 crops (B, 3, h, w) as the pipeline makes them, at several batch sizes, none among them."""
    names = 'probs', 'iou'
    network = session(files['parser.onnx'])
    given = _rgb(model, crops)
    predictions = model.forward_crops([crops], flip_pairs=model.dataset_meta['flip_pairs'])
    expected = [torch.stack(part).numpy() for part in zip(*predictions)]
    found = [network.run(names, {'crops': chunk}) for chunk in (given[:0], given[:1], given[1:])]
    probs, iou = (np.concatenate(parts) for parts in zip(*found))
    quality = float('nan')
    if 'person.onnx' in files:
        person = session(files['person.onnx'])
        quality = max(_person_difference(model, person, *row) for row in zip(given, *expected))
    return Agreement(
        crops=len(crops), probs=float(np.abs(probs - expected[0]).max()), iou=float(np.abs(iou - expected[1]).max()),
        labels=float((probs.argmax(1) == expected[0].argmax(1)).mean()), quality=quality)


def _person_difference(model: TopdownParser, network: Any, crop: np.ndarray, probs: np.ndarray, iou: np.ndarray) -> float:
    """How far ``person.onnx`` is from the quality of one person in an image of twice the crop's size."""
    height, width = crop.shape[1:]
    window = PersonCrop.from_box([0.2 * width, 0.3 * height, 1.3 * width, 1.6 * height], output_size=(width, height)).window
    shape = 2 * height, 2 * width
    post = model.postprocessor
    person = paste_person([torch.from_numpy(probs)], [window], image_shape=shape, thresholds=[post.pixel_score_thr])
    expected = fuse_quality(torch.tensor(0.75), torch.tensor(float(iou)), person.pixel_scores[0], post.quality_weights)
    (y, x), (rows, columns) = person.offset, person.label_map.shape
    quality, label_map = network.run(['quality', 'label_map'], dict(
        crop=crop, window=np.array(window, np.float32), rows=np.arange(y, y + rows), columns=np.arange(x, x + columns),
        box_score=np.array(0.75, np.float32)))
    if (label_map == person.label_map.numpy()).mean() < 0.999:
        raise DataError('export: person.onnx labels other pixels than torch')
    return abs(float(quality) - float(expected))


def _rgb(model: TopdownParser, crops: Tensor) -> np.ndarray:
    """Crops (B, 3, h, w) of the pipeline, which are BGR, as exported models take them."""
    return np.ascontiguousarray(crops.flip(1).numpy())
