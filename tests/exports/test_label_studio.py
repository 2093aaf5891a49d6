"""Label Studio's tasks: brush strokes that its own decoder reads, and a labelling configuration that its parser reads."""
import json
from xml.etree import ElementTree

import numpy as np
import pytest
from records import CLASSES, LABELS, described, random_parts

from mmqanet.exports.label_studio import encode_brush, label_studio_tasks, labelling_config


def decode(stream):
    """The values of a brush's bytes, bit by bit."""
    bits = ''.join(f'{byte:08b}' for byte in stream)
    place = 0

    def read(number):
        nonlocal place
        place += number
        return int(bits[place - number:place], 2)

    size, word = read(32), read(5) + 1
    lengths = [read(4) + 1 for _ in range(4)]
    values = []
    while len(values) < size:
        is_run = read(1)
        count = read(lengths[read(2)]) + 1
        values += [read(word)] * count if is_run else [read(word) for _ in range(count)]
    assert len(bits) - place < 8
    return np.array(values)


@pytest.mark.parametrize('mask', [
    np.zeros((3, 5), bool), np.ones((3, 5), bool), np.eye(7, 4, dtype=bool), np.arange(300 * 300).reshape(300, 300) > 40_000,
    *(part[3] for part in random_parts(3, size=(40, 30))),
    *(np.arange(2 * pixels + 3)[None] < pixels for bits in (4, 8, 12, 16) for pixels in (2**bits // 4, 2**bits // 4 + 1)),
    np.arange(7)[:, None] == 0], ids=str)
def test_brushes_are_the_mask(mask):
    stream = encode_brush(mask)
    assert all(0 <= byte < 256 for byte in stream)
    expected = np.repeat(mask.ravel() * 255, 4)
    assert (decode(stream) == expected).all()
    brush = pytest.importorskip('label_studio_sdk.converter.brush')
    assert (brush.decode_rle(stream) == expected).all()


def test_tasks():
    parts = random_parts(0, size=(30, 40))
    records = [described('a', parts, size=(30, 40), source='/photos/a b.jpg'), described('nobody', [], size=(9, 9))]
    first, second = json.loads(''.join(label_studio_tasks(records)))
    assert first['data'] == dict(image='/data/local-files/?d=photos/a%20b.jpg', name='a')
    prediction, = first['predictions']
    assert prediction['score'] == min(quality for _, _, quality, _ in parts)
    for row, (person, label, quality, mask) in zip(prediction['result'], parts, strict=True):
        assert row['value']['brushlabels'] == [CLASSES[label]]
        assert (decode(row['value']['rle']) == np.repeat(mask.ravel() * 255, 4)).all()
        assert (row['original_width'], row['original_height'], row['score']) == (40, 30, quality)
        assert f'person {person}' in row['meta']['text'][0]
    assert len({row['id'] for row in prediction['result']}) == len(parts)
    assert second['predictions'][0]['result'] == []


def test_the_configuration_names_the_controls_of_the_tasks():
    root = ElementTree.fromstring(labelling_config(LABELS))
    brushes = root.find('BrushLabels')
    assert [(label.get('value'), label.get('background')) for label in brushes] == [
        ('hat', '#ff0000'), ('coat & <tie>', '#0080ff'), ('shoe', '#090a0b')]
    task, = json.loads(''.join(label_studio_tasks([described('a', random_parts(0, size=(30, 40)), size=(30, 40))])))
    for row in task['predictions'][0]['result']:
        assert (row['from_name'], row['to_name']) == (brushes.get('name'), brushes.get('toName'))
    assert root.find('Image').get('name') == brushes.get('toName')
    assert root.find('Image').get('value') == '$image'
    interface = pytest.importorskip('label_studio_sdk.label_interface')
    assert interface.LabelInterface(labelling_config(LABELS)).validate() is None
