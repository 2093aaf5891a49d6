"""Writing models as ONNX files that describe themselves."""
import hashlib
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmqanet.datasets.transforms.crop import BoxesToCrops, TileLargePeople, WarpCrops
from mmqanet.deployment import runtime
from mmqanet.deployment.graphs import DetectorGraph, ParserGraph, PersonGraph
from mmqanet.errors import InputError
from mmqanet.models import TopdownParser
from mmqanet.utils.files import read_bytes, remove_file, write_bytes
from mmqanet.version import __version__

OPSET = 18  # TensorRT computes GridSample of later ones wrongly, and Resize of earlier ones lacks what is needed
PARSER_OUTPUTS = ('probs', 'iou')
PERSON_INPUTS = ('crop', 'window', 'rows', 'columns', 'box_score')
PERSON_OUTPUTS = ('label_map', 'iou', 'pixel_score', 'part_pixel_scores', 'quality', 'part_qualities')
DETECTOR_OUTPUTS = ('boxes', 'classness', 'centerness', 'levels')
FILES = ('README.md', 'meta.json', 'runtime.py', 'parser.onnx', 'person.onnx', 'detector.onnx')
HALF_KEEPS = ('Softmax', 'ReduceSum', 'ReduceMean', 'Pow', 'Resize')  # sums and powers stay in float32


def require_onnx(*names: str, extra: str = 'onnx') -> list[Any]:
    """Packages of an extra, imported.

    Raises:
        InputError: one is missing.
    """
    try:
        return [import_module(name) for name in names]
    except ImportError as error:
        raise InputError(f"the package {error.name} is missing: pip install 'mmqanet[{extra}]'") from None


def parser_meta(model: TopdownParser) -> dict[str, Any]:
    """What ``meta.json`` says of a parser."""
    pipeline: Any = model.pipeline
    steps: dict[type, Any] = {type(step): step for step in pipeline.transforms}
    crops = steps.get(BoxesToCrops)
    if crops is None or tuple(crops.scales) != (1.0,) or TileLargePeople in steps:
        raise InputError('export: the pipeline must cut one crop of a person (no multi-scale testing, no tiles)')
    post = model.postprocessor
    return dict(
        mmqanet=__version__, classes=list(model.dataset_meta['classes']),
        palette=[list(map(int, colour)) for colour in model.dataset_meta['palette']],
        flip_pairs=[list(map(int, pair)) for pair in model.dataset_meta['flip_pairs']], input_size=list(crops.input_size),
        padding=crops.padding, sampler=steps[WarpCrops].sampler, channel_order='rgb', flip=model.flip_test,
        quality_weights=list(post.quality_weights), pixel_score_thr=post.pixel_score_thr, min_region=post.min_region,
        bbox_score_thr=post.bbox_score_thr, nms_iou_thr=post.nms_iou_thr, instance_score_thr=post.instance_score_thr,
        calibration=replace(post.calibration, merges=()).to_config() if post.calibration else None)


def detector_meta(detector: Any) -> dict[str, Any]:
    """What ``meta.json`` says of a ``PersonDetector`` with a light FCOS."""
    test = detector.model.test_cfg
    return dict(
        mmqanet=__version__, scale=list(detector.pipeline.transforms[0].scale), divisor=detector.model.divisor,
        nms_pre=test['nms_pre'], candidate_thr=test['score_thr'], min_bbox_size=test['min_bbox_size'],
        iou_threshold=test['nms']['iou_threshold'], max_per_img=test['max_per_img'], score_thr=detector.score_thr,
        max_people=detector.max_people)


def identity(graph: nn.Module, meta: Mapping[str, Any]) -> str:
    """A digest of weights and settings, by which a file and its meta file know each other."""
    digest = hashlib.sha256(json.dumps(meta, sort_keys=True).encode())
    for key, tensor in graph.state_dict().items():
        digest.update(key.encode() + tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:32]


def export_parser(model: TopdownParser, *, opset: int = OPSET) -> tuple[bytes, dict[str, Any]]:
    """``parser.onnx`` and the meta data of a parser.

    Raises:
        InputError: the parser cannot be exported (names the operator), or an extra is missing.
    """
    graph = ParserGraph(model)
    meta = parser_meta(model)
    meta['id'] = identity(graph, meta)
    width, height = meta['input_size']
    crops = torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8)
    content = to_onnx(graph, (crops,), inputs=('crops',), outputs=PARSER_OUTPUTS, opset=opset, meta=meta,
                      dynamic={'crops': {0: 'n'}, 'probs': {0: 'n'}, 'iou': {0: 'n'}})
    return content, meta


def export_person(model: TopdownParser, meta: Mapping[str, Any], *, opset: int = OPSET) -> bytes:
    """``person.onnx`` of a parser, with the meta data of :func:`export_parser`."""
    graph = PersonGraph(ParserGraph(model), quality_weights=meta['quality_weights'], pixel_score_thr=meta['pixel_score_thr'])
    width, height = meta['input_size']
    example = (torch.randint(0, 256, (3, height, width), dtype=torch.uint8), torch.tensor([3.0, 5.0, 50.0, 70.0]),
               torch.arange(3, 20), torch.arange(4, 17), torch.tensor(0.5))
    return to_onnx(graph, example, inputs=PERSON_INPUTS, outputs=PERSON_OUTPUTS, opset=opset, meta=meta,
                   dynamic={'rows': {0: 'r'}, 'columns': {0: 'v'}, 'label_map': {0: 'r', 1: 'v'}})


