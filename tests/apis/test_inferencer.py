"""One call from whatever holds pictures to parsings, drawings and plain data."""
import hashlib
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema
import matplotlib.cbook
import numpy as np
import pytest
import torch
from mmengine.config import Config
from pictures import picture, save, save_video

from mmqanet.apis import HumanParsingInferencer, inference_parser, inference_topdown, windows
from mmqanet.apis.inference import predict
from mmqanet.apis.inputs import find_inputs
from mmqanet.apis.predictions import Failed, Parsed, describe, schema
from mmqanet.errors import DataError, InputError
from mmqanet.functional.calibration import Calibration, QualityCalibration
from mmqanet.functional.pasting import full_label_map
from mmqanet.functional.rle import decode_rle
from mmqanet.structures import ParsingDataSample
from mmqanet.utils.images import read_image

BOXES = [[5, 5, 40, 80], [20, 10, 69, 90]]


@pytest.fixture(scope='module')
def photo():
    return matplotlib.cbook.get_sample_data('grace_hopper.jpg', asfileobj=False)


class Finder:
    """Stands in for a detector: the same box in every image."""

    def detect(self, images):
        self.shapes = [image.shape for image in images]
        return [(np.array(BOXES[:1], np.float32), np.array([0.7], np.float32)) for _ in images]


def same(one, other):
    """Whether two samples are equal to the bit: only where the same operations ran in the same order."""
    maps = [torch.equal(getattr(one.pred_maps, key), getattr(other.pred_maps, key)) for key in ('category', 'human', 'part')]
    return all(maps) and torch.equal(one.pred_instances.qualities, other.pred_instances.qualities)


def assert_alike(one, other):
    """Two samples agree as far as batches of other sizes do. A convolution may sum in another order there, so scores differ
    in their last digits and labels where two classes are nearly as probable."""
    people, expected = one.pred_instances, other.pred_instances
    assert len(people) == len(expected)
    torch.testing.assert_close(people.qualities, expected.qualities, rtol=0, atol=1e-4)
    torch.testing.assert_close(people.part_qualities, expected.part_qualities, rtol=0, atol=1e-3)
    for key in ('category', 'human', 'part'):
        differs = getattr(one.pred_maps, key) != getattr(other.pred_maps, key)
        assert differs.float().mean() <= 1e-3, key


def test_it_gives_what_the_functional_api_gives(inferencer, photo):
    boxes = [[100, 50, 400, 600], [0, 0, 512, 600]]
    expected, = inference_topdown(inferencer.model, photo, boxes)
    result = inferencer(photo, boxes=boxes, return_datasamples=True)
    sample, = result['predictions']
    assert isinstance(sample, ParsingDataSample)
    assert same(sample, expected)
    assert result['visualization'] == []
    plain, = inferencer(Path(photo).read_bytes(), boxes=boxes)['predictions']
    assert plain['people'] == inferencer(photo, boxes=boxes)['predictions'][0]['people']
    assert (plain['name'], plain['height'], plain['width']) == ('0', 600, 512)


def test_plain_data_follows_the_schema_and_holds_the_sample(inferencer, photo):
    boxes = [[100, 50, 400, 600], [0, 0, 200, 600]]
    frame, = find_inputs(photo)[0].frames()
    sample, = inference_topdown(inferencer.model, photo, boxes, box_scores=[0.9, 0.8])
    plain = describe(Parsed(item=None, frame=frame, sample=sample), inferencer.label_set)
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(json.dumps(plain)), schema())
    human, part = np.zeros((2, 600, 512), int)
    people = sample.pred_instances
    parts = [part for person in plain['people'] for part in person['parts']]
    for person in plain['people']:
        index = person['id'] - 1
        assert person['box'] == boxes[index]
        assert person['quality'] == pytest.approx(people.qualities[index].item(), abs=1e-5)
        assert person['scores'] == pytest.approx(dict(
            box=[0.9, 0.8][index], iou=people.iou_scores[index].item(), pixel=people.pixel_scores[index].item()), abs=1e-5)
        for described in person['parts']:
            mask = decode_rle(described['rle'])
            assert mask.sum() == described['area']
            assert not human[mask].any()
            human[mask], part[mask] = person['id'], described['label']
            assert described['name'] == plain['classes'][described['label']]
            quality = people.part_qualities[index, described['label'] - 1].item()
            assert described['quality'] == pytest.approx(quality, abs=1e-5)
    assert len(parts) == len(sample.pred_parts) > 5
    assert len(plain['people']) == 2
    assert (human == sample.pred_maps.human[0].numpy()).all()
    assert (part == np.where(human > 0, part, 0)).all()
    whole = [full_label_map(*crop, (600, 512)).numpy() for crop in zip(people.label_maps, people.offsets)]
    assert (part == np.choose(human, [np.zeros_like(part), *whole])).all()


