"""Other engines give the people that torch gives, and refuse in one line what they cannot do."""
import numpy as np
import pytest
import torch

from mmqanet.apis import HumanParsingInferencer, init_model
from mmqanet.deployment.backends import _cached_export, use_backend
from mmqanet.deployment.export import identity, parser_meta
from mmqanet.deployment.graphs import ParserGraph
from mmqanet.deployment.runtime import ELSEWHERE
from mmqanet.errors import InputError

pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')


def build(folder, **options) -> HumanParsingInferencer:
    return HumanParsingInferencer(folder / 'config.py', folder / 'weights.pth', 'cpu', **options)


@pytest.mark.parametrize('backend', ['onnx', 'openvino'])
def test_people_are_those_of_torch_and_the_export_is_kept(backend, small_parser, tmp_path, monkeypatch):
    pytest.importorskip(backend)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    image = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    call = dict(boxes=[[5, 5, 60, 80], [30, 10, 69, 85]], return_datasamples=True)
    torch_sample, = build(small_parser)(image, **call)['predictions']
    other = build(small_parser, backend=backend)
    sample, = other(image, **call)['predictions']
    torch.testing.assert_close(sample.pred_instances.qualities, torch_sample.pred_instances.qualities, atol=1e-3, rtol=0)
    assert (sample.pred_maps.category == torch_sample.pred_maps.category).float().mean() > 0.999
    assert other.options()['model'] == f'{build(small_parser).options()["model"]}+{backend}'
    kept, = tmp_path.glob('mmqanet/onnx/*.onnx')
    monkeypatch.setattr('mmqanet.deployment.backends.export_parser', None)
    build(small_parser, backend=backend)
    assert kept.is_file()


def test_what_a_backend_cannot_do_is_refused(small_parser, monkeypatch):
    model = init_model(small_parser / 'config.py', precision='bfloat16')
    with pytest.raises(InputError, match='backend onnx: computes in float32, not in bfloat16'):
        use_backend(model, 'onnx')
    with pytest.raises(InputError, match="backend is 'tensorrt', but must be one of torch, onnx, openvino"):
        use_backend(model, 'tensorrt')
    with pytest.raises(InputError, match='a Linear cannot be exported'):
        use_backend(torch.nn.Linear(1, 1), 'onnx')
    monkeypatch.setitem(__import__('sys').modules, 'openvino', None)
    with pytest.raises(InputError, match=r"the package openvino is missing: pip install 'mmqanet\[openvino\]'"):
        use_backend(init_model(small_parser / 'config.py'), 'openvino')


@pytest.mark.parametrize('spoil', [lambda content: content[:-100], lambda content: b'', lambda content: content + ELSEWHERE])
def test_a_kept_export_that_is_not_whole_is_made_anew(spoil, small_parser, tmp_path, monkeypatch):
    model, folder = init_model(small_parser / 'config.py'), tmp_path / 'kept'
    graph = ParserGraph(model)
    content = b'graph' * 100 + identity(graph, parser_meta(model)).encode()
    monkeypatch.setattr('mmqanet.deployment.backends.export_parser', lambda model: (content, {}))
    assert _cached_export(model, graph, folder) == content
    kept, = folder.iterdir()
    kept.write_bytes(spoil(content))
    assert _cached_export(model, graph, folder) == kept.read_bytes() == content
    kept.unlink()
    kept.mkdir()
    assert _cached_export(model, graph, folder) == content
