"""Exported graphs say what torch says, for every backbone and neck of the paper; what cannot be exported is refused."""
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmqanet.apis import init_detector, init_model
from mmqanet.apis.export import export_model
from mmqanet.cli.main import main
from mmqanet.deployment.checks import Agreement, check_detector, compare, session
from mmqanet.deployment.export import (
    DETECTOR_OUTPUTS,
    PARSER_OUTPUTS,
    PERSON_OUTPUTS,
    check_export_folder,
    export_parser,
    export_person,
    parser_meta,
    to_half,
    to_onnx,
    write_export,
)
from mmqanet.deployment.graphs import DetectorGraph, ParserGraph, PersonGraph
from mmqanet.deployment.quantization import to_int8
from mmqanet.errors import DataError, InputError
from mmqanet.functional.pasting import paste_person
from mmqanet.registry import MODELS

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


@pytest.fixture(scope='module')
def model(small_parser):
    return init_model(small_parser / 'config.py', small_parser / 'weights.pth')


@pytest.fixture(scope='module')
def exported(model):
    return export_parser(model)


def crops_of(model, number=3) -> torch.Tensor:
    width, height = parser_meta(model)['input_size']
    patches = torch.rand(number, 3, 8, 6) * 255
    return torch.nn.functional.interpolate(patches, size=(height, width), mode='bilinear').to(torch.uint8)


@pytest.mark.parametrize('config', [
    'qanet/qanet_r50_cihp.py', 'qanet/qanet_hrnet-w48_cihp.py', 'backbones/qanet_swin-t_cihp.py',
    'backbones/qanet_convnext-t_cihp.py', 'backbones/qanet_mit-b0_cihp.py', 'simplenet/simplenet_r50_cihp-256x192.py'])
@torch.no_grad()
def test_every_kind_of_network_of_the_paper_is_exported(config):
    cfg = Config.fromfile(CONFIGS / config)
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmqanet'):
        model = MODELS.build(cfg.model).eval()
    model.dataset_meta = dict(flip_pairs=((14, 15), (16, 17), (18, 19)))
    crops = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    make_sure(model, crops)
    content = to_onnx(ParserGraph(model), (crops,), inputs=('crops',), outputs=PARSER_OUTPUTS, opset=18, meta=dict(id='x'),
                      dynamic={'crops': {0: 'n'}, 'probs': {0: 'n'}, 'iou': {0: 'n'}})
    probs, iou = predictions_of(model, crops)
    found, found_iou = session(content).run(None, {'crops': crops.flip(1).numpy()})
    np.testing.assert_allclose(found, probs, atol=1e-4)
    np.testing.assert_allclose(found_iou, iou, atol=1e-4)
    assert (found.argmax(1) == probs.argmax(1)).mean() > 0.999
    assert np.ptp(probs, axis=(2, 3)).max() > 0.3
    whole = model.backbone.forward  # a graph whose deepest features are wrong by a twentieth would be noticed
    model.backbone.forward = lambda inputs: (*(features := whole(inputs))[:-1], 1.05 * features[-1])
    assert np.abs(predictions_of(model, crops)[0] - probs).max() > 1e-3


def make_sure(model, crops) -> None:
    """Let probabilities differ from pixel to pixel: features of untrained networks nearly vanish."""
    logits, _ = model._forward(model.data_preprocessor.normalize(crops))
    model.parsing_head.classifier.weight.data *= 2 / logits.std(dim=(2, 3)).mean()


def predictions_of(model, crops) -> list[np.ndarray]:
    predictions = model.forward_crops([crops], flip_pairs=model.dataset_meta['flip_pairs'])
    return [torch.stack(part).numpy() for part in zip(*predictions)]


def test_a_file_says_what_it_is(model, exported):
    proto = onnx.load_from_string(exported[0])
    assert {entry.domain: entry.version for entry in proto.opset_import}[''] == 18
    props = {prop.key: prop.value for prop in proto.metadata_props}
    assert props['mmqanet.id'] == exported[1]['id']
    assert export_parser(model)[1]['id'] == exported[1]['id']
    assert '"classes"' in props['mmqanet.meta']
    shapes = [[dim.dim_param or dim.dim_value for dim in output.type.tensor_type.shape.dim] for output in proto.graph.output]
    assert [shape[0] for shape in shapes] == ['n', 'n']


