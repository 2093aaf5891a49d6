"""Other engines for the networks of a parser and of a light detector: onnxruntime and OpenVINO on a CPU.

The rest, from boxes to crops to people, is the same code for all.
"""
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmqanet.deployment.checks import session
from mmqanet.deployment.export import (
    DETECTOR_OUTPUTS,
    PARSER_OUTPUTS,
    detector_meta,
    export_detector,
    export_parser,
    identity,
    parser_meta,
    require_onnx,
)
from mmqanet.deployment.graphs import DetectorGraph, ParserGraph
from mmqanet.deployment.runtime import ELSEWHERE
from mmqanet.errors import DataError, InputError
from mmqanet.models import TopdownParser
from mmqanet.models.detectors.light_fcos import LightFCOS
from mmqanet.utils.files import read_bytes, write_bytes

BACKENDS = ('torch', 'onnx', 'openvino')
Engine = Callable[[Mapping[str, np.ndarray]], list[Tensor]]  # inputs by name → outputs in the order that was asked for


def use_backend(model: Any, name: str, *, cache: Path | None = None) -> None:
    """Let another engine compute the predictions of a parser.

    The network is exported at the first time and kept, by a digest of its weights and settings.

    Args:
        model: a top-down parser on the CPU, as ``init_model`` gives it.
        name: ``'torch'``, ``'onnx'`` or ``'openvino'``.
        cache: folder of the exports; ``mmqanet/onnx`` in the user's cache by default.

    Raises:
        InputError: an unknown backend, another kind of parser, a device or precision that the backend does not have, or its
            package is missing.
    """
    _check_name(name)
    if name == 'torch':
        if isinstance(model, TopdownParser):
            model.runner = None
        return
    graph = ParserGraph(model)
    _check_device(name, model.data_preprocessor.device)
    if name == 'onnx' and model.precision != 'float32':
        raise InputError(f'backend onnx: computes in float32, not in {model.precision}')
    _require(name)
    start = partial(start_engine, name, outputs=PARSER_OUTPUTS, precision=model.precision, fixed_shapes=True)
    model.runner = crop_runner(_engine(start, identity(graph, parser_meta(model)), lambda: export_parser(model)[0], cache))


def use_detector_backend(detector: Any, name: str, *, cache: Path | None = None,
                         tell: Callable[[str], None] = warnings.warn) -> None:
    """Let another engine compute the network of a person detector, in float32, so that it finds the same boxes.

    The network is exported and kept as in :func:`use_backend`. A detector that cannot be exported stays with torch, and
    ``tell`` is called with a line that says so.

    Args:
        detector: a ``PersonDetector`` on the CPU; an object of another class is left alone.
        name, cache: as in :func:`use_backend`.
        tell: takes a remark.

    Raises:
        InputError: an unknown backend, a device that the backend does not have, or its package is missing.
    """
    _check_name(name)
    model = getattr(detector, 'model', None)
    if not isinstance(model, LightFCOS):
        if name != 'torch' and isinstance(model, nn.Module):
            tell(f'backend {name}: a {type(model).__name__} cannot be exported, so the detector runs in torch')
        return
    if name == 'torch':
        model.runner = None
        return
    _check_device(name, model.device)
    _require(name)
    start = partial(start_engine, name, outputs=DETECTOR_OUTPUTS, precision='float32', fixed_shapes=False)
    name_of_file = identity(DetectorGraph(model), detector_meta(detector))
    engine = _engine(start, name_of_file, lambda: export_detector(detector)[0], cache)

    def run(image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        given = {'image': model.padded(image[None]).numpy(), 'size': np.array(image.shape[-2:])}
        boxes, classness, centerness, levels = engine(given)
        return boxes, classness, centerness, levels

    model.runner = run


def crop_runner(engine: Engine) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """The ``runner`` of a parser whose ``parser.onnx`` an engine runs."""
    def run(crops: Tensor) -> tuple[Tensor, Tensor]:
        probs, iou = engine({'crops': np.ascontiguousarray(crops.flip(1).numpy())})  # BGR in the pipeline
        return probs, iou

    return run


def _check_name(name: str) -> None:
    if name not in BACKENDS:
        raise InputError(f'backend is {name!r}, but must be one of {", ".join(BACKENDS)}')


def _check_device(name: str, device: torch.device) -> None:
    if device.type != 'cpu':
        raise InputError(f'backend {name}: runs on a CPU only, not on {device}')


def _require(name: str) -> None:
    require_onnx('onnx' if name == 'onnx' else 'openvino', extra=name)


def _engine(start: Callable[[bytes], Engine], name: str, export: Callable[[], bytes], folder: Path | None) -> Engine:
    """An engine that runs the file called ``name`` of the cache, or what is exported, and then kept if it can be."""
    folder = folder or _cache_folder()
    if folder is None:
        return start(export())
    path = folder / f'{name}.onnx'
    with suppress(Exception):  # it is not there, cannot be read, or is damaged, of which engines complain in many ways
        content = read_bytes(path)
        if name.encode() in content and ELSEWHERE not in content:  # the name stands at the end: the file is whole
            return start(content)
    content = export()
    with suppress(DataError):  # a folder that cannot be written to, or is full
        write_bytes(path, content)
    return start(content)


def _cache_folder() -> Path | None:
    """``mmqanet/onnx`` in the user's cache; ``None`` for a user without a home."""
    try:
        return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache', 'mmqanet', 'onnx')
    except RuntimeError:
        return None


def start_engine(name: str, content: bytes, *, outputs: tuple[str, ...], precision: str = 'float32',
                 fixed_shapes: bool = False) -> Engine:
    """What runs a file. ``fixed_shapes``: few shapes are to come, and to prepare the network for each pays."""
    if name == 'openvino':
        return _OpenVino(content, outputs, precision=precision, fixed_shapes=fixed_shapes)
    network = session(content)
    return lambda given: [torch.from_numpy(array) for array in network.run(outputs, given)]


class _OpenVino:
    """A network in OpenVINO. Threads may share it, and wait for each other."""

    def __init__(self, content: bytes, outputs: tuple[str, ...], *, precision: str, fixed_shapes: bool) -> None:
        openvino: Any
        openvino, = require_onnx('openvino', extra='openvino')
        self.core, self.content, self.outputs, self.fixed_shapes = openvino.Core(), content, outputs, fixed_shapes
        self.core.read_model(content, b'')  # a damaged file is known at once
        self.options = {'INFERENCE_PRECISION_HINT': 'bf16' if precision == 'bfloat16' else 'f32',
                        'INFERENCE_NUM_THREADS': torch.get_num_threads()}
        self.compiled: dict[Any, Any] = {}
        self.lock = Lock()

    def __call__(self, given: Mapping[str, np.ndarray]) -> list[Tensor]:
        with self.lock:
            found = self._network(given)(dict(given))
            return [torch.from_numpy(np.array(found[name])) for name in self.outputs]  # a copy: the next call overwrites it

    def _network(self, given: Mapping[str, np.ndarray]) -> Any:
        key = tuple(array.shape for array in given.values()) if self.fixed_shapes else None
        if key not in self.compiled:
            network = self.core.read_model(self.content, b'')
            if self.fixed_shapes:
                network.reshape({name: list(array.shape) for name, array in given.items()})
            self.compiled[key] = self.core.compile_model(network, 'CPU', self.options)
        return self.compiled[key]
