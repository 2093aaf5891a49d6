"""Finding people: what a detector, mmdet's or the light one, says becomes boxes and scores; loading, and clear refusals."""
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmqanet.apis import PersonDetector, init_detector
from mmqanet.apis.detector import above, with_score_thr
from mmqanet.apis.tiled_detection import detect_in_tiles
from mmqanet.errors import DataError, InputError

CONFIG = Path(__file__).resolve().parents[2] / 'configs/detection/fcos_efficientnet-lite0_person_crowds.py'


class Told:
    """In place of a network: finds in every picture what it was told."""

    def __init__(self, found, classes=('person',)):
        self.found = found
        self.dataset_meta = dict(classes=classes)
        self.batches = []

    def test_step(self, data):
        self.batches.append([tuple(image.shape[-2:]) for image in data['inputs']])
        rows = torch.tensor(self.found, dtype=torch.float32).reshape(-1, 6)
        instances = SimpleNamespace(bboxes=rows[:, :4], scores=rows[:, 4], labels=rows[:, 5].long())
        return [SimpleNamespace(pred_instances=instances) for _ in data['inputs']]


def pack(results):
    return dict(inputs=torch.from_numpy(results['img'].copy()).permute(2, 0, 1))


def picture(height=60, width=80, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope='module')
def cfg():
    return Config.fromfile(CONFIG)


@pytest.fixture(scope='module')
def mmdet_cfg():
    """The same network, but with a step in its pipeline that leaves it to mmdet."""
    cfg = Config.fromfile(CONFIG)
    cfg.test_dataloader.dataset.pipeline.insert(1, dict(type='RandomFlip', prob=0.0))
    return cfg


@pytest.fixture(scope='module', params=['light', 'mmdet'])
def detector(request, cfg, mmdet_cfg):
    if request.param == 'mmdet':
        pytest.importorskip('mmdet')
    torch.manual_seed(0)
    return init_detector(cfg if request.param == 'light' else mmdet_cfg, score_thr=0.05, max_people=7)


def test_people_are_kept_in_order_and_inside():
    found = [
        [10, 5, 30, 40, 0.5, 1], [-9, -9, 90, 70, 0.9, 1],  # the second reaches over the picture on all sides
        [0, 0, 20, 20, 0.95, 0],  # a dog
        [85, 5, 99, 40, 0.8, 1],  # right of the picture
        [1, 1, 9, 9, 0.29, 1], [2, 2, 8, 8, 0.3, 1]]
    detect = PersonDetector(Told(found, classes=('dog', 'person')), pack).detect
    (boxes, scores), = detect([picture()])
    assert boxes.tolist() == [[0, 0, 80, 60], [10, 5, 30, 40], [2, 2, 8, 8]]
    assert scores.tolist() == pytest.approx([0.9, 0.5, 0.3])
    assert boxes.dtype == scores.dtype == np.float32
    (boxes, scores), = PersonDetector(Told(found, classes=('dog', 'person')), pack, max_people=1)([picture()])
    assert boxes.tolist() == [[0, 0, 80, 60]]


def test_the_last_digits_of_an_engine_move_no_box():
    box = np.array([10.01, 5.24, 30.63, 40.9])
    expected = [10, 5.25, 30.75, 41]
    for change in (0, 2e-4, -2e-4):
        (boxes, _), = PersonDetector(Told([[*(box + change), 0.9, 0]]), pack).detect([picture()])
        assert boxes.tolist() == [expected]


def test_the_pipeline_is_told_what_a_data_set_tells():
    told = []

    def record(results):
        told.append({key: value for key, value in results.items() if key != 'img'})
        return pack(results)

    PersonDetector(Told([]), record).detect([picture(60, 80), picture(30, 20)])
    assert told == [
        dict(img_id=index, img_path='', ori_shape=(height, width), img_shape=(height, width), height=height, width=width)
        for index, (height, width) in enumerate([(60, 80), (30, 20)])]