def test_the_schema_notices_what_is_wrong(inferencer):
    plain, = inferencer(picture())['predictions']
    jsonschema.validate(plain, schema())
    for change in (lambda d: d.pop('people'), lambda d: d.update(extra=1), lambda d: d['people'][0].update(quality=1.5),
                   lambda d: d['people'][0]['parts'][0].update(label=0), lambda d: d['people'][0]['box'].pop()):
        wrong = json.loads(json.dumps(plain))
        change(wrong)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema())


@pytest.mark.parametrize('batch_size', [1, 2, 16])
def test_batches_change_nothing(inferencer, tmp_path, batch_size):
    images = [picture(seed=seed) for seed in range(3)] + [picture(50, 120), picture(1, 1)]
    boxes = [BOXES, BOXES[:1], np.zeros((0, 4)), 'image', None]
    boxes = [[[0, 0, 120, 50]] if isinstance(given, str) else given for given in boxes]
    samples = inferencer(images, batch_size, boxes=boxes, return_datasamples=True)['predictions']
    for image, given, sample in zip(images, boxes, samples):
        expected, = inference_topdown(inferencer.model, image, given)
        assert_alike(sample, expected)
    assert [len(sample.pred_instances) for sample in samples] == [2, 1, 0, 1, 1]
    assert samples[4].pred_maps.category.shape == (1, 1, 1)


def test_folders_videos_and_arrays_in_one_call(inferencer, tmp_path):
    save(tmp_path / 'in/sub/a.png', picture())
    save_video(tmp_path / 'in/v.avi')
    plain = inferencer([str(tmp_path / 'in'), picture()], recursive=True, batch_size=3)['predictions']
    assert [(d['name'], d.get('frame'), d.get('seconds')) for d in plain] == [
        ('sub/a', None, None), *(('v', index, index / 10) for index in range(6)), ('1', None, None)]
    for described in plain:
        jsonschema.validate(described, schema())
    save(tmp_path / 'flat/b.png', picture(12, 10))
    save(tmp_path / 'flat/sub/c.png', picture(12, 10))
    assert [result.item.name for result in inferencer.stream(tmp_path / 'flat')] == ['b']
    assert [found['name'] for found in inferencer(tmp_path / 'flat')['predictions']] == ['b']


def test_colours_may_be_rgb(inferencer):
    bgr = inferencer(picture(), return_vis=True)
    rgb = inferencer(picture()[..., ::-1], channel_order='rgb', return_vis=True)
    assert bgr['predictions'] == rgb['predictions']
    assert (bgr['visualization'][0] == rgb['visualization'][0][..., ::-1]).all()
    assert bgr['visualization'][0].dtype == np.uint8
    with pytest.raises(InputError, match='channel_order'):
        inferencer(picture(), channel_order='gbr')


def test_people_come_from_the_detector_unless_boxes_are_given(small_parser):
    detector = Finder()
    inferencer = HumanParsingInferencer(None, small_parser / 'weights.pth', 'cpu', detector=detector)
    images = [picture(), picture(90, 75, seed=1)]
    samples = inferencer(images, 2, return_datasamples=True)['predictions']
    assert detector.shapes == [(90, 70, 3), (90, 75, 3)]
    for image, sample in zip(images, samples):
        expected, = inference_topdown(inferencer.model, image, BOXES[:1], box_scores=[0.7])
        assert_alike(sample, expected)
        assert_alike(sample, inference_parser(inferencer.model, image, detector)[0])
    least = inferencer.model.postprocessor.bbox_score_thr
    inferencer.model.postprocessor.bbox_score_thr = 0.8
    assert_alike(inferencer(images[1], return_datasamples=True)['predictions'][0], sample)
    assert_alike(inference_parser(inferencer.model, images[1], detector)[0], sample)
    inferencer.model.postprocessor.bbox_score_thr = least
    detector.shapes = None
    whole, = inferencer(picture(), boxes='image', return_datasamples=True)['predictions']
    assert whole.pred_instances.bboxes.tolist() == [[0, 0, 70, 90]]
    assert detector.shapes is None