@torch.no_grad()
def test_any_number_of_crops_agrees_with_torch_also_merged(model, exported, small_parser):
    agreement = compare(model, {'parser.onnx': exported[0]}, crops_of(model))
    assert agreement.probs < 1e-4
    assert agreement.labels > 0.999
    merged = init_model(small_parser / 'config.py', small_parser / 'weights.pth')
    table = [0, -1, *(min(label, 4) - 1 for label in range(2, merged.num_classes))]
    merged.merging = dict(table=table, flip_pairs=model.dataset_meta['flip_pairs'])
    content = to_onnx(ParserGraph(merged), (crops_of(model),), inputs=('crops',), outputs=PARSER_OUTPUTS, opset=18,
                      meta=dict(id='x'), dynamic={'crops': {0: 'n'}})
    assert compare(merged, {'parser.onnx': content}, crops_of(model, 2)).probs < 1e-4


@pytest.mark.parametrize('window', [(3.5, -7.0, 60.2, 90.4), (-40.0, 20.0, 30.0, 110.0)])
@torch.no_grad()
def test_the_module_is_in_the_graph_of_a_person(model, exported, window):
    network = session(export_person(model, exported[1]))
    crop = crops_of(model, 1)
    (probs, iou), = model.forward_crops([crop], flip_pairs=model.dataset_meta['flip_pairs'])
    person = paste_person([probs], [window], image_shape=(120, 100), thresholds=[model.postprocessor.pixel_score_thr])
    (y, x), (rows, columns) = person.offset, person.label_map.shape
    found = dict(zip(PERSON_OUTPUTS, network.run(None, dict(
        crop=crop[0].flip(0).numpy(), window=np.float32(window), rows=np.arange(y, y + rows),
        columns=np.arange(x, x + columns), box_score=np.array(0.9, np.float32)))))
    assert (found['label_map'] == person.label_map.numpy()).mean() > 0.999
    assert found['iou'] == pytest.approx(float(iou.clamp(0, 1)), abs=1e-5)
    assert found['pixel_score'] == pytest.approx(float(person.pixel_scores[0]), abs=1e-4)
    np.testing.assert_allclose(found['part_pixel_scores'], person.part_pixel_scores[0], atol=2e-3)
    alpha, beta, gamma = (weight / sum(exported[1]['quality_weights']) for weight in exported[1]['quality_weights'])
    quality = 0.9 ** alpha * found['iou'] ** beta * found['pixel_score'] ** gamma
    assert found['quality'] == pytest.approx(quality, abs=1e-5)