def test_only_pictures_of_one_size_share_a_batch():
    model = Told([[1, 1, 9, 9, 0.5, 0]])
    images = [picture(60, 80), picture(50, 80), picture(60, 80), picture(60, 80), picture(1, 41), picture(1, 40)]
    found = PersonDetector(model, pack, batch_size=2).detect(images)
    assert model.batches == [[(60, 80), (60, 80)], [(60, 80)], [(50, 80)], [(1, 40)]]
    assert [len(boxes) for boxes, _ in found] == [1, 1, 1, 1, 0, 0]  # in a picture of one row the box loses its area
    assert PersonDetector(model, pack).detect([]) == []


def test_a_real_detector_does_not_depend_on_neighbours_or_threads(detector):
    images = [picture(60, 80, 1), picture(90, 50, 2), picture(60, 80, 3)]
    together = detector.detect(images)
    assert [len(boxes) for boxes, _ in together] == [7, 7, 7]
    for image, (boxes, scores) in zip(images, together):
        assert (np.diff(scores) <= 0).all()
        assert ((boxes >= 0) & (boxes <= [image.shape[1], image.shape[0]] * 2)).all()
        (alone, alone_scores), = detector.detect([image])
        np.testing.assert_allclose(alone, boxes, atol=1e-3)
        np.testing.assert_allclose(alone_scores, scores, atol=1e-5)
    with ThreadPoolExecutor(3) as pool:
        for (boxes, _), ((threaded, _),) in zip(together, pool.map(lambda image: detector.detect([image]), images)):
            np.testing.assert_allclose(threaded, boxes, atol=1e-3)


def test_weights_and_classes_come_from_the_checkpoint(detector, tmp_path):
    cfg = detector.model.cfg
    state = detector.model.state_dict()
    torch.save(dict(state_dict=state, meta=dict(dataset_meta=dict(classes=('Person',)))), tmp_path / 'detector.pth')
    loaded = init_detector(cfg, tmp_path / 'detector.pth')
    assert all(torch.equal(a, b) for a, b in zip(loaded.model.state_dict().values(), state.values()))
    assert not loaded.model.training
    torch.save(dict(state_dict=state, meta=dict(CLASSES=('cat', 'dog'))), tmp_path / 'pets.pth')
    with pytest.raises(InputError, match=r"no class 'person' among its 2: cat, dog"):
        init_detector(cfg, tmp_path / 'pets.pth')


def test_a_checkpoint_may_carry_its_config(detector, tmp_path):
    cfg = detector.model.cfg
    torch.save(dict(state_dict=detector.model.state_dict(), meta=dict(cfg=cfg.pretty_text)), tmp_path / 'whole.pth')
    (boxes, _), = init_detector(None, tmp_path / 'whole.pth', score_thr=0.05, max_people=7).detect([picture()])
    (expected, _), = detector.detect([picture()])
    assert np.array_equal(boxes, expected)
    torch.save(dict(state_dict={}), tmp_path / 'bare.pth')
    with pytest.raises(InputError, match='carries no config'):
        init_detector(None, tmp_path / 'bare.pth')
    with pytest.raises(InputError, match='neither a config nor a checkpoint'):
        init_detector(None)


def test_broken_and_foreign_weights_are_refused(cfg, detector, tmp_path):
    (tmp_path / 'broken.pth').write_bytes(b'')
    with pytest.raises(DataError, match=r'broken\.pth: not a whole checkpoint'):
        init_detector(cfg, tmp_path / 'broken.pth')
    torch.save(dict(state_dict={'parsing_head.classifier.bias': torch.ones(2)}), tmp_path / 'parser.pth')
    with pytest.raises(InputError, match=r'parser\.pth: weights of another config'):
        init_detector(cfg, tmp_path / 'parser.pth')
    with pytest.raises(InputError, match=r'none\.py: no such config'):
        init_detector('none.py')
    with pytest.raises(InputError, match="device 'cuda:99' cannot be used"):
        init_detector(cfg, device='cuda:99')
    with pytest.raises(InputError, match="needs 'test_dataloader'"):
        init_detector(Config(dict(model=cfg.model)))