def test_two_weights_for_one_detector_are_refused(small_parser, tmp_path):
    with pytest.raises(InputError, match=r'detector_weights b\.pth cannot be used besides the detector: a\.pth holds some'):
        HumanParsingInferencer(
            weights=small_parser / 'weights.pth', detector='a.pth', detector_weights='b.pth', device='cpu')


@pytest.mark.parametrize(('detector', 'reason'), [('shipped', "'shipped' has its own"), (Finder(), 'an object has its own')])
def test_weights_for_a_detector_that_has_some_are_refused(small_parser, detector, reason):
    with pytest.raises(InputError, match=rf'b\.pth cannot be used besides the detector: {reason}'):
        HumanParsingInferencer(
            weights=small_parser / 'weights.pth', detector=detector, detector_weights='b.pth', device='cpu')


@pytest.mark.parametrize('model', [{}, dict(weights='weights.pth')])
def test_weights_of_a_detector_alone_are_the_detector(small_parser, tmp_path, model):
    model = {key: small_parser / name for key, name in model.items()}
    with pytest.raises(DataError, match=r'none\.pth: no such'):
        HumanParsingInferencer(**model, detector_weights=tmp_path / 'none.pth', device='cpu')


CONFIG = Config(dict(model=dict(type='FCOS')))


@pytest.mark.parametrize(('detector', 'weights', 'expected'), [
    ('fcos.py', None, ('fcos.py', None)), (Path('fcos.py'), None, (Path('fcos.py'), None)),
    ('fcos.py', 'b.pth', ('fcos.py', 'b.pth')), (CONFIG, None, (CONFIG, None)), (CONFIG, 'b.pth', (CONFIG, 'b.pth')),
    ('a.pth', None, (None, 'a.pth')), (Path('a.pth'), None, (None, Path('a.pth'))), (None, 'b.pth', (None, 'b.pth'))])
def test_a_detector_is_a_config_or_weights(small_parser, monkeypatch, detector, weights, expected):
    built = []
    monkeypatch.setattr('mmqanet.apis.inferencer.init_detector', lambda *given, **options: built.append(given) or Finder())
    HumanParsingInferencer(weights=small_parser / 'weights.pth', detector=detector, detector_weights=weights, device='cpu')
    assert built == [expected]


def test_a_detector_is_left_to_compute_as_it_does_unless_another_backend_is_asked_for(small_parser, monkeypatch):
    moved = []
    for name in ('use_backend', 'use_detector_backend'):
        monkeypatch.setattr(f'mmqanet.deployment.backends.{name}',
                            lambda part, backend, name=name, **options: moved.append((name, part, backend)))
    detector = Finder()
    for backend in ('torch', 'onnx', 'openvino'):
        inferencer = HumanParsingInferencer(weights=small_parser / 'weights.pth', detector=detector, device='cpu',
                                            backend=backend)
        asked = [('use_backend', inferencer.model, backend), ('use_detector_backend', detector, backend)]
        assert moved == (asked if backend != 'torch' else [])
        moved.clear()


@pytest.mark.parametrize('option', [dict(box_score_thr=0.5), dict(tiles=1024)])
@pytest.mark.parametrize('detector', [None, Finder()])
def test_options_of_a_detector_without_one_to_build_are_refused(small_parser, detector, option):
    (name, value), = option.items()
    with pytest.raises(InputError, match=f'{name} {value} needs a detector to be built'):
        HumanParsingInferencer(weights=small_parser / 'weights.pth', detector=detector, device='cpu', **option)