@torch.no_grad()
def test_the_detector_takes_pictures_of_any_size():
    torch.manual_seed(0)
    detector = init_detector(Config.fromfile(CONFIGS / 'detection/fcos_efficientnet-lite0_person_crowds.py'))
    graph = DetectorGraph(detector.model)
    example = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8), torch.tensor([60, 50])
    content = to_onnx(graph, example, inputs=('image', 'size'), outputs=DETECTOR_OUTPUTS, opset=18, meta=dict(id='x'),
                      dynamic={'image': {2: 'height', 3: 'width'}, **{name: {0: 'k'} for name in DETECTOR_OUTPUTS}})
    check_detector(detector.model, content)
    network = session(content)
    for size in ((64, 96), (90, 70)):
        image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
        padded = torch.zeros(1, 3, *(-(-side // 32) * 32 for side in size), dtype=torch.uint8)
        padded[0, :, :size[0], :size[1]] = image
        answers = network.run(None, dict(image=padded.numpy(), size=np.array(size)))
        for found, expected, tolerance in zip(answers, detector.model.predictions(image[None]), (1e-2, 1e-5, 1e-5, 0)):
            np.testing.assert_allclose(found, expected[0], atol=tolerance)
    detector.model.bbox_head.conv_reg.bias.data += 0.5
    with pytest.raises(DataError, match=r'detector\.onnx differs from torch by .* pixels in boxes'):
        check_detector(detector.model, content)


def test_half_and_int8_keep_most_labels(model, exported):
    crops = crops_of(model, 8)
    half = to_half(exported[0])
    assert len(half) < 0.7 * len(exported[0])
    assert compare(model, {'parser.onnx': half}, crops).labels > 0.98
    small = to_int8(exported[0], crops)
    assert len(small) < 0.5 * len(exported[0])
    assert compare(model, {'parser.onnx': small}, crops).labels > 0.7
    for content in (half, small):
        assert {prop.key for prop in onnx.load_from_string(content).metadata_props} >= {'mmqanet.id'}


def test_what_does_not_agree_is_not_written():
    fine = Agreement(crops=1, probs=0.0, labels=1.0, iou=0.0, quality=0.0, parts=0.0)
    fine.check(most=0.1, least=0.9)
    for name in ('probs', 'iou', 'quality', 'parts'):
        with pytest.raises(DataError, match=r'differs from torch by 0\.5 \(at most 0\.1\)'):
            replace(fine, **{name: 0.5}).check(most=0.1, least=0.9)
    with pytest.raises(DataError, match=r'with 80\.000% of the labels the same'):
        replace(fine, labels=0.8).check(most=0.1, least=0.9)
    with pytest.raises(DataError):
        replace(fine, probs=float('nan')).check(most=0.1, least=0.9)
    replace(fine, quality=float('nan'), parts=float('nan')).check(most=0.1, least=0.9)


def test_a_person_of_many_pixels_is_scored_to_the_last_digits(model, exported):
    files = {'parser.onnx': exported[0], 'person.onnx': export_person(model, exported[1])}
    agreement = compare(model, files, crops_of(model))
    assert agreement.quality < 1e-6
    assert agreement.parts < 1e-5


def test_only_files_of_an_export_are_replaced(tmp_path):
    (tmp_path / 'README.md').write_text('# My project')
    with pytest.raises(InputError, match='is of no export'):
        write_export(tmp_path, {'parser.onnx': b'x'}, dict(classes=['a']))
    assert [path.name for path in tmp_path.iterdir()] == ['README.md']
    for content in (b'x', b'y'):
        write_export(tmp_path / 'out', {'parser.onnx': content}, dict(classes=['a']))
    assert (tmp_path / 'out/parser.onnx').read_bytes() == b'y'
    write_export(tmp_path / 'out', {'parser.onnx': b'z', 'detector.onnx': b'z'}, dict(classes=['a']))
    write_export(tmp_path / 'out', {'parser.onnx': b'y'}, dict(classes=['a']))
    assert not (tmp_path / 'out/detector.onnx').exists()
    (tmp_path / 'out/README.md').unlink()
    with pytest.raises(InputError, match='is of no export'):
        check_export_folder(tmp_path / 'out')


def test_a_folder_that_cannot_be_written_to_is_known_before_the_work(small_parser, tmp_path, monkeypatch, capsys):
    (tmp_path / 'file').write_text('')
    given = ['export', '--config', str(small_parser / 'config.py'), '--out']
    monkeypatch.setattr('mmqanet.apis.export.export_model', None)
    assert main([*given, str(tmp_path / 'file/out')]) == 1
    assert f'file/out: cannot be made, {tmp_path}/file is no folder' in capsys.readouterr().err
    monkeypatch.setattr('os.access', lambda path, mode: False)
    assert main([*given, str(tmp_path / 'out')]) == 1
    line, = capsys.readouterr().err.splitlines()
    assert line.endswith('/out: cannot be written to')


def test_what_cannot_be_exported_is_one_line(model, small_parser, tmp_path, monkeypatch, capfd):
    given = ['export', '--config', str(small_parser / 'config.py'), '--out', str(tmp_path / 'out')]
    with pytest.raises(InputError, match='a Linear cannot be exported: only top-down parsers'):
        ParserGraph(torch.nn.Linear(1, 1))
    with pytest.raises(InputError, match='detector: a Linear cannot be exported'):
        DetectorGraph(torch.nn.Linear(1, 1))
    with pytest.raises(InputError, match='needs a threshold above 0'):
        PersonGraph(ParserGraph(model), quality_weights=(1, 1, 1), pixel_score_thr=0)
    with pytest.raises(InputError, match='opset is 11, but must be at least 18'):
        export_model(small_parser / 'config.py', opset=11)

    class Odd(torch.nn.Module):
        def forward(self, crops):
            return torch.special.gammaln(crops.float())

    for opset, reason in ((18, '.*(gammaln|lgamma)'), (99, '.*99')):
        with pytest.raises(InputError, match=rf'this model cannot be exported \({reason}'):
            to_onnx(Odd(), (torch.ones(2),), inputs=('x',), outputs=('y',), opset=opset, meta=dict(id='x'), dynamic={})
    assert capfd.readouterr() == ('', '')
    (tmp_path / 'few').mkdir()
    cv2.imwrite(str(tmp_path / 'one.png'), np.zeros((9, 9, 3), np.uint8))
    for folder, words in (('few', 'few: no pictures'), ('none', 'none: no such file'), ('one.png', 'holds 1 picture, but')):
        assert main([*given, '--int8', str(tmp_path / folder)]) == 1
        line, = capfd.readouterr().err.splitlines()
        assert words in line
    monkeypatch.setitem(__import__('sys').modules, 'onnx', None)
    assert main(given) == 1
    errors = capfd.readouterr().err.splitlines()
    assert len(errors) == 1
    assert "the package onnx is missing: pip install 'mmqanet[onnx]'" in errors[0]
    assert not (tmp_path / 'out').exists()