def export_detector(detector: Any, *, opset: int = OPSET) -> tuple[bytes, dict[str, Any]]:
    """``detector.onnx`` and the meta data of a ``PersonDetector``.

    Raises:
        InputError: it is no light FCOS, or an extra is missing.
    """
    graph = DetectorGraph(getattr(detector, 'model', detector))
    meta = detector_meta(detector)
    meta['id'] = identity(graph, meta)
    divisor = meta['divisor']
    example = torch.randint(0, 256, (1, 3, 4 * divisor, 3 * divisor), dtype=torch.uint8), torch.tensor([100, 80])
    content = to_onnx(graph, example, inputs=('image', 'size'), outputs=DETECTOR_OUTPUTS, opset=opset, meta=meta,
                      dynamic={'image': {2: 'height', 3: 'width'}, **{name: {0: 'k'} for name in DETECTOR_OUTPUTS}})
    return content, meta


def to_onnx(graph: nn.Module, example: tuple[Tensor, ...], *, inputs: Sequence[str], outputs: Sequence[str], opset: int,
            meta: Mapping[str, Any], dynamic: Mapping[str, Mapping[int, str]]) -> bytes:
    """Trace a module into one ONNX file that carries its meta data.

    Raises:
        InputError: an operator cannot be exported, the opset is not to be had, or an extra is missing.
    """
    onnx, = require_onnx('onnx')
    buffer: Any = io.BytesIO()
    try:
        with silent(), torch.no_grad():
            # The TorchScript exporter: a tenth of the other's time, and it knows every torch that this package runs on.
            torch.onnx.export(graph.eval(), example, buffer, input_names=list(inputs), output_names=list(outputs),
                              opset_version=opset, dynamic_axes=dynamic, dynamo=False)
    except Exception as error:  # the exporter raises many kinds
        raise InputError(f'export: this model cannot be exported ({_innermost(error)})') from None
    proto = onnx.load_from_string(buffer.getvalue())
    found = next(entry.version for entry in proto.opset_import if entry.domain in ('', 'ai.onnx'))
    if found != opset:
        raise InputError(f'opset: the exporter made {found}, not {opset}')
    onnx.helper.set_model_props(proto, {'mmqanet.id': meta['id'], 'mmqanet.meta': json.dumps(dict(meta))})
    onnx.checker.check_model(proto)
    return proto.SerializeToString()


def to_half(content: bytes) -> bytes:
    """The file with weights and features in half precision; inputs, outputs, sums and powers stay in float32."""
    onnx, float16 = require_onnx('onnx', 'onnxruntime.transformers.float16')
    with silent():
        model = float16.convert_float_to_float16(
            onnx.load_from_string(content), keep_io_types=True, op_block_list=[*float16.DEFAULT_OP_BLOCK_LIST, *HALF_KEEPS])
    return model.SerializeToString()


def check_export_folder(folder: Path) -> None:
    """Raise ``InputError`` if an export into a folder would replace a file that no export has written, or there can be no
    such folder."""
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise InputError(f'{folder}: cannot be made, {nearest} is no folder')
    if not os.access(nearest, os.W_OK):
        raise InputError(f'{folder}: cannot be written to')
    readme = folder / 'README.md'
    if readme.is_file() and read_bytes(readme).startswith(TITLE.encode()):
        return
    for name in FILES:
        if (folder / name).exists():
            raise InputError(f'{folder / name}: is of no export and would be overwritten; choose another folder')


def write_export(folder: Path, files: Mapping[str, bytes], meta: dict[str, Any]) -> None:
    """Write the files of an export, with the runtime, a README and, last, ``meta.json``.

    Raises:
        DataError: a file cannot be written. InputError: one that no export has written would be replaced.
    """
    check_export_folder(folder)
    for name in ('meta.json', *(name for name in FILES if name.endswith('.onnx') and name not in files)):
        remove_file(folder / name)
    write_bytes(folder / 'README.md', README.format(files=', '.join(files), classes=len(meta['classes'])).encode())
    for name, content in files.items():
        write_bytes(folder / name, content)
    write_bytes(folder / 'runtime.py', Path(runtime.__file__).read_bytes())
    meta = dict(meta, files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()})
    write_bytes(folder / 'meta.json', f'{json.dumps(meta, indent=1)}\n'.encode())


TITLE = '# A parser of people, exported by mmqanet'
README = TITLE + """

{files}: `meta.json` says what goes in and comes out, and so do the metadata of each file. {classes} classes.

    pip install onnxruntime pillow
    python runtime.py photo.jpg --out parsed

writes `parsed/photo.json` (people and parts with their qualities and masks) and `parsed/photo.png` (class per pixel).
"""


@contextmanager
def silent() -> Iterator[None]:
    """The exporter talks of what it does; errors come as exceptions."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), _without_output():
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(disabled)


@contextmanager
def _without_output() -> Iterator[None]:
    """Drop what C++ writes past Python's streams: hundreds of lines of a graph that cannot be exported."""
    kept = {number: os.dup(number) for number in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        os.close(nowhere)
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)


def _innermost(error: BaseException) -> str:
    """The last line that says something of an error's first cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f'{type(error).__name__}: {lines[0] if lines else "no message"}'[:300]
