import io
import json
import struct

import numpy as np
import pytest
from PIL import Image

from mmqanet.errors import DataError
from mmqanet.functional.rle import encode_rle
from mmqanet.preparation.converters.prepared import (
    describe_people,
    image_size,
    is_written,
    part_ids,
    sample_paths,
    write_coco_json,
    write_sample,
)
from mmqanet.utils.files import read_label_map


def jpeg(height=12, width=16, **options):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, **{'format': 'JPEG', **options})
    return buffer.getvalue()


def two_people():
    """Person 3 touches the border and has classes 2 and 5, person 14 has class 19 and an ignored pixel."""
    category, human = np.zeros((12, 16), np.uint8), np.zeros((12, 16), np.uint8)
    human[0:6, 0:4], human[7:9, 10:15] = 3, 14
    category[0:3, 0:4], category[3:5, 0:4], category[7:9, 10:15] = 2, 5, 19
    category[7, 10] = 255
    category[11, 15] = 4  # a class that belongs to nobody
    return category, human


def test_the_files_of_a_sample(tmp_path):
    category, human = two_people()
    image = jpeg()
    people = write_sample(tmp_path, 'day1/a', image=image, category=category, human=human, num_classes=20)
    assert people == [
        dict(parsing_id=3, category_id=1, bbox=[0, 0, 4, 6], area=24, iscrowd=0, segmentation=encode_rle(human == 3)),
        dict(parsing_id=14, category_id=1, bbox=[10, 7, 5, 2], area=10, iscrowd=0, segmentation=encode_rle(human == 14))]
    assert (tmp_path / 'Images/day1/a.jpg').read_bytes() == image
    written = {name: np.array(Image.open(tmp_path / name / 'day1/a.png')) for name in
               ('Category_ids', 'Human_ids', 'Instance_ids')}
    assert written['Category_ids'].dtype == written['Human_ids'].dtype == np.uint8
    assert (written['Category_ids'] == category).all()
    assert (written['Human_ids'] == human).all()
    for (y, x), expected in {(0, 0): 42, (4, 3): 45, (5, 0): 0, (7, 10): 0, (8, 10): 279, (11, 15): 0}.items():
        assert written['Instance_ids'][y, x] == expected  # 20 · (person - 1) + class
    assert (tmp_path / 'Instance_ids/day1/a.txt').read_text() == '42 2 3\n45 5 3\n279 19 14\n'
    assert not list(tmp_path.rglob('*.part'))


@pytest.mark.parametrize(('person', 'dtype'), [(13, np.uint8), (14, np.int32)])
def test_instance_ids_take_16_bits_where_8_do_not_do(tmp_path, person, dtype):
    human = np.full((12, 16), person, np.uint8)
    write_sample(tmp_path, 'a', image=jpeg(), category=np.full((12, 16), 15, np.uint8), human=human, num_classes=20)
    instance = read_label_map(tmp_path / 'Instance_ids/a.png')
    assert instance.dtype == dtype
    assert (instance == 20 * (person - 1) + 15).all()


def test_an_image_may_be_a_file(tmp_path):
    (tmp_path / 'source.jpg').write_bytes(jpeg())
    category, human = two_people()
    write_sample(tmp_path, 'a', image=tmp_path / 'source.jpg', category=category, human=human, num_classes=20)
    assert (tmp_path / 'Images/a.jpg').read_bytes() == jpeg()


def test_no_people(tmp_path):
    nothing = np.zeros((12, 16), np.uint8)
    assert write_sample(tmp_path, 'a', image=jpeg(), category=nothing, human=nothing, num_classes=20) == []
    assert (tmp_path / 'Instance_ids/a.txt').read_text() == ''
    assert describe_people(nothing) == []


def test_parts_agree_with_a_loop_over_pixels():
    rng = np.random.default_rng(3)
    category = rng.choice([0, 1, 2, 6, 255], (20, 30)).astype(np.uint8)
    human = rng.integers(0, 4, (20, 30)).astype(np.uint8)
    instance, parts = part_ids(category, human, 7)
    expected = {}
    for y in range(20):
        for x in range(30):
            c, p = int(category[y, x]), int(human[y, x])
            counts = p > 0 and c not in (0, 255)
            assert instance[y, x] == (7 * (p - 1) + c if counts else 0)
            if counts:
                expected[7 * (p - 1) + c] = [7 * (p - 1) + c, c, p]
    assert parts.tolist() == [expected[i] for i in sorted(expected)]


