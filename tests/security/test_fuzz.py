"""Readers of what others made, fed with damaged files: a clear error or a sound answer, nothing else.

Loops of fixed length from fixed seeds: a good file, and one to four damages, to its bytes or to its values.
"""
import copy
import json
import math
import random

import numpy as np
import pytest
import torch
from data_attacks import coco
from hostile_pickles import Raw, as_legacy, as_zip, encoded, storage, tensor
from PIL import Image

from mmqanet.checkpoints import allowed_types
from mmqanet.checkpoints.literals import parse_literals
from mmqanet.checkpoints.stored_config import FREE_TEXT, read_stored_config
from mmqanet.cli.boxes import read_boxes
from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.submission import read_submission
from mmqanet.structures.coco_people import image_index, load_coco, person_boxes, valid_box

PIECES = (b'\0', b'\xff', b'\n', b' ', b'"', b'[', b']', b'{', b'}', b'(', b')', b',', b':', b'=', b'-', b'.', b'e',
          b'9' * 40, b'nan', b'null', b'\xef\xbb\xbf', b'type', b'__', b'\x80\x02', b'cos\nsystem\n', b'R', b'b', b'0x')
VALUES = (None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, -0.5, math.nan, math.inf, 1e308, '', 'a', '../x', '/x', '1',
          'nan', [], [[]], [None] * 4, {}, {'a': 1}, {'type': 'evil'}, 'évil\ud800', '\0')

LISTED = allowed_types.MODELS_OF['mmqanet'] | allowed_types.TRANSFORMS_OF['mmqanet']


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Bytes with some pieces cut, doubled, replaced or flipped."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice((0, 1, 1, 2, 8, 100)))
        match rng.randrange(4):
            case 0:
                data[start:end] = rng.choice(PIECES)
            case 1:
                data[start:start] = data[start:end]
            case 2:
                del data[start:end]
            case _:
                if start < len(data):
                    data[start] ^= 1 << rng.randrange(8)
    return bytes(data)


def spoilt(node: object, rng: random.Random) -> object:
    """The same value with some values inside replaced, removed, doubled or renamed."""
    node = copy.deepcopy(node)
    for _ in range(rng.randint(1, 4)):
        places = list(inside(node))
        if not places:
            return rng.choice(VALUES)
        parent, key = rng.choice(places)
        match rng.randrange(4):
            case 0 if isinstance(parent, list):
                parent.append(copy.deepcopy(parent[key]))
            case 1:
                del parent[key]
            case 2 if isinstance(parent, dict):
                parent[rng.choice(('type', '_scope_', 'id', 'evil', *parent))] = parent.pop(key)
            case _:
                parent[key] = copy.deepcopy(rng.choice(VALUES))
    return node


def inside(node: object):
    """Every place of a value: its container, and the key there."""
    if isinstance(node, dict | list):
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            yield node, key
            yield from inside(value)


def as_json(rng: random.Random, good: str) -> bytes:
    """A JSON file, damaged one way or the other."""
    if rng.random() < 0.4:
        return damaged(good.encode(), rng)
    return json.dumps(spoilt(json.loads(good), rng)).encode()


def message_of(error: Exception, path) -> str:
    message = str(error)
    assert str(path) in message
    assert '\n' not in message
    return message


@pytest.mark.parametrize('seed', range(4))
def test_checkpoints(worker, tmp_path, seed):
    rng, path = random.Random(seed), tmp_path / 'x.pth'
    content = {'state_dict': {'weight': tensor(4), 'bias': tensor(2, (2,))}, 'meta': {'epoch': 3, 'cfg': 'a = 1'}}
    good = as_zip(content, {'data/0': bytes(16)})
    torch.save(dict(a=np.arange(3.0), b=torch.ones(3), c=np.float64(2)), tmp_path / 'numpy.pth')
    files = [good, (tmp_path / 'numpy.pth').read_bytes(), as_legacy({'epoch': 3, 'weight': storage(0)})]
    outcomes = set()
    for _ in range(60):
        if rng.random() < 0.5:
            path.write_bytes(damaged(rng.choice(files), rng))
        else:  # a whole archive around a damaged pickle
            path.write_bytes(as_zip(Raw(damaged(encoded(content), rng)), {'data/0': bytes(16)}))
        result = worker.attempt('load', path)
        assert result['outcome'] in ('passed', 'refused'), result
        if result['outcome'] == 'refused':
            message_of(result['message'], path)
        outcomes.add(result['outcome'])
    assert 'refused' in outcomes


