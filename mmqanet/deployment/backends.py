"""Other engines for the network of a parser: onnxruntime and OpenVINO on a CPU.

The rest, from crops to people, is the same code for all.
"""
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmqanet.deployment.checks import session
from mmqanet.deployment.export import export_parser, identity, parser_meta, require_onnx
from mmqanet.deployment.graphs import ParserGraph
from mmqanet.deployment.runtime import ELSEWHERE
from mmqanet.errors import DataError, InputError
from mmqanet.models import TopdownParser
from mmqanet.utils.files import read_bytes, write_bytes

BACKENDS = ('torch', 'onnx', 'openvino')
Runner = Callable[[Tensor], tuple[Tensor, Tensor]]


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
    if name not in BACKENDS:
        raise InputError(f'backend is {name!r}, but must be one of {", ".join(BACKENDS)}')
    if name == 'torch':
        if isinstance(model, TopdownParser):
            model.runner = None
        return
    graph = ParserGraph(model)
    if model.data_preprocessor.device.type != 'cpu':
        raise InputError(f'backend {name}: runs on a CPU only, not on {model.data_preprocessor.device}')
    if name == 'onnx' and model.precision != 'float32':
        raise InputError(f'backend onnx: computes in float32, not in {model.precision}')
    make_runner = _onnx_runner if name == 'onnx' else _openvino_runner
    require_onnx('onnx' if name == 'onnx' else 'openvino', extra=name)
    model.runner = make_runner(_cached_export(model, graph, cache or _cache_folder()), model)


def _cache_folder() -> Path:
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache', 'mmqanet', 'onnx')


def _cached_export(model: TopdownParser, graph: ParserGraph, folder: Path) -> bytes:
    """``parser.onnx`` of a model: out of the cache, or exported into it, if it can be written to."""
    name = identity(graph, parser_meta(model))
    path = folder / f'{name}.onnx'
    try:
        content = read_bytes(path)
        if name.encode() in content and ELSEWHERE not in content:  # the name stands at the end: the file is whole
            return content
    except DataError:  # it is not there, or cannot be read
        pass
    content, _ = export_parser(model)
    with suppress(DataError):  # a home that cannot be written to
        write_bytes(path, content)
    return content


def _onnx_runner(content: bytes, model: TopdownParser) -> Runner:
    network = session(content)
    return lambda crops: _as_tensors(*network.run(['probs', 'iou'], {'crops': _rgb(crops)}))


def _openvino_runner(content: bytes, model: TopdownParser) -> Runner:
    openvino: Any
    openvino, = require_onnx('openvino', extra='openvino')
    core = openvino.Core()
    options = {'INFERENCE_PRECISION_HINT': 'bf16' if model.precision == 'bfloat16' else 'f32',
               'INFERENCE_NUM_THREADS': torch.get_num_threads()}
    compiled: dict[int, Any] = {}  # by the number of crops, as fixed shapes are faster

    def run(crops: Tensor) -> tuple[Tensor, Tensor]:
        if len(crops) not in compiled:
            network = core.read_model(content, b'')
            network.reshape([len(crops), *crops.shape[1:]])
            compiled[len(crops)] = core.compile_model(network, 'CPU', options)
        found = compiled[len(crops)](_rgb(crops))
        return _as_tensors(np.array(found['probs'], np.float32), np.array(found['iou'], np.float32))

    return run


def _rgb(crops: Tensor) -> np.ndarray:
    """uint8 crops (B, 3, h, w) of the pipeline, which are BGR, as an exported model takes them."""
    return np.ascontiguousarray(crops.flip(1).numpy())


def _as_tensors(probs: np.ndarray, iou: np.ndarray) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(probs), torch.from_numpy(iou)
