"""Whether exported files say what torch says.

    B crops, C classes, h, w size of the network input.
"""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmqanet.deployment.export import DETECTOR_OUTPUTS, require_onnx
from mmqanet.errors import DataError
from mmqanet.functional.geometry import PersonCrop
from mmqanet.functional.pasting import paste_person
from mmqanet.functional.quality import fuse_quality
from mmqanet.models import TopdownParser
from mmqanet.models.detectors.light_fcos import LightFCOS
from mmqanet.utils.wording import count_of


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far an exported parser is from torch's.

    Attributes:
        crops: how many were compared.
        probs: largest difference of a probability.
        labels: share of pixels of the same arg-max class.
        iou: largest difference of an IoU score.
        quality: largest change of a person's quality; NaN where ``person.onnx`` was not compared.
        parts: the same of parts, but for those that gain or lose pixels: one pixel may change the quality of a part of a
            few by any amount, and ``labels`` counts it.
    """

    crops: int
    probs: float
    labels: float
    iou: float
    quality: float
    parts: float

    def check(self, *, most: float, least: float) -> None:
        """Raise ``DataError`` if a difference is above ``most`` or the label agreement below ``least``."""
        compared = [self.probs, self.iou]
        if not np.isnan(self.quality):
            compared += [self.quality, self.parts]
        worst = float(np.max(compared))
        if not (worst <= most and self.labels >= least):
            raise DataError(f'export: it differs from torch by {worst:.2g} (at most {most:g}), with {self.labels:.3%} of '
                            f'the labels the same (at least {least:.1%})')

    def __str__(self) -> str:
        return (f'against torch on {count_of(self.crops, "crop")}: largest difference of a probability {self.probs:.2g}, of '
                f"an IoU score {self.iou:.2g}, of a person's quality {self.quality:.2g}, of a part's {self.parts:.2g}; "
                f'labels {self.labels:.4%} the same')


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
    quality = parts = float('nan')
    if 'person.onnx' in files:
        person = session(files['person.onnx'])
        quality, parts = np.max([_person_differences(model, person, *row) for row in zip(given, *expected)], axis=0)
    return Agreement(
        crops=len(crops), probs=float(np.abs(probs - expected[0]).max()), iou=float(np.abs(iou - expected[1]).max()),
        labels=float((probs.argmax(1) == expected[0].argmax(1)).mean()), quality=float(quality),
        parts=float(parts))


@torch.no_grad()
def check_detector(model: LightFCOS, content: bytes) -> None:
    """Compare ``detector.onnx`` with torch at all places of a picture of noise.

    Raises:
        DataError: a score differs by more than 1e-4 or a side of a box by more than 0.1 pixels.
    """
    height, width = 4 * model.divisor - 5, 3 * model.divisor + 7
    image = torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = session(content).run(
        list(DETECTOR_OUTPUTS), {'image': model.padded(image).numpy(), 'size': np.array([height, width])})
    expected = model.predictions(image.to(model.device))
    boxes, *scores = (float(np.abs(one - other[0].cpu().numpy()).max()) for one, other in zip(found[:3], expected))
    if not (boxes <= 0.1 and max(scores) <= 1e-4):
        raise DataError(f'export: detector.onnx differs from torch by {max(scores):.2g} in scores and {boxes:.2g} pixels in '
                        'boxes (at most 0.0001 and 0.1)')


def _person_differences(model: TopdownParser, network: Any, crop: np.ndarray, probs: np.ndarray,
                        iou: np.ndarray) -> tuple[float, float]:
    """How far ``person.onnx`` is from the quality of one person in an image of twice the crop's size, and from those of the
    parts of as many pixels."""
    height, width = crop.shape[1:]
    window = PersonCrop.from_box([0.2 * width, 0.3 * height, 1.3 * width, 1.6 * height], output_size=(width, height)).window
    shape = 2 * height, 2 * width
    post = model.postprocessor
    person = paste_person([torch.from_numpy(probs)], [window], image_shape=shape, thresholds=[post.pixel_score_thr])
    scores = torch.cat([person.pixel_scores[:1], person.part_pixel_scores[0]])
    box = torch.tensor(0.75)
    expected = fuse_quality(box, torch.tensor(float(iou)), scores, post.quality_weights).numpy()
    (y, x), (rows, columns) = person.offset, person.label_map.shape
    quality, part_qualities, label_map = network.run(['quality', 'part_qualities', 'label_map'], dict(
        crop=crop, window=np.array(window, np.float32), rows=np.arange(y, y + rows), columns=np.arange(x, x + columns),
        box_score=box.numpy()))
    labels = person.label_map.numpy()
    if (label_map == labels).mean() < 0.999:
        raise DataError('export: person.onnx labels other pixels than torch')
    areas, others = (np.bincount(found.ravel(), minlength=len(expected))[1:] for found in (labels, label_map))
    differences = np.where(areas == others, np.abs(part_qualities - expected[1:]), 0)
    return abs(float(quality) - float(expected[0])), float(differences.max())


def _rgb(model: TopdownParser, crops: Tensor) -> np.ndarray:
    """Crops (B, 3, h, w) of the pipeline, which are BGR, as exported models take them."""
    return np.ascontiguousarray(crops.flip(1).numpy())