@pytest.fixture(scope='module')
def stored(small_parser):
    return torch.load(small_parser / 'weights.pth', weights_only=True)['meta']['cfg']


@pytest.mark.parametrize('seed', range(4))
def test_stored_configs(stored, seed):
    rng, cfg = random.Random(seed), as_lists(parse_literals(stored))
    cfg = {key: cfg[key] for key in ('model', 'test_dataloader', 'tta_scales', 'default_scope')}
    passed = 0
    for _ in range(100):
        text = '\n'.join(f'{key} = {value!r}' for key, value in cfg.items())
        given = damaged(text.encode(), rng).decode('utf-8', 'replace') if rng.random() < 0.4 else spoilt(cfg, rng)
        try:
            check_config(read_stored_config(dict(meta=dict(cfg=given)), 'x.pth').to_dict())
            passed += 1
        except (DataError, InputError) as error:
            message_of(error, 'x.pth')
    assert passed


def as_lists(node):
    if isinstance(node, dict):
        return {key: as_lists(value) for key, value in node.items()}
    return [as_lists(item) for item in node] if isinstance(node, list | tuple) else node


def check_config(node, key=''):
    """Nothing in a config that passed is anything but numbers, known words and types of the lists."""
    if isinstance(node, dict):
        for name, value in node.items():
            assert type(name) is str
            assert not name.startswith('_')
            if name == 'type':
                assert type(value) is str
                plain = value.rpartition('.')[2]
                assert plain in LISTED or allowed_types.is_own_dataset(plain) or any(
                    allowed_types.is_own(plain, transform=transform) for transform in (False, True)), (key, value)
            elif name != 'default_scope':
                check_config(value, name)
    elif isinstance(node, list | tuple):
        for item in node:
            check_config(item, key)
    else:
        assert node is None or type(node) in (bool, int, float) or node in allowed_types.WORDS or key in FREE_TEXT, key


@pytest.mark.parametrize('seed', range(4))
def test_boxes(tmp_path, seed):
    rng, path = random.Random(seed), tmp_path / 'x.json'
    goods = ('{"a.jpg": [[0, 0, 4, 4], [1, 1, 3.5, 2]], "b/c.jpg": []}', coco())
    for _ in range(150):
        path.write_bytes(as_json(rng, rng.choice(goods)))
        try:
            for name, boxes in read_boxes(str(path)).items():
                assert isinstance(name, str)
                assert boxes.dtype == np.float32
                assert boxes.shape[1:] in ((4,), (5,))
        except DataError as error:
            message_of(error, path)


@pytest.mark.parametrize('seed', range(4))
def test_coco_annotations(tmp_path, seed):
    rng, path = random.Random(seed), str(tmp_path / 'x.json')
    for _ in range(150):
        (tmp_path / 'x.json').write_bytes(as_json(rng, coco()))
        try:
            content = load_coco(path)
            images = image_index(content['images'], path)
            for image_id, people in person_boxes(content['annotations'], images, path).items():
                for person in people:
                    assert all(math.isfinite(value) for value in person['bbox'])
                    assert isinstance(person['parsing_id'], int)
                    valid_box(person, images[image_id])
        except DataError as error:
            message_of(error, path)


@pytest.mark.parametrize('seed', range(4))
def test_submissions(tmp_path, seed):
    rng, path = random.Random(seed), tmp_path / 'instance_segmentation/a.txt'
    human = np.array([[1, 1, 2, 2]] * 4, np.uint8)
    for kind, labels in (('global_parsing', human), ('instance_segmentation', human), ('instance_parsing', human)):
        (tmp_path / kind).mkdir()
        Image.fromarray(labels).save(tmp_path / kind / 'a.png')
    parts = tmp_path / 'instance_parsing/a.txt'
    for _ in range(100):
        path.write_bytes(damaged(b'0.9 0 0 4 2\n0.8 0 2 4 4\n', rng))
        parts.write_bytes(damaged(b'1 0.5\n2 0.75\n', rng) if rng.random() < 0.5 else b'1 0.5\n2 0.75\n')
        try:
            read = read_submission(tmp_path, 'a', num_classes=5)
            assert read.boxes.shape == (2, 4)
            assert np.isfinite(read.person_scores).all()
            assert set(read.part_labels) <= set(range(1, 5))
        except DataError as error:
            message_of(error, tmp_path)