def test_the_person_of_a_config_of_mmdet_is_found_by_name(cfg):
    pytest.importorskip('mmdet')
    other = deepcopy(cfg)
    other.test_dataloader = dict(dataset=dict(
        type='RepeatDataset', times=2, dataset=dict(type='CocoDataset'), pipeline=cfg.test_pipeline))
    other.model.bbox_head.num_classes = 80
    assert init_detector(other).label == 0  # COCO's first
    other.test_dataloader.dataset = dict(type='CityscapesDataset', pipeline=cfg.test_pipeline)
    assert init_detector(other).label == 0
    other.test_dataloader.dataset.type = 'VOCDataset'
    other.pop('default_scope')  # as in a config without a runtime: plain names are mmdet's all the same
    assert init_detector(other).label == 14


def test_the_light_detector_needs_no_mmdet_and_agrees_with_it(cfg, mmdet_cfg, tmp_path, monkeypatch):
    torch.manual_seed(0)
    light = init_detector(cfg, score_thr=0.05)
    torch.save(dict(state_dict=light.model.state_dict()), tmp_path / 'detector.pth')
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, 'mmdet', None)
        with DefaultScope.overwrite_default_scope('mmseg'):  # whoever runs something else beside it
            assert len(init_detector(cfg, score_thr=0.05).detect([picture()])[0][0]) > 0
        with pytest.raises(InputError, match='needs mmdet'):
            init_detector(mmdet_cfg)
    pytest.importorskip('mmdet')
    full = init_detector(mmdet_cfg, tmp_path / 'detector.pth', score_thr=0.05)
    assert type(full.model) is not type(light.model)
    for image in (picture(120, 90), picture(500, 700)):
        (boxes, scores), = light.detect([image])
        (expected, expected_scores), = full.detect([image])
        np.testing.assert_allclose(boxes, expected, atol=1e-2)
        np.testing.assert_allclose(scores, expected_scores, atol=1e-5)


def test_without_mmdet_one_line_says_what_to_install(cfg, monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmdet', None)
    cfg = deepcopy(cfg)
    cfg.model.bbox_head.norm_on_bbox = False
    with pytest.raises(InputError, match=r"needs mmdet, .* pip install '\.\[detection\]'"):
        init_detector(cfg)


@pytest.mark.parametrize('image', [
    np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8), 'a.jpg'])
def test_other_than_pictures_are_refused(image):
    with pytest.raises(InputError, match=r'image 1 must be \(H, W, 3\) uint8'):
        PersonDetector(Told([]), pack).detect([picture(), image])


@pytest.mark.parametrize('bad', [dict(score_thr=1.5), dict(max_people=0), dict(batch_size=0), dict(score_thr=float('nan'))])
def test_options_out_of_range_are_refused(bad):
    with pytest.raises(InputError, match='must'):
        PersonDetector(Told([]), pack, **bad)


class Squares:
    """In place of a network: finds the white squares of a picture that are whole in it, with a side of 20 to 60 pixels."""

    dataset_meta = dict(classes=('person',))

    def __init__(self):
        self.seen = []

    def test_step(self, data):
        found = []
        for image in data['inputs']:
            self.seen.append(tuple(image.shape[-2:]))
            count, _, stats, _ = cv2.connectedComponentsWithStats((image[0] > 200).numpy().astype(np.uint8))
            boxes = [(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:count].tolist() if 20 <= min(w, h) <= max(w, h) <= 60]
            boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
            found.append(SimpleNamespace(pred_instances=SimpleNamespace(
                bboxes=boxes, scores=torch.full((len(boxes),), 0.9), labels=torch.zeros(len(boxes)).long())))
        return found


def shrunk(results):
    """Packed as by a detector whose input has 150 pixels at most: squares of a larger picture become small."""
    image = results['img']
    factor = min(150 / max(image.shape[:2]), 1)
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    return dict(inputs=torch.from_numpy(cv2.resize(image, size, interpolation=cv2.INTER_AREA)).permute(2, 0, 1))


