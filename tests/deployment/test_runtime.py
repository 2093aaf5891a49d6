"""The runtime without torch: its parts against those of the package, whole exports against ``mmqanet parse``."""
import importlib.metadata
import itertools
import json
import subprocess
import venv
from pathlib import Path
from types import SimpleNamespace

import cv2
import jsonschema
import mmcv
import numpy as np
import pytest
import torch
from mmengine.config import Config
from packaging.requirements import Requirement
from PIL import Image

from mmqanet.apis.predictions import schema
from mmqanet.cli.main import main
from mmqanet.datasets.transforms.crop import align, warp
from mmqanet.deployment import runtime
from mmqanet.functional.geometry import PersonCrop
from mmqanet.functional.pasting import paste_person
from mmqanet.functional.rle import decode_rle, encode_rle
from mmqanet.models.small_regions import absorb_small_regions

RNG = np.random.default_rng(0)
FIXED_POINT = cv2.__version__ < '4.13'  # later ones may interpolate in float32
RUNTIME_NEEDS = ('numpy', 'pillow', 'onnxruntime')


@pytest.fixture(scope='module')
def bare_python(tmp_path_factory) -> Path:
    """The interpreter of a new environment that has numpy, Pillow, onnxruntime and what these need, linked from this one."""
    pytest.importorskip('onnxruntime')
    folder = tmp_path_factory.mktemp('bare')
    try:
        venv.create(folder, with_pip=False, symlinks=True)
        site, = folder.glob('lib/python*/site-packages')
        for item in installed_items(RUNTIME_NEEDS):
            target = site / item.name
            if item.suffix != '.pth' and not target.exists():
                target.symlink_to(item)
    except (OSError, ValueError) as error:
        pytest.skip(f'no bare environment can be made here ({error})')
    return folder / 'bin/python'


def installed_items(names) -> set[Path]:
    """The files and folders in site-packages of distributions and all that they need."""
    items, left, seen = set(), list(names), set()
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        distribution = importlib.metadata.distribution(name)
        for file in distribution.files or ():
            if file.parts[0] not in ('..', '__pycache__'):
                items.add(Path(distribution.locate_file(file.parts[0])))
        left += [need.name for text in distribution.requires or () if not (need := Requirement(text)).marker]
    return items


@pytest.mark.parametrize(
    'box', [[100, 50, 300, 450], [-20, -30, 200, 300], [10.3, 20.7, 60.2, 99.9], [650.1, 20.2, 760.9, 480]])
def test_crops_are_those_of_the_pipeline(box):
    image = RNG.integers(0, 256, (500, 700, 3), dtype=np.uint8)
    crop = PersonCrop.from_box(box, output_size=(48, 64), padding=1.15)
    centre, extent = runtime.person_crop(box, (48, 64), 1.15)
    assert (centre, extent) == (crop.centre, crop.size)
    window = runtime.window_of(centre, extent)
    assert window == crop.window
    difference = np.abs(runtime.warp(image, centre, extent, (48, 64)).astype(int) - warp(image, crop)).max()
    assert difference <= (0 if FIXED_POINT else 8)
    assert (runtime.align(image, window, (48, 64)) == align(image, crop)).mean() > 0.999


@pytest.mark.skipif(not FIXED_POINT, reason='this OpenCV interpolates otherwise')
def test_crops_of_boxes_in_quarters_of_a_pixel_are_equal_where_places_are_half_way():
    image = RNG.integers(0, 256, (300, 200, 3), dtype=np.uint8)
    for left, height in itertools.product(np.arange(20, 22, 0.25), np.arange(200, 201, 0.25)):
        crop = PersonCrop.from_box([left, 10.25, left + 50, 10.25 + height], output_size=(288, 384), padding=1.15)
        assert (runtime.warp(image, crop.centre, crop.size, (288, 384)) == warp(image, crop)).all()


@pytest.mark.parametrize(('size', 'target'), [((60, 40), (28, 42)), ((45, 60), (80, 60)), ((37, 53), (42, 29))])
def test_pictures_are_resized_as_for_the_detector(size, target):
    image = RNG.integers(0, 256, (*size, 3), dtype=np.uint8)
    difference = np.abs(runtime.resize(image, target).astype(int) - cv2.resize(image, target)).max()
    assert difference <= (0 if FIXED_POINT else 1)