def test_the_shipped_pair_is_the_default_and_boxes_need_no_detector(small_parser, tmp_path, monkeypatch):
    def build(*arguments, **options):
        built.append((arguments, options))
        return Finder()

    built = []
    monkeypatch.setattr('mmqanet.apis.inferencer.init_detector', build)
    shutil.copy(small_parser / 'weights.pth', tmp_path / 'parser.pth')
    torch.save(dict(meta=dict(cfg=dict(model=dict(type='FCOS')))), tmp_path / 'detector.pth')
    hashes = {name: dict(sha256=hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
              for name in ('parser.pth', 'detector.pth')}
    (tmp_path / 'manifest.json').write_text(json.dumps(dict(files=hashes)))
    for name in ('PARSER', 'DETECTOR'):
        monkeypatch.setattr(f'mmqanet.apis.inferencer.SHIPPED_{name}', tmp_path / f'{name.lower()}.pth')
    inferencer = HumanParsingInferencer(device='cpu')
    assert len(inferencer(picture(), boxes=BOXES, return_datasamples=True)['predictions'][0].pred_instances) == 2
    assert built == []
    sample, = inferencer(picture(), return_datasamples=True)['predictions']
    assert sample.pred_instances.bboxes.tolist() == BOXES[:1]
    HumanParsingInferencer(device='cpu', box_score_thr=0.2, tiles=512)(picture())
    assert built == [((None, tmp_path / 'detector.pth'), dict(device='cpu', score_thr=least, tiles=tiles))
                     for least, tiles in ((0.25, None), (0.2, 512))]
    for name in ('detector', 'parser'):
        with (tmp_path / f'{name}.pth').open('ab') as file:
            file.write(b'x')
        with pytest.raises(DataError, match=rf'{name}\.pth: its SHA-256 is'):
            HumanParsingInferencer(device='cpu')
    (tmp_path / 'parser.pth').unlink()
    with pytest.raises(DataError, match=r'parser\.pth: missing'):
        HumanParsingInferencer(device='cpu')


def test_boxes_by_file_name(inferencer, tmp_path):
    paths = [save(tmp_path / name, picture()) for name in ('a.png', 'b.png')]
    results = list(inferencer.stream(paths, 2, boxes={'a.png': BOXES}, box_scores={'a.png': [0.5, 0.6]}))
    assert results[0].sample.pred_instances.bbox_scores.tolist() == pytest.approx([0.5, 0.6])
    assert isinstance(results[1], Failed)
    assert str(results[1].error) == f'{paths[1]}: no boxes are given for b.png'


def test_thresholds_are_on_quality(inferencer):
    full, = inferencer(picture(), boxes=BOXES, return_datasamples=True)['predictions']
    qualities = full.pred_instances.qualities
    sure = int(qualities.argmax())
    kept, = inferencer(picture(), boxes=BOXES, score_thr=float(qualities.mean()), return_datasamples=True)['predictions']
    alone, = inference_topdown(inferencer.model, picture(), BOXES[sure:sure + 1])
    assert len(alone.pred_parts) > 3
    assert_alike(kept, alone)
    threshold = full.pred_parts.scores.median().item()
    kept, = inferencer(picture(), boxes=BOXES, part_score_thr=threshold, return_datasamples=True)['predictions']
    assert len(kept.pred_instances) == 2
    assert 0 < len(kept.pred_parts) < len(full.pred_parts)
    assert (kept.pred_parts.scores >= threshold).all()
    nobody, = inferencer(picture(), boxes=BOXES, score_thr=1.0)['predictions']
    assert nobody['people'] == []
    jsonschema.validate(nobody, schema())


def test_expected_ious_of_calibrated_qualities(inferencer, monkeypatch):
    plain, = inferencer(picture(), boxes=BOXES)['predictions']
    with pytest.raises(InputError, match=r'expected_iou_thr: .* not calibrated'):
        inferencer(picture(), boxes=BOXES, expected_iou_thr=0.1)
    halved = Calibration((0.0, 1.0), (0.0, 0.5))
    calibration = QualityCalibration(halved, (halved,) * (inferencer.model.num_classes - 1), halved)
    monkeypatch.setattr(inferencer.model.postprocessor, 'calibration', calibration)
    found, = inferencer(picture(), boxes=BOXES)['predictions']
    jsonschema.validate(found, schema())
    for person in found['people']:
        for described in (person, *person['parts']):
            assert described.pop('expected_iou') == pytest.approx(described['quality'] / 2, abs=2e-5)
    assert found == plain
    parts = [part for person in plain['people'] for part in person['parts']]
    threshold = float(np.median([part['quality'] for part in parts])) / 2
    kept, = inferencer(picture(), boxes=BOXES, expected_iou_thr=threshold)['predictions']
    assert 0 < sum(len(person['parts']) for person in kept['people']) < len(parts)
    assert all(part['expected_iou'] >= threshold - 1e-5 for person in kept['people'] for part in person['parts'])


@pytest.mark.parametrize('options', [
    dict(score_thr=-0.1), dict(part_score_thr=1.1), dict(expected_iou_thr=2), dict(batch_size=0), dict(boxes='all'),
    dict(boxes=[BOXES, BOXES, BOXES]), dict(box_scores='image')])
def test_impossible_options_are_refused(inferencer, options):
    with pytest.raises(InputError, match=next(iter(options))):
        inferencer([picture(), picture()], **options)


def test_without_a_display_a_call_that_shows_is_refused_before_the_work(inferencer, monkeypatch, tmp_path):
    monkeypatch.setattr(windows, 'window_problem', lambda: 'no window can be opened here')
    with pytest.raises(InputError, match='show: no window can be opened here'):
        inferencer(picture(), boxes=BOXES, show=True, out_dir=tmp_path / 'out')
    assert not list(tmp_path.iterdir())
    opened = []
    monkeypatch.setattr(windows.cv2, 'imshow', lambda *args: opened.append(args))
    with pytest.raises(InputError, match='show: no window can be opened here'):
        windows.show_image(picture(), 'a', wait_time=0.001)
    assert not opened


def test_one_bad_picture_stops_a_call_but_not_a_stream(inferencer, tmp_path):
    good = save(tmp_path / 'good.png', picture())
    bad = tmp_path / 'bad.png'
    bad.write_bytes(good.read_bytes()[:60])
    inputs = [good, bad, good, tmp_path / 'none.png', picture(), good]
    boxes = [BOXES, BOXES, [[90, 90, 95, 95]], BOXES, BOXES, BOXES]
    results = list(inferencer.stream(inputs, 4, boxes=boxes))
    assert [isinstance(result, Parsed) for result in results] == [True, False, False, False, True, True]
    assert_alike(results[0].sample, results[5].sample)
    for result, message in zip(results[1:4], ('not readable', 'lies outside the 70x90 image', 'no such file')):
        assert message in str(result.error)
    with pytest.raises(DataError, match=r'bad\.png'):
        inferencer(inputs, boxes=boxes)


def test_threads_may_share_one(inferencer):
    images = [picture(seed=seed) for seed in range(4)]
    start = threading.Barrier(4)

    def parse():
        return [inferencer(image, boxes=BOXES, return_datasamples=True)['predictions'][0] for image in images]

    def work(_):
        start.wait()
        return parse()

    expected = parse()
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(work, range(4)):
            for sample, alone in zip(found, expected, strict=True):
                assert_alike(sample, alone)


def test_augmentation_and_crops_at_a_time_are_options(small_parser):
    def build(**options):
        return HumanParsingInferencer(small_parser / 'config.py', small_parser / 'weights.pth', 'cpu', **options)

    def crops(inferencer):
        packed = inferencer.model.pipeline(dict(img=picture(), bboxes=np.array(BOXES, np.float32),
                                                bbox_scores=np.ones(2, np.float32), classes=(), flip_pairs=()))
        return len(packed['inputs'])

    as_configured, plain, scaled, full = build(), build(tta=False), build(tta=(0.8, 1.25)), build(tta=True)
    assert [parser.model.flip_test for parser in (as_configured, plain, scaled, full)] == [True, False, True, True]
    assert [crops(parser) for parser in (as_configured, plain, scaled, full)] == [2, 2, 4, 6]
    one = build(max_crops=1)
    assert one.model.max_crops_per_batch == 1
    first, second = (parser(picture(), boxes=BOXES, return_datasamples=True)['predictions'][0]
                     for parser in (one, as_configured))
    assert torch.allclose(first.pred_instances.qualities, second.pred_instances.qualities, atol=1e-5)
    for options in (dict(tta=()), dict(tta=(0,)), dict(max_crops=0)):
        with pytest.raises(InputError, match=next(iter(options))):
            build(**options)


def test_results_of_another_backend_are_told_apart(inferencer, monkeypatch):
    plain = inferencer.options(boxes='image')
    assert '+' not in plain['model']
    monkeypatch.setattr(inferencer, 'backend', 'onnx')
    assert inferencer.options(boxes='image') == plain | dict(model=f"{plain['model']}+onnx")


def test_a_device_that_is_not_there_is_one_line(small_parser):
    with pytest.raises(InputError, match="device 'nowhere' cannot be used"):
        HumanParsingInferencer(small_parser / 'config.py', device='nowhere')


def test_pictures_too_wide_to_resample_are_refused(inferencer):
    with pytest.raises(InputError, match='image 0: 40000x2 pixels'):
        inferencer(picture(2, 40_000))


def test_a_picture_is_decoded_once(inferencer, tmp_path, monkeypatch):
    path, calls = save(tmp_path / 'a.png', picture()), []
    monkeypatch.setattr('mmqanet.apis.inputs.read_image', lambda path, **_: (calls.append(path), read_image(path))[1])
    monkeypatch.setattr('mmqanet.utils.images.read_image', None)
    inferencer(path, out_dir=tmp_path / 'out', return_vis=True)
    assert calls == [path]


class Answers:
    """Stands in for a detector that does not keep to the contract."""

    def __init__(self, answer):
        self.answer = answer

    def detect(self, images):
        return self.answer


NOBODY = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)