def test_tiles_find_small_people_once_and_where_they_are():
    image = np.zeros((470, 590, 3), np.uint8)
    boxes = [(10, 10, 40, 40), (125, 100, 155, 130), (300, 300, 340, 340), (560, 440, 590, 470), (225, 5, 255, 35)]
    for x1, y1, x2, y2 in boxes:
        image[y1:y2, x1:x2] = 255
    small = picture(100, 120)
    plain, tiled = (PersonDetector(Squares(), shrunk, tiles=tiles) for tiles in (None, 150))
    assert len(plain.detect([image])[0][0]) == 0
    (found, scores), (others, _) = tiled.detect([image, small])
    assert sorted(found.tolist()) == sorted(map(list, boxes))
    assert found.dtype == scores.dtype == np.float32
    assert others.tolist() == plain.detect([small])[0][0].tolist()
    assert tiled.model.seen.count((150, 150)) == 4 * 5  # each tile shares a fifth at least with the next
    assert len(tiled.model.seen) == 2 + 20


class Striped(Squares):
    """Finds a frame of grey lines as well, if the picture is larger than a tile."""

    def test_step(self, data):
        found = super().test_step(data)
        for image, sample in zip(data['inputs'], found):
            ys, xs = (image[0] == 90).numpy().nonzero()
            if len(ys) and image.shape[-1] > 150:
                sample.pred_instances = SimpleNamespace(
                    bboxes=torch.tensor([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]]).float(),
                    scores=torch.full((1,), 0.5), labels=torch.zeros(1).long())
        return found


def test_what_tiles_show_inside_of_somebody_larger_is_a_piece():
    """A white square inside of a person of 300 pixels is a piece, one beside is somebody."""
    image = np.zeros((400, 500, 3), np.uint8)
    cv2.rectangle(image, (20, 20), (319, 319), (90, 90, 90), 1)
    image[100:130, 100:130] = image[340:370, 400:430] = 255
    detector = PersonDetector(Striped(), pack, tiles=150)
    boxes, scores = detector.detect([image])[0]
    assert boxes.tolist() == [[400, 340, 430, 370], [20, 20, 320, 320]]
    assert scores.round(1).tolist() == pytest.approx([0.9, 0.5])


@pytest.mark.parametrize('turned', [False, True], ids=['wide', 'tall'])
def test_somebody_may_be_larger_than_a_tile_in_one_way_alone(turned):
    """What tiles find of two squares: one is a piece of somebody who is 200 × 60 pixels large, the other somebody small."""
    person, *squares = [10, 20, 210, 80], [40, 30, 60, 50], [250, 30, 270, 50]
    image = np.zeros((100, 400, 3), np.uint8)
    image[..., 0], image[..., 1] = np.divmod(np.arange(400), 2)  # pixels know their column

    def turn(boxes):
        return np.array(boxes, np.float32).reshape(-1, 2, 2)[..., ::-1 if turned else 1].reshape(-1, 4)

    def detect(tiles):
        for tile in tiles:
            left = 2 * int(tile[0, 0, 0]) + int(tile[0, 0, 1])
            seen = [[x1 - left, y1, x2 - left, y2] for x1, y1, x2, y2 in squares if left < x1 and x2 < left + 150]
            yield turn(seen), np.full(len(seen), 0.9, np.float32)

    whole = turn(person), np.array([0.5], np.float32)
    found, _ = detect_in_tiles(detect, image.transpose(1, 0, 2) if turned else image, whole, side=150, batch_size=3)
    assert found.tolist() == turn([squares[1], person]).tolist()
    unchanged = detect_in_tiles(detect, image, whole, side=400, batch_size=3)
    assert unchanged is whole


def test_the_least_threshold_counts_and_the_given_detector_stays():
    detector = PersonDetector(Squares(), pack, score_thr=0.4)
    lowered = with_score_thr(detector, 0.25)
    assert (lowered.score_thr, detector.score_thr) == (0.25, 0.4)
    assert lowered.model is detector.model
    assert with_score_thr(detector, 0.4) is with_score_thr(detector, 0.5) is detector
    others = object()
    assert with_score_thr(others, 0.1) is others
    found = np.arange(8.0).reshape(2, 4), np.array([0.39, 0.4])
    assert above(found, others) is found
    assert [part.tolist() for part in above(found, detector)] == [[[4, 5, 6, 7]], [0.4]]


def test_a_tile_has_a_least_size():
    with pytest.raises(InputError, match='tiles is 10, but a tile needs 64 pixels'):
        PersonDetector(Squares(), shrunk, tiles=10)