@pytest.mark.parametrize('shape', [(60, 40), (45, 60), (37, 53), (30, 41), (200, 31)])
def test_the_detector_sees_the_size_that_the_detector_of_the_package_sees(shape):
    seen = {}

    def run(names, inputs):
        seen.update(inputs)
        return np.zeros((0, 4), np.float32), *(np.zeros(0, np.float32),) * 2, np.zeros(0, np.int64)

    meta = dict(scale=[96, 64], divisor=32, nms_pre=10, candidate_thr=0.1, min_bbox_size=0, iou_threshold=0.5, max_per_img=9,
                score_thr=0.3, max_people=5)
    image = RNG.integers(1, 256, (*shape, 3), dtype=np.uint8)
    boxes, scores = runtime.detect(SimpleNamespace(run=run, path='detector.onnx'), image, meta)
    assert (boxes.shape, scores.shape) == ((0, 4), (0,))
    width, height = mmcv.rescale_size(shape[::-1], (96, 64))
    assert seen['size'].tolist() == [height, width]
    assert seen['image'].shape == (1, 3, -(-height // 32) * 32, -(-width // 32) * 32)
    padded = seen['image'][0].transpose(1, 2, 0).astype(int)
    difference = np.abs(padded[:height, :width] - mmcv.imresize(image, (width, height))).max()
    assert difference <= (0 if FIXED_POINT else 1)
    assert not padded[height:].any()
    assert not padded[:, width:].any()


@pytest.mark.parametrize(('shape', 'asked'), [((410, 10), False), ((10, 410), False), ((400, 10), True)])
def test_nobody_is_looked_for_in_a_strip(export, monkeypatch, shape, asked):
    calls = []
    monkeypatch.setattr(runtime, 'detect', lambda *given: calls.append(given) or (np.ones((1, 4)), np.ones(1)))
    parser = runtime.Parser(export, threads=1)
    parser.detector, parser.meta['detector'] = object(), {}
    boxes, scores = parser.find_people(np.zeros((*shape, 3), np.uint8))
    assert bool(calls) == asked
    assert (boxes.shape, scores.shape) == ((len(scores), 4), (len(calls),))


def probabilities(num_classes=6, size=(64, 48)) -> torch.Tensor:
    coarse = torch.from_numpy(RNG.normal(0, 4, (1, num_classes, 8, 6))).float()
    fine = torch.from_numpy(RNG.normal(0, 0.7, (num_classes, *size))).float()
    return (torch.nn.functional.interpolate(coarse, size=size, mode='bilinear')[0] + fine).softmax(0)


def test_small_regions_go_where_torch_sends_them():
    probs = probabilities()
    expected = absorb_small_regions(probs, min_share=0.004)
    found = runtime.absorb_small_regions(probs.numpy().copy(), min_share=0.004)
    assert not torch.equal(expected, probs)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)
    assert runtime.absorb_small_regions(probs.numpy(), min_share=0) is not None


def test_connected_regions_are_those_of_a_flood():
    labels = RNG.integers(0, 3, (30, 40)).astype(np.uint8)
    regions = runtime.connected_regions(labels)
    for label in range(3):
        number, flooded = cv2.connectedComponents((labels == label).astype(np.uint8), connectivity=4)
        pairs = {(a, b) for a, b in zip(flooded[labels == label].tolist(), regions[labels == label].tolist())}
        assert len(pairs) == number - 1 == len({b for _, b in pairs})


@pytest.mark.parametrize('threshold', [0.0, 0.2, 0.6])
@pytest.mark.parametrize('window', [(10.2, -5.5, 130.7, 155.1), (-400, 0, -300, 100), (40, 30, 60, 57)])
def test_pasting_and_pixel_scores_are_those_of_the_module(window, threshold):
    probs = probabilities()
    person = paste_person([probs], [window], image_shape=(140, 120), thresholds=[threshold])
    label_map, offset, score, parts = runtime.paste(probs.numpy(), window, (140, 120), threshold=threshold)
    assert label_map.shape == tuple(person.label_map.shape)
    assert (label_map != person.label_map.numpy()).sum() <= 0.001 * label_map.size
    assert offset == person.offset
    assert score == pytest.approx(float(person.pixel_scores[0]), abs=1e-5)
    np.testing.assert_allclose(parts, person.part_pixel_scores[0], atol=1e-3)


def test_masks_are_written_as_the_package_writes_them():
    for mask in (RNG.random((7, 5)) > 0.5, np.ones((7, 5), bool), np.eye(7, 5, dtype=bool)):
        for offset, shape in (((0, 0), (7, 5)), ((2, 3), (9, 8)), ((1, 0), (12, 6))):
            found = runtime.encode_rle(mask, offset, shape)
            assert found == encode_rle(mask, offset=offset, image_shape=shape)
            assert decode_rle(found).sum() == mask.sum()


def random_person(rng, quality):
    """Somebody with a few pixels of six classes, often one of a class, at a random place of an image of 12 × 14."""
    size = rng.integers(1, 7, 2)
    labels = rng.choice(6, size=size, p=[0.5, 0.3, 0.1, 0.05, 0.03, 0.02]).astype(np.uint8)
    return dict(label_map=labels, offset=tuple(int(rng.integers(0, side - own)) for side, own in zip((12, 14), size)),
                quality=quality)


def whole_map(person):
    labels, (top, left) = np.zeros((12, 14), int), person['offset']
    height, width = person['label_map'].shape
    labels[top:top + height, left:left + width] = person['label_map']
    return labels


def test_whoever_is_alike_enough_in_the_whole_image_is_suppressed():
    rng, single = np.random.default_rng(0), 0
    for _ in range(150):
        people = [random_person(rng, quality) for quality in (0.9, 0.5)]
        one, other = map(whole_map, people)
        unions = [((one == label) | (other == label)).sum() for label in range(6)]
        ious = [((one == label) & (other == label)).sum() / union for label, union in enumerate(unions) if union]
        single += 1 in unions
        expected = sum(ious) / len(ious)
        assert runtime.suppress_people(people, 6, expected - 1e-9, (12, 14)) == [0]
        assert runtime.suppress_people(people, 6, expected + 1e-9, (12, 14)) == [0, 1]
        assert runtime.suppress_people(people[::-1], 6, expected + 1e-9, (12, 14)) == [1, 0]
    assert single > 20


@pytest.mark.parametrize('seed', range(12))
def test_better_people_lie_on_top_and_what_is_seen_of_them_is_described(seed):
    rng = np.random.default_rng(seed)
    meta = dict(classes=list('abcdef'), nms_iou_thr=0.6, instance_score_thr=0.3, calibration=None)
    people = [random_person(rng, quality) | dict(
        box_score=float(box_score), box=rng.uniform(0, 12, 4), iou_score=0.5, pixel_score=0.25, part_qualities=rng.random(5),
        part_pixel_scores=rng.random(5)) for quality, box_score in zip(rng.permutation(8) / 8, rng.permutation(8) / 8)]
    category, human = runtime.merge(people, meta, (12, 14), box_score_thr=0.25)
    maps = np.stack([whole_map(person) for person in people])
    kept = {index for index in runtime.suppress_people(people, 6, 0.6, (12, 14)) if people[index]['quality'] >= 0.3}
    certain = {index for index, person in enumerate(people) if person['box_score'] >= 0.25}
    for row, column in np.ndindex(12, 14):
        there = {index for index in range(8) if maps[index, row, column]}
        shown = max(there & certain, key=lambda index: people[index]['box_score'], default=-1)
        assert category[row, column] == (maps[shown, row, column] if shown >= 0 else 0)
        first = max(there & kept, key=lambda index: people[index]['quality'], default=-1)
        assert human[row, column] == first + 1
    described = runtime.describe(people, category, human, meta)
    assert [one['id'] for one in described] == sorted(set(human[human > 0].tolist()))
    for one in described:
        person, seen = people[one['id'] - 1], np.where(human == one['id'], maps[one['id'] - 1], 0)
        assert (one['quality'], one['scores']['box']) == (person['quality'], person['box_score'])
        assert [part['label'] for part in one['parts']] == sorted(set(seen[seen > 0].tolist()))
        for part in one['parts']:
            assert part['name'] == 'abcdef'[part['label']]
            assert part['quality'] == pytest.approx(person['part_qualities'][part['label'] - 1], abs=1e-4)
            assert part['pixel_score'] == pytest.approx(person['part_pixel_scores'][part['label'] - 1], abs=1e-4)
            assert part['area'] == (seen == part['label']).sum()
            assert (decode_rle(part['rle']) == (seen == part['label'])).all()


@pytest.fixture(scope='module')
def export(small_parser, tmp_path_factory) -> Path:
    pytest.importorskip('onnx')
    pytest.importorskip('onnxruntime')
    folder = tmp_path_factory.mktemp('export')
    assert main(['export', '--config', str(small_parser / 'config.py'), '--checkpoint', str(small_parser / 'weights.pth'),
                 '--out', str(folder)]) == 0
    return folder


@pytest.fixture
def photo(tmp_path) -> Path:
    image = cv2.GaussianBlur(RNG.integers(0, 256, (150, 110, 3), dtype=np.uint8), (0, 0), 3)
    path = tmp_path / 'photo.png'
    cv2.imwrite(str(path), image)
    return path


def test_the_copied_runtime_parses_as_the_command_does_in_a_bare_environment(
        export, photo, small_parser, bare_python, tmp_path):
    clean = {'PATH': '/usr/bin:/bin'}
    for absent in ('torch', 'cv2', 'mmengine', 'mmqanet', 'scipy'):
        command = [bare_python, '-c', f'import {absent}']
        assert subprocess.run(command, capture_output=True, cwd=tmp_path, env=clean).returncode
    done = subprocess.run([bare_python, export / 'runtime.py', photo, '--out', tmp_path / 'ours', '--threads', '1'],
                          capture_output=True, text=True, cwd=tmp_path, env=clean)
    assert (done.returncode, done.stdout) == (0, f'{photo}: 1 person\n'), done.stderr
    assert main(['parse', str(photo), '--out', str(tmp_path / 'theirs'), '--config', str(small_parser / 'config.py'),
                 '--checkpoint', str(small_parser / 'weights.pth'), '--save', 'palette']) == 0
    ours, theirs = (json.loads((tmp_path / side / 'photo.json').read_text()) for side in ('ours', 'theirs'))
    jsonschema.validate(ours, schema())
    assert ours.keys() | {'options'} == theirs.keys()
    assert len(ours['people']) == len(theirs['people']) == 1
    assert ours['people'][0]['quality'] == pytest.approx(theirs['people'][0]['quality'], abs=1e-3)
    assert ours['people'][0]['box'] == theirs['people'][0]['box']
    one, other = (np.asarray(Image.open(tmp_path / side / 'photo.png')) for side in ('ours', 'theirs'))
    assert (one == other).mean() > 0.995


def test_people_who_overlap_are_merged_as_the_command_does(export, photo, small_parser, tmp_path):
    boxes = [[5, 5, 60, 140], [8, 6, 62, 141], [40, 20, 105, 148]]
    (tmp_path / 'boxes.json').write_text(json.dumps({'photo.png': boxes}))
    assert main(['parse', str(photo), '--out', str(tmp_path / 'theirs'), '--config', str(small_parser / 'config.py'),
                 '--checkpoint', str(small_parser / 'weights.pth'), '--boxes', str(tmp_path / 'boxes.json')]) == 0
    theirs = json.loads((tmp_path / 'theirs/photo.json').read_text())
    ours = runtime.Parser(export, threads=1)(photo, boxes)
    assert [person['id'] for person in ours['people']] == [person['id'] for person in theirs['people']]
    for one, other in zip(ours['people'], theirs['people']):
        assert one['quality'] == pytest.approx(other['quality'], abs=2e-3)
        areas = [{part['label']: part['area'] for part in person['parts']} for person in (one, other)]
        assert sum(areas[0].values()) == pytest.approx(sum(areas[1].values()), rel=0.02)


def test_whoever_the_detector_finds_is_in_the_class_map(export, photo, monkeypatch):
    parser = runtime.Parser(export, threads=1)
    monkeypatch.setattr(parser, 'find_people', lambda image: (np.array([[5, 5, 90, 140]]), np.array([0.2])))
    result, category = parser.parse(photo)
    assert category.any()
    (person,), area = result['people'], np.count_nonzero(category)
    assert sum(part['area'] for part in person['parts']) == area
    assert not parser.parse(photo, [[5, 5, 90, 140]], [0.2])[1].any(), 'boxes of somebody else keep to the threshold'


def test_expected_ious_are_those_of_the_command(export, photo, small_parser, tmp_path):
    line = dict(qualities=[0, 0.4, 1], ious=[0.1, 0.2, 0.9])
    halved = dict(qualities=[0, 1], ious=[0, 0.5])
    cfg = Config.fromfile(small_parser / 'config.py')
    cfg.model.postprocessor.calibration = dict(people=line, parts=[halved, *[line] * 18], pooled=line)
    cfg.dump(tmp_path / 'config.py')
    model = ['--config', str(tmp_path / 'config.py'), '--checkpoint', str(small_parser / 'weights.pth')]
    assert main(['export', *model, '--out', str(tmp_path / 'export')]) == 0
    assert main(['parse', str(photo), '--out', str(tmp_path / 'theirs'), *model]) == 0
    ours, theirs = (result['people'][0] for result in (
        runtime.Parser(tmp_path / 'export', threads=1)(photo), json.loads((tmp_path / 'theirs/photo.json').read_text())))
    assert list(ours) == list(theirs)
    assert ours['expected_iou'] == pytest.approx(np.interp(ours['quality'], line['qualities'], line['ious']), abs=1e-5)
    assert ours['expected_iou'] == pytest.approx(theirs['expected_iou'], abs=2e-3)
    for part in ours['parts']:
        knots = halved if part['label'] == 1 else line
        assert part['expected_iou'] == pytest.approx(np.interp(part['quality'], knots['qualities'], knots['ious']), abs=1e-5)


def test_nobody_is_no_error(export):
    image = np.zeros((40, 30, 3), np.uint8)
    result, category = runtime.Parser(export, threads=1).parse(image, np.zeros((0, 4)))
    assert result['people'] == []
    assert not category.any()


def test_what_cannot_be_used_is_one_line(export, photo, tmp_path, capsys):
    def complaint(**files: bytes) -> str:
        folder = tmp_path / 'broken'
        folder.mkdir(exist_ok=True)
        for name in ('meta.json', 'parser.onnx'):
            (folder / name).write_bytes(files.get(name.replace('.', '_'), (export / name).read_bytes()))
        assert runtime.main([str(photo), '--out', str(tmp_path / 'out'), '--model', str(folder)]) == 1
        line, = capsys.readouterr().err.splitlines()
        return line

    network, meta = (export / 'parser.onnx').read_bytes(), json.loads((export / 'meta.json').read_text())
    assert 'parser.onnx: not readable as an ONNX model' in complaint(parser_onnx=network[:5000])
    assert 'parser.onnx: of another model than meta.json' in complaint(meta_json=json.dumps(dict(meta, id='x')).encode())
    assert "meta.json: not the meta file of an export, 'id' is missing" in complaint(meta_json=b'{}')
    assert 'meta.json: not readable as JSON' in complaint(meta_json=b'{')
    foreign = __import__('onnx').load_from_string(network)
    del foreign.metadata_props[:]
    assert 'parser.onnx: not made by mmqanet export' in complaint(parser_onnx=foreign.SerializeToString())
    assert not list((tmp_path / 'out').glob('*')) if (tmp_path / 'out').exists() else True
    assert runtime.main([str(tmp_path / 'none.jpg'), '--out', str(tmp_path / 'out'), '--model', str(export)]) == 1
    assert 'none.jpg: no such file' in capsys.readouterr().err
    assert runtime.main([str(photo), '--out', str(photo), '--model', str(export)]) == 1
    line, = capsys.readouterr().err.splitlines()
    assert line.endswith('photo.png: cannot be made (File exists)')
    parser = runtime.Parser(export, threads=1)
    for boxes, words in (([[5, 5, 5, 9]], 'has no area'), ([[1, 2, 3]], r'boxes must be \(N, 4\)')):
        with pytest.raises(runtime.RuntimeProblem, match=words):
            parser(photo, boxes)
    with pytest.raises(runtime.RuntimeProblem, match=r'box_scores must be numbers in \[0, 1\], one for each box \(1\)'):
        parser(photo, [[1, 2, 30, 40]], [2])


def test_no_result_takes_the_place_of_a_file_that_is_read_or_of_another_result(tmp_path):
    folder, model = tmp_path / 'out', tmp_path / 'model'
    for path in (folder / 'a.png', folder / 'b.jpg', model / 'meta.json'):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b'')
    (folder / 'linked.json').symlink_to(model / 'meta.json')
    taken = {}

    def claim(path, target=folder, *others):
        given = [*map(Path, (path, *others)), model / 'meta.json']
        runtime.check_targets(str(path), target, given=given, taken=taken)

    for path, target, others, overwritten in (
            (folder / 'a.png', folder, (), folder / 'a.png'),
            (tmp_path / 'a.jpg', folder, [folder / 'a.png'], folder / 'a.png'),
            (tmp_path / 'meta.jpg', model, (), model / 'meta.json'),
            (tmp_path / 'linked.jpg', folder, (), model / 'meta.json')):
        with pytest.raises(runtime.RuntimeProblem) as caught:
            claim(path, target, *others)
        assert str(caught.value) == f'{path}: its results would overwrite {overwritten}; choose another --out'
        taken.clear()
    for _ in range(2):  # the same picture twice
        claim(folder / 'b.jpg')
    with pytest.raises(runtime.RuntimeProblem, match=r'B\.png: its results would be called as those of .*/b\.jpg'):
        claim(tmp_path / 'B.png')
    assert taken == {'b': str(folder / 'b.jpg')}
