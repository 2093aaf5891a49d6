"""A parser that has nothing in common with the top-down one passes through apis, tools and metrics all the same."""
import json
from pathlib import Path

import numpy as np
import pytest
import whole_image  # noqa: F401 (registers its parsers)
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image

from mmqanet.analysis.forward import ablation_config, box_sources, build_dataset, predict_images, prediction_origin
from mmqanet.analysis.predictions import PredictionCache
from mmqanet.apis import HumanParsingInferencer, inference_parser, inference_topdown, init_model
from mmqanet.cli.main import main
from mmqanet.engine.changes import prepare_config, show_predictions
from mmqanet.errors import InputError
from mmqanet.preparation.toy import draw_toy_dataset

CONFIG = Path(__file__).resolve().parents[2] / 'configs/toy/qanet_r18_toy.py'
HALVES = [[0, 0, 40, 60], [40, 0, 80, 60]]
WHOLE = [dict(type='LoadImage'), dict(type='LoadImageMaps'), dict(type='PackParsingInputs', images='img')]


def config(kind='HalvesParser', **dataset):
    """The toy config with another parser, its pipelines, and the data of ``dataset``."""
    cfg = Config.fromfile(CONFIG)
    cfg.model = dict(type=kind, labels=20, postprocessor=dict(type='QualityAwarePostprocessor'))
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        loader.dataset.update(pipeline=WHOLE, per_person=False, annotated_boxes=False, **dataset)
    return cfg


def picture(height=60, width=80):
    return np.full((height, width, 3), 90, np.uint8)


def boxes_of(sample):
    return sample.pred_instances.bboxes.tolist()


class OnePerson:
    def detect(self, images):
        return [(np.array([[5, 5, 30, 50]], np.float32), np.array([0.7], np.float32)) for _ in images]


def test_it_finds_the_people_unless_boxes_are_given():
    model = init_model(config())
    found, = inference_topdown(model, picture())
    assert boxes_of(found) == HALVES
    assert found.pred_maps.category[0, [10, 50], [10, 10]].tolist() == [1, 2]
    given, = inference_topdown(model, picture(), [[10, 10, 30, 40]], box_scores=[0.5])
    assert boxes_of(given) == [[10, 10, 30, 40]]
    assert given.pred_instances.bbox_scores.tolist() == [0.5]
    detected, = inference_parser(model, picture(), OnePerson())
    assert boxes_of(detected) == [[5, 5, 30, 50]]
    with pytest.raises(InputError, match='image 0: box_scores without boxes'):
        inference_topdown(model, picture(), box_scores=[1, 1])


def test_the_inferencer_needs_no_detector():
    def parse(inferencer, **options):
        sample, = inferencer(picture(), return_datasamples=True, **options)['predictions']
        return boxes_of(sample)

    inferencer = HumanParsingInferencer(config(), device='cpu')
    assert inferencer.detector is None
    assert parse(inferencer) == HALVES
    assert parse(inferencer, boxes='image') == [[0, 0, 80, 60]]
    assert parse(inferencer, score_thr=0.85) == HALVES[:1]
    assert parse(HumanParsingInferencer(config(), device='cpu', detector=OnePerson())) == [[5, 5, 30, 50]]


def test_a_parser_that_takes_no_boxes_says_so():
    cfg = config('StubbornHalvesParser')
    with pytest.raises(InputError, match='detector: a StubbornHalvesParser finds the people itself and takes no boxes'):
        HumanParsingInferencer(cfg, device='cpu', detector=OnePerson())
    inferencer = HumanParsingInferencer(cfg, device='cpu')
    with pytest.raises(InputError, match='boxes: a StubbornHalvesParser'):
        inferencer(picture(), boxes='image')
    with pytest.raises(InputError, match='image 0: a StubbornHalvesParser'):
        inference_topdown(inferencer.model, picture(), [[10, 10, 30, 40]])
    assert len(inferencer(picture())['predictions'][0]['people']) == 2


def test_options_reach_it_by_its_own_names():
    model = init_model(config(), tta=[1], max_crops=3)
    assert (model.mirror, model.images_at_once) == (True, 3)
    with pytest.raises(InputError, match='no step of the test pipeline takes any'):
        init_model(config(), tta=[0.9, 1.1])
    with pytest.raises(InputError, match=r"needs a parser, and model\.type is 'ResNetV1c'"):
        init_model(Config(dict(config().to_dict(), model=dict(type='ResNetV1c', depth=50))))


def test_the_command_parses_with_it(tmp_path):
    Image.fromarray(picture()).save(tmp_path / 'photo.png')
    config().dump(tmp_path / 'config.py')
    assert main(['parse', str(tmp_path / 'photo.png'), '--config', str(tmp_path / 'config.py'), '--device', 'cpu',
                 '--out', str(tmp_path / 'out')]) == 0
    people = json.loads((tmp_path / 'out/photo.json').read_text())['people']
    assert [person['box'] for person in people] == HALVES


def test_studies_know_where_its_people_come_from():
    found, annotated = dict(detection_file=None, annotated_boxes=False), dict(detection_file=None, annotated_boxes=True)
    assert box_sources(config()) == dict(annotated=annotated, found=found)
    assert box_sources(config(), '/boxes.json') == dict(
        annotated=annotated, detected=dict(detection_file='/boxes.json'), found=found)
    assert box_sources(config(data_root='/data', detection_file='boxes.json'))['detected'] == dict(
        detection_file='/data/boxes.json')
    assert box_sources(Config.fromfile(CONFIG)) == dict(annotated=annotated)
    assert box_sources(config('StubbornHalvesParser')) == dict(found=found)
    with pytest.raises(InputError, match='detections: a StubbornHalvesParser finds the people itself'):
        box_sources(config('StubbornHalvesParser'), '/boxes.json')


def test_it_is_trained_tested_drawn_and_studied(tmp_path):
    draw_toy_dataset(tmp_path / 'data', num_train=2, num_val=3, size=(96, 72), seed=0, num_workers=1, progress=False)
    cfg = config(data_root=str(tmp_path / 'data'))
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.param_scheduler = None
    prepare_config(cfg, name='halves', work_dir=str(tmp_path / 'work'), launcher='none', overrides=None)
    show_predictions(cfg, str(tmp_path / 'shown'))
    runner = Runner.from_cfg(cfg)
    model = runner.train()
    assert model.sureness < 6
    metrics = runner.test()
    assert 0 <= metrics['mIoU'] <= 100
    assert len(list((tmp_path / 'shown').rglob('*.jpg'))) == 3

    cfg.model.images_at_once = 3
    cfg = ablation_config(cfg, checkpoint=str(tmp_path / 'work/epoch_1.pth'), boxes=box_sources(cfg)['found'])
    assert 'images_at_once' not in prediction_origin(cfg, thresholds=[0.2])['model config']
    dataset, cache = build_dataset(cfg), PredictionCache(tmp_path / 'cache', {})
    names = [dataset.get_data_info(index)['name'] for index in range(3)]
    assert predict_images(cfg, dataset, names, cache, thresholds=[0.2]) == 3
    assert cache.people(names[0])[1].tolist() == [0, 0]
