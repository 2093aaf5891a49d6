"""Other engines give the people that torch gives, and refuse in one line what they cannot do."""
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from mmqanet.apis import HumanParsingInferencer, PersonDetector, init_detector, init_model
from mmqanet.deployment import runtime
from mmqanet.deployment.backends import _engine, use_backend, use_detector_backend
from mmqanet.deployment.checks import session
from mmqanet.deployment.export import detector_meta
from mmqanet.errors import InputError

DETECTOR = Path(__file__).resolve().parents[2] / 'configs/detection/fcos_efficientnet-lite0_person_crowds.py'
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


def kept_engine(folder, *, content=b'graph, and its name', start=lambda content: content):
    return _engine(start, 'name', lambda: content, folder)


@pytest.mark.parametrize('spoil', [
    lambda content: content[:-2], lambda content: b'', lambda content: content + runtime.ELSEWHERE,
    lambda content: content.replace(b'graph', b'gr\0ph')])
def test_a_kept_export_that_is_not_whole_is_made_anew(spoil, tmp_path):
    def start(content):
        if b'graph' not in content:
            raise RuntimeError('no graph')
        return content

    folder = tmp_path / 'kept'
    expected = kept_engine(folder)
    kept, = folder.iterdir()
    kept.write_bytes(spoil(expected))
    assert kept_engine(folder, start=start) == kept.read_bytes() == expected
    assert kept_engine(folder, content=b'not asked for') == expected
    kept.unlink()
    kept.mkdir()
    assert kept_engine(folder) == expected
    assert [path.name for path in folder.iterdir()] == [kept.name]


def test_runs_that_fill_the_cache_at_once_leave_one_whole_file(tmp_path):
    content = b'graph' * 10**6 + b'name'
    with ThreadPoolExecutor(8) as pool:
        engines = list(pool.map(lambda _: kept_engine(tmp_path / 'kept', content=content), range(16)))
    assert set(engines) == {content}
    file, = (tmp_path / 'kept').iterdir()
    assert file.read_bytes() == content


def test_a_cache_that_cannot_be_had_is_done_without(tmp_path, monkeypatch):
    (tmp_path / 'file').write_text('not a folder')
    assert kept_engine(tmp_path / 'file')

    def full(self, content):
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(Path, 'write_bytes', full)
        assert kept_engine(tmp_path / 'full')
    assert list((tmp_path / 'full').iterdir()) == []

    def homeless():
        raise RuntimeError('Could not determine home directory.')

    monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
    monkeypatch.setattr(Path, 'home', homeless)
    assert kept_engine(None)


@pytest.fixture(scope='module')
def exports(tmp_path_factory) -> Path:
    """A cache that several tests fill."""
    return tmp_path_factory.mktemp('exports')


@pytest.mark.parametrize('backend', ['onnx', 'openvino'])
def test_a_light_detector_finds_the_same_boxes(backend, exports):
    pytest.importorskip(backend)
    torch.manual_seed(0)
    detector = init_detector(DETECTOR, score_thr=0.05, max_people=7)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in ((60, 80), (91, 50), (60, 80))]
    expected = detector.detect(images)
    assert min(len(boxes) for boxes, _ in expected) > 0
    use_detector_backend(detector, backend, cache=exports)
    file, = exports.iterdir()
    network, meta = runtime.Network(session(file.read_bytes()), file), detector_meta(detector)
    with ThreadPoolExecutor(2) as pool:
        alone = [found for found, in pool.map(detector.detect, [[image] for image in images])]
    without_torch = [runtime.detect(network, image[..., ::-1], meta) for image in images]
    for results in (detector.detect(images), alone, without_torch):
        for (boxes, scores), (others, other_scores) in zip(results, expected, strict=True):
            np.testing.assert_allclose(boxes, others, atol=1 / runtime.PER_PIXEL)
            assert (boxes == others).mean() > 0.9
            np.testing.assert_allclose(scores, other_scores, atol=1e-5)


def test_a_detector_that_cannot_be_exported_stays_with_torch():
    class Other(torch.nn.Module):
        dataset_meta = dict(classes=('person',))

    told = []
    use_detector_backend(PersonDetector(Other(), lambda results: results), 'onnx', tell=told.append)
    assert told == ['backend onnx: a Other cannot be exported, so the detector runs in torch']
    use_detector_backend(None, 'onnx', tell=told.append)
    use_detector_backend(PersonDetector(Other(), lambda results: results), 'torch', tell=told.append)
    assert len(told) == 1
    with pytest.raises(InputError, match="backend is 'tensorrt'"):
        use_detector_backend(None, 'tensorrt')


def test_an_inferencer_runs_its_detector_in_the_backend_too(small_parser, tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    used = []
    monkeypatch.setattr('mmqanet.deployment.backends.use_backend', lambda model, name: used.append(name))
    monkeypatch.setattr('mmqanet.deployment.backends.use_detector_backend',
                        lambda detector, name, tell: used.append((type(detector.model).__name__, name)))
    build(small_parser, backend='onnx', detector=DETECTOR)
    assert used == ['onnx', ('LightFCOS', 'onnx')]
    assert build(small_parser, backend='onnx', detector='shipped').detector
    assert used[2:] == ['onnx', ('LightFCOS', 'onnx')]