@pytest.mark.parametrize('answer', [None, [], [None], [NOBODY, NOBODY, NOBODY], [(NOBODY[0],)], 3])
def test_a_detector_that_answers_otherwise_is_named(small_parser, answer):
    """Fewer answers than pictures would leave the last ones whole images, as if nobody had been asked."""
    inferencer = HumanParsingInferencer(small_parser / 'config.py', small_parser / 'weights.pth', 'cpu',
                                        detector=Answers(answer))
    for result in inferencer.stream([picture(), picture()], 2):
        assert isinstance(result, Failed)
        assert 'Answers.detect must give a list with boxes and scores of each image' in str(result.error)


@pytest.mark.parametrize(('boxes', 'scores'), [
    ([[np.nan] * 4], [1]), ([[0, 0, np.inf, 9]], [1]), ([[0, 0, 9, 9]], [np.nan]), ([[0, 0, 9, 9]], [2]),
    ([[0, 0, 9, 9]], [1, 1]), ([[0, 0, 9]], [1]), ([[0, 0, 10**400, 9]], [1])])
def test_a_detector_that_finds_no_boxes_of_numbers_fails_its_picture_alone(small_parser, boxes, scores):
    inferencer = HumanParsingInferencer(small_parser / 'config.py', small_parser / 'weights.pth', 'cpu',
                                        detector=Answers([NOBODY, (boxes, scores)]))
    good, bad = inferencer.stream([picture(), picture()], 2)
    assert isinstance(good, Parsed)
    assert str(bad.error).startswith('image 1: ')


def test_a_picture_of_which_the_network_makes_no_numbers_fails_alone(inferencer, monkeypatch):
    """As where half precision overflows."""
    def overflowing(model, packed):
        if any(item['data_samples'].img_path == 'image 1' for item in packed):
            raise InputError('probs must be probabilities, got values from nan')
        return predict(model, packed)

    monkeypatch.setattr('mmqanet.apis.pipeline.predict', overflowing)
    results = list(inferencer.stream([picture(), picture(), picture()], 3, boxes='image'))
    assert [type(result) for result in results] == [Parsed, Failed, Parsed]
    assert str(results[1].error) == 'image 1: cannot be parsed (probs must be probabilities, got values from nan)'
