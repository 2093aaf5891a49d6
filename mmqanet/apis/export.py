"""From Python: a model and a detector as ONNX files, compared with torch."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from mmqanet.apis.inference import prepare
from mmqanet.apis.inferencer import HumanParsingInferencer
from mmqanet.apis.inputs import find_inputs
from mmqanet.deployment.checks import Agreement, check_detector, compare
from mmqanet.deployment.export import OPSET, export_detector, export_parser, export_person, parser_meta, to_half
from mmqanet.deployment.graphs import DetectorGraph, ParserGraph
from mmqanet.deployment.quantization import to_int8
from mmqanet.errors import InputError
from mmqanet.models import BaseParser
from mmqanet.utils.wording import count_of

#: (largest difference of a probability or IoU score, least share of equal labels) that an export may have, by precision.
LIMITS = dict(float32=(1e-4, 0.999), half=(5e-2, 0.995), int8=(1.0, 0.9))
FEWEST_FOR_INT8 = 8


def export_model(
    model: str | Path | Config | None = None,
    weights: str | Path | None = None,
    *,
    detector: Any = None,
    detector_weights: str | Path | None = None,
    flip: bool | None = None,
    classes: str | None = None,
    half: bool = False,
    calibration: str | Path | None = None,
    opset: int = OPSET,
    photos: Sequence[str | Path] = (),
) -> tuple[dict[str, bytes], dict[str, Any], Agreement]:
    """Export a top-down parser, and a light FCOS where there is one.

    Args:
        model, weights, detector, detector_weights, classes: as of :class:`HumanParsingInferencer`; without model and weights
            those of the package.
        flip: average over the mirror image; ``None`` does what the config says.
        half: weights and features in half precision.
        calibration: a folder of pictures; features are then in 8 bits, in the ranges seen there.
        opset: of ONNX.
        photos: pictures to compare on, as one person each; noise by default.

    Returns:
        The files by name, the content of ``meta.json`` without their hashes, and how well the parser agrees with torch.

    Raises:
        DataError: the export does not agree with torch, or a picture or checkpoint cannot be read.
        InputError: a model cannot be exported, too few pictures to calibrate with, or a package is missing.
    """
    if opset < OPSET:
        raise InputError(f'opset is {opset}, but must be at least {OPSET}')
    inferencer = HumanParsingInferencer(model, weights, 'cpu', detector=detector, detector_weights=detector_weights,
                                        tta=None if flip is None else [1.0] if flip else False, classes=classes)
    parser, finder = inferencer.model, inferencer.detector
    ParserGraph(parser)  # what cannot be exported is refused before the work
    if finder is not None:
        DetectorGraph(getattr(finder, 'model', finder))
    crops = person_crops(parser, photos) if photos else noise(parser)
    content, meta = export_parser(parser, opset=opset)
    files = {'parser.onnx': content, 'person.onnx': export_person(parser, meta, opset=opset)}
    if calibration is not None:
        seen = person_crops(parser, [calibration])
        if len(seen) < FEWEST_FOR_INT8:
            raise InputError(f'int8: {calibration} holds {count_of(len(seen), "picture")}, but {FEWEST_FOR_INT8} are '
                             'needed, better 100')
        files['parser.onnx'] = to_int8(content, seen)
    elif half:
        files = {name: to_half(file) for name, file in files.items()}
    precision = 'half' if half else 'int8' if calibration is not None else 'float32'
    agreement = compare(parser, files, crops)
    most, least = LIMITS[precision]
    agreement.check(most=most, least=least)
    meta = dict(meta, precision=precision, opset=opset, detector=None)
    if finder is not None:
        files['detector.onnx'], meta['detector'] = export_detector(finder, opset=opset)
        check_detector(finder.model, files['detector.onnx'])
    return files, meta, agreement


def person_crops(model: BaseParser, sources: Sequence[str | Path]) -> Tensor:
    """Crops (B, 3, h, w) uint8 of pictures, and of the pictures of folders, as one person each."""
    frames = (frame for item in find_inputs([str(source) for source in sources]) for frame in item.frames())
    crops = [prepare(model, frame)['inputs'] for frame in frames]
    if not crops:
        raise InputError(f'{sources[0]}: holds no pictures')
    return torch.cat(crops)


def noise(model: Any) -> Tensor:
    """Crops (3, 3, h, w) uint8 of coloured patches."""
    width, height = parser_meta(model)['input_size']
    patches = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 3, 12, 9)).astype(np.float32))
    return torch.nn.functional.interpolate(patches, size=(height, width), mode='bilinear').to(torch.uint8)
