import json

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from mmqanet.errors import DataError
from mmqanet.functional.rle import decode_rle
from mmqanet.preparation.part_instances import write_part_instances
from mmqanet.preparation.toy import draw_toy_dataset
from mmqanet.utils.files import read_label_map, write_label_map

CLASSES = ('background', *(f'part {number}' for number in range(1, 20)))


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    root = tmp_path_factory.mktemp('toy')
    draw_toy_dataset(root, num_train=3, num_val=1, size=(96, 72), max_people=3, progress=False)
    return root


def write(root, target, **options):
    return write_part_instances(root / 'Training', root / 'annotations/toy_train.json', target, classes=CLASSES,
                                show_progress=False, **options)


def test_every_person_and_every_part_is_an_instance(toy, tmp_path):
    number = write(toy, tmp_path / 'instances.json')
    content = json.loads((tmp_path / 'instances.json').read_text())
    assert [category['name'] for category in content['categories']] == ['person', *CLASSES[1:]]
    assert [one['id'] for one in content['annotations']] == list(range(1, number + 1))
    expected = {}
    for image in content['images']:
        category, human = (read_label_map(toy / 'Training' / folder / image['file_name'].replace('.jpg', '.png'))
                           for folder in ('Category_ids', 'Human_ids'))
        for person in np.unique(human[human > 0]):
            expected[image['id'], 1, person] = human == person
            for label in np.unique(category[(human == person) & (category > 0)]):
                expected[image['id'], label + 1, person] = (human == person) & (category == label)
    assert len(expected) == number
    for one in content['annotations']:
        mask = expected[one['image_id'], one['category_id'], one['parsing_id']]
        assert (decode_rle(one['segmentation']) == mask).all()
        assert one['area'] == mask.sum()
        ys, xs = np.nonzero(mask)
        x, y, w, h = one['bbox']
        assert (x, y, x + w, y + h) == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
        assert one['iscrowd'] == 0


def test_small_instances_are_crowd(toy, tmp_path):
    write(toy, tmp_path / 'instances.json', min_area=30, workers=2)
    annotations = json.loads((tmp_path / 'instances.json').read_text())['annotations']
    assert {one['iscrowd'] for one in annotations} == {0, 1}
    assert all(one['iscrowd'] == (one['area'] < 30) for one in annotations)


def test_mmdet_reads_it(toy, tmp_path):
    pytest.importorskip('mmdet.datasets')
    from mmdet.datasets import CocoDataset

    write(toy, tmp_path / 'instances.json')
    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = CocoDataset(ann_file=str(tmp_path / 'instances.json'), data_prefix=dict(img=str(toy / 'Training/Images')),
                              metainfo=dict(classes=('person', *CLASSES[1:])), pipeline=[])
    assert len(dataset) == 3
    labels = [one['bbox_label'] for one in dataset.get_data_info(0)['instances']]
    assert labels[0] == 0 < max(labels)


def test_a_map_that_does_not_fit_is_named_and_nothing_written(toy, tmp_path):
    for folder in ('Category_ids', 'Human_ids', 'Images'):
        (tmp_path / 'Training' / folder).mkdir(parents=True)
    for path in (toy / 'Training').rglob('*.png'):
        if path.parent.name != 'Instance_ids':
            write_label_map(tmp_path / 'Training' / path.parent.name / path.name, read_label_map(path)[:-1])
    (tmp_path / 'annotations').mkdir()
    (tmp_path / 'annotations/toy_train.json').write_bytes((toy / 'annotations/toy_train.json').read_bytes())
    with pytest.raises(DataError, match=r'Training: train_000001: category map of \(71, 96\)'):
        write(tmp_path, tmp_path / 'instances.json')
    assert not (tmp_path / 'instances.json').exists()