def test_the_json(tmp_path):
    _, human = two_people()
    images = [dict(file_name='a.jpg', height=12, width=16), dict(file_name='b.jpg', height=3, width=4),
              dict(file_name='c.jpg', height=12, width=16)]
    write_coco_json(tmp_path / 'annotations/x.json', images, [describe_people(human), [], describe_people(human)[:1]])
    content = json.loads((tmp_path / 'annotations/x.json').read_text())
    assert [(image['id'], image['file_name']) for image in content['images']] == [(1, 'a.jpg'), (2, 'b.jpg'), (3, 'c.jpg')]
    assert [(person['id'], person['image_id'], person['parsing_id']) for person in content['annotations']] == [
        (1, 1, 3), (2, 1, 14), (3, 3, 3)]
    assert [category['name'] for category in content['categories']] == ['person']
    with pytest.raises(DataError, match='3 images, but people of 2'):
        write_coco_json(tmp_path / 'x.json', images, [[], []])


def broken(what):
    category, human = two_people()
    sample = dict(image=jpeg(), category=category, human=human)
    sample.update({
        'size': dict(human=human[:, :15]),
        'class': dict(category=np.where(category == 19, 20, category)),
        'negative': dict(category=category.astype(int) - 1),
        'float': dict(human=human.astype(float)),
        'person': dict(human=human.astype(int) * 100),
        'truncated': dict(image=jpeg()[:-200]),
        'png': dict(image=jpeg(format='PNG')),
        'text': dict(image=b'hello'),
    }[what])
    return dict(sample, num_classes=20)


@pytest.mark.parametrize(('what', 'message'), [
    ('size', r'human map of \(12, 15\)'), ('class', 'category 20 is outside'), ('negative', 'category map must hold'),
    ('float', 'human map must hold'), ('person', 'person id 1400'), ('truncated', 'the image cannot be read'),
    ('png', 'the image is PNG, not JPEG'), ('text', r'the image cannot be read \(no known format\)')])
def test_a_broken_sample_is_named_and_not_written(tmp_path, what, message):
    with pytest.raises(DataError, match=f'^pic7: {message}'):
        write_sample(tmp_path, 'pic7', **broken(what))
    assert not list(tmp_path.rglob('*.*'))


def test_a_photo_of_more_pixels_than_memory_is_named():
    content = jpeg(12, 16)
    place = content.index(b'\xff\xc0') + 5  # of height and width, in the header of the frame
    assert content[place:place + 4] == bytes([0, 12, 0, 16])
    for height, width in ((65_000, 65_000), (20_000, 10_000)):
        huge = content[:place] + struct.pack('>HH', height, width) + content[place + 4:]
        with pytest.raises(DataError, match=r'^in/a\.jpg: the image cannot be read \(.*exceeds limit'):
            image_size(huge, 'in/a.jpg')


def test_whatever_is_wrong_with_a_photo_it_is_named():
    content, messages = jpeg(12, 16), []
    for place in range(0, len(content), 3):
        for value in (0, 0x7f, 0xff):
            try:
                image_size(content[:place] + bytes([value]) + content[place + 1:], 'in/a.jpg')
            except DataError as error:
                messages.append(str(error))
    assert len(messages) > 20
    assert all(message.startswith('in/a.jpg: the image ') for message in messages)
    for end in range(0, len(content), 7):
        with pytest.raises(DataError, match=r'^in/a\.jpg: the image cannot be read'):
            image_size(content[:end], 'in/a.jpg')


def test_a_missing_image_is_named(tmp_path):
    category, human = two_people()
    with pytest.raises(DataError, match=r'nowhere\.jpg: no such file'):
        write_sample(tmp_path, 'a', image=tmp_path / 'nowhere.jpg', category=category, human=human, num_classes=20)


def test_is_written_wants_all_five_files(tmp_path):
    category, human = two_people()
    assert not is_written(tmp_path, 'a')
    for path in sample_paths(tmp_path, 'a').values():
        write_sample(tmp_path, 'a', image=jpeg(), category=category, human=human, num_classes=20)
        assert is_written(tmp_path, 'a')
        path.unlink()
        assert not is_written(tmp_path, 'a')
