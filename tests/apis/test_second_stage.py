"""A second model on parts of people: where the boxes are, what is said of them, and the files."""
import json
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
import torch
from pictures import picture, save
from PIL import Image
from small_networks import write_small_network

from mmqanet.apis import HumanParsingInferencer, inference_topdown
from mmqanet.apis.predictions import schema
from mmqanet.apis.second_stage import SecondStage, part_box
from mmqanet.cli.main import main
from mmqanet.datasets import IBugMask14Dataset
from mmqanet.errors import InputError

REPO = Path(__file__).resolve().parents[2]
HAT, FACE, CLOTHES, SKIN = 1, 2, 3, 4


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    """A folder with the config and weights of a small untrained network of faces, sure of its answers."""
    return write_small_network(tmp_path_factory.mktemp('faces'), REPO / 'configs/face/qanet_r18_toy-faces.py', seed=1)


@pytest.fixture(scope='module')
def second(faces):
    return SecondStage.load(faces / 'config.py', faces / 'weights.pth', 'cpu')


@pytest.fixture(scope='module')
def cascade(small_parser, second):
    return HumanParsingInferencer(small_parser / 'config.py', small_parser / 'weights.pth', 'cpu', second_stage=second)


def person():
    """100 rows: a hat at rows 0 to 9, a face to 24, clothes to 79, skin beside the face and in legs to 99."""
    labels = np.zeros((110, 60), np.uint8)
    labels[0:10, 22:38], labels[10:25, 20:40], labels[25:80, 10:50], labels[80:100, 12:48] = HAT, FACE, CLOTHES, SKIN
    labels[15:24, 40:44] = SKIN
    return labels


@pytest.mark.parametrize(('labels', 'upper', 'expected'), [
    ([HAT, FACE], [], (20, 0, 40, 25)), ([HAT, FACE], [SKIN], (20, 0, 44, 25)), ([], [SKIN], (40, 15, 44, 20)),
    ([CLOTHES], [], (10, 25, 50, 80)), ([9], [], None), ([], [9], None)])
def test_a_box_is_around_the_parts_and_the_skin_above_the_shoulders(labels, upper, expected):
    assert part_box(person(), labels, upper) == expected


def test_specks_apart_do_not_make_a_box_larger():
    labels = person()
    labels[105, 3] = HAT
    assert part_box(labels, [HAT]) == (22, 0, 38, 10)
    assert part_box(np.zeros((5, 5), np.uint8), [HAT], [SKIN]) is None


def test_a_cascade_is_the_second_parser_on_boxes_of_the_first(cascade, second, tmp_path):
    image = picture(160, 120)
    sample, = (parsed for parsed in cascade.stream(image, boxes=[[0, 0, 70, 160], [50, 5, 120, 150]]))
    described = cascade(image, boxes=[[0, 0, 70, 160], [50, 5, 120, 150]])['predictions'][0]
    jsonschema.validate(described, schema())
    assert described['second_classes'] == list(IBugMask14Dataset.METAINFO['classes'])
    assert len(sample.second.owners) > 0
    people = sample.sample.pred_instances
    alone, = inference_topdown(second.model, image, sample.second.sample.pred_instances.bboxes.numpy(),
                               box_scores=people.qualities[list(sample.second.owners)].numpy())
    assert torch.equal(alone.pred_maps.category, sample.second.sample.pred_maps.category)
    names = cascade.label_set.classes
    human = sample.sample.pred_maps.human[0].numpy()
    for owner, box in zip(sample.second.owners, sample.second.sample.pred_instances.bboxes.int().tolist()):
        inside = np.zeros(human.shape, bool)
        inside[box[1]:box[3], box[0]:box[2]] = True
        labels = sample.sample.pred_maps.category[0].numpy()[inside & (human == owner + 1)]
        assert {names[label] for label in labels} & {'hat', 'hair', 'face', 'sunglasses', 'torso-skin'}


def test_people_say_what_the_second_model_says_of_them(cascade):
    parsed, = cascade.stream(picture(160, 120), boxes=[[0, 0, 70, 160], [50, 5, 120, 150]])
    described = cascade(picture(160, 120), boxes=[[0, 0, 70, 160], [50, 5, 120, 150]])['predictions'][0]
    visible = set(parsed.second.sample.pred_parts.people.tolist())
    expected = {parsed.second.owners[index] + 1 for index in visible}
    assert {person['id'] for person in described['people'] if 'second' in person} == expected
    for person in described['people']:
        if 'second' in person:
            index = parsed.second.owners.index(person['id'] - 1)
            assert person['second']['quality'] == pytest.approx(
                float(parsed.second.sample.pred_instances.qualities[index]), abs=1e-5)
            area = sum(part['area'] for part in person['second']['parts'])
            assert area == int((parsed.second.sample.pred_maps.human == index + 1).sum())


def test_without_people_nothing_is_looked_at(cascade):
    described = cascade(picture(60, 50), boxes=np.zeros((0, 4)))['predictions'][0]
    assert described['people'] == []
    assert len(described['second_classes']) == 14


def test_boxes_may_be_around_other_parts(small_parser, second):
    parts = SecondStage(second.model, parts=['pants', 'skirt'])
    names = ('background', 'pants', 'skirt')
    parts.check(names)
    with pytest.raises(InputError, match="no class 'skirt'"):
        parts.check(names[:2])
    with pytest.raises(InputError, match='is of a head'):
        second.check(names)
    assert parts.digest() != second.digest()


def parse(root, faces, *args):
    model = ['--config', str(root / 'config.py'), '--checkpoint', str(root / 'weights.pth')]
    return main(['parse', str(root / 'p.png'), *model, '--device', 'cpu', *args])


def test_the_command_line_writes_the_second_look(small_parser, faces, tmp_path, capsys):
    save(small_parser / 'p.png', picture(160, 120))
    out = tmp_path / 'out'
    args = ['--out', str(out), '--second-stage', str(faces / 'weights.pth')]
    assert parse(small_parser, faces, *args) == 0
    record = json.loads((out / 'p.json').read_text())
    jsonschema.validate(record, schema())
    assert record['files']['second'] == ['p_second.png', 'p_second_overlay.jpg']
    labels = np.array(Image.open(out / 'p_second.png'))
    areas = sum(part['area'] for person in record['people'] if 'second' in person for part in person['second']['parts'])
    assert areas == np.count_nonzero(labels) > 0
    assert cv2.imread(str(out / 'p_second_overlay.jpg')) is not None
    capsys.readouterr()
    assert parse(small_parser, faces, *args, '--resume') == 0
    assert '1 of 1 inputs are done already' in capsys.readouterr().out
    assert parse(small_parser, faces, *args, '--resume', '--second-parts', 'face', 'hair') == 0
    assert 'second differs' in capsys.readouterr().out


@pytest.mark.parametrize(('options', 'message'), [
    (['--second-stage', 'a', 'b', 'c'], 'not 3 files'), (['--second-parts', 'hair'], '--second-parts needs --second-stage'),
    (['--second-stage', 'none.pth'], 'none.pth')])
def test_what_the_second_stage_cannot_be_is_one_line(small_parser, faces, tmp_path, capsys, options, message):
    save(small_parser / 'p.png', picture(80, 60))
    assert parse(small_parser, faces, '--out', str(tmp_path / 'out'), *options) != 0
    error = capsys.readouterr().err
    assert message in error
    assert error.count('\n') == 1
