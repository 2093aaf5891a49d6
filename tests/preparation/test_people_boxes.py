"""From a teacher's boxes and from label maps to the COCO files of the person detector."""
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from macos import add_companions
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope
from PIL import Image

from mmqanet.datasets import SeededIndex
from mmqanet.errors import DataError, InputError
from mmqanet.preparation.people_boxes import describe_portraits, split_of, split_teacher_boxes
from mmqanet.utils.files import write_label_map

REPO = Path(__file__).resolve().parents[2]
TOOL = REPO / 'tools/dataset_converters/people_boxes.py'
CONFIG = REPO / 'configs/detection/fcos_efficientnet-lite0_person_photos.py'
TRAIN, VAL = 'b/02.webp', 'b/03.webp'


@pytest.fixture
def source(tmp_path):
    """Two photos of each split, one of them without boxes, and one of a set of its own; boxes of three scores."""
    names = [(TRAIN, 'city'), (VAL, 'city'), ('b/04.webp', 'city'), ('d/shown.webp', 'demo')]
    images = [dict(id=number, file_name=name, width=90, height=60, set=kind) for number, (name, kind) in enumerate(names)]
    boxes = [(image, score) for image in (0, 1, 3) for score in (0.3, 0.45, 0.8)]
    annotations = [dict(id=number, image_id=image, category_id=1, bbox=[1, 2, 10, 20], area=200, iscrowd=0, score=score)
                   for number, (image, score) in enumerate(boxes)]
    path = tmp_path / 'people.json'
    path.write_text(json.dumps(dict(images=images, annotations=annotations, categories=[dict(id=1, name='person')])))
    return path


def read(folder, split, kind='people'):
    content = json.loads((folder / f'{kind}_{split}.json').read_text())
    assert content['categories'] == [dict(id=1, name='person', supercategory='person')]
    return content


def test_doubtful_boxes_are_to_be_ignored_and_no_photo_is_lost(source, tmp_path):
    assert (split_of(TRAIN), split_of(VAL)) == ('train', 'val')
    counts = split_teacher_boxes(source, tmp_path, positive=0.4, val_positive=0.5, left_out=['demo'])
    train, val = read(tmp_path, 'train'), read(tmp_path, 'val')
    assert counts == dict(train=2, val=1)
    assert [image['file_name'] for image in train['images']] == [TRAIN, 'b/04.webp']
    assert [image['file_name'] for image in val['images']] == [VAL]
    for content, ignored in ((train, [1, 0, 0]), (val, [1, 1, 0])):
        assert [a['score'] for a in content['annotations']] == [0.3, 0.45, 0.8]
        assert [a['iscrowd'] for a in content['annotations']] == ignored
        assert {a['image_id'] for a in content['annotations']} == {content['images'][0]['id']}


def test_the_config_shows_the_network_photos_without_people_and_whom_to_ignore(source, tmp_path):
    datasets = pytest.importorskip('mmdet.datasets')
    split_teacher_boxes(source, tmp_path, positive=0.4, val_positive=0.5)
    cfg = Config.fromfile(CONFIG).train_dataloader.dataset.datasets[0]
    train = json.loads((tmp_path / cfg.ann_file).read_text())['images']
    for image in train:
        path = tmp_path / 'photos' / image['file_name']
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (image['width'], image['height'])).save(path)
    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = DATASETS.build(dict(cfg, data_root=str(tmp_path)))
    assert isinstance(dataset, datasets.CocoDataset)
    samples = [dataset[SeededIndex(index, (0, 0))]['data_samples'] for index in range(len(train))]
    assert all(sample.img_shape == (384, 384) for sample in samples)
    assert [sample.ori_shape for sample in samples] == [(60, 90)] * 3
    people = [(len(sample.gt_instances), len(sample.ignored_instances)) for sample in samples]
    assert people == [(2, 1), (0, 0), (2, 1)]


def test_a_tenth_of_the_names_is_for_validation_whatever_else_there_is():
    splits = [split_of(f'{number:04}.webp') for number in range(2000)]
    assert 160 < splits.count('val') < 240


def test_the_person_of_a_portrait_is_all_that_is_labelled(tmp_path):
    (tmp_path / 'photos').mkdir()
    for name, size in (('1.webp', (30, 40)), ('2.webp', (10, 20)), ('3.jpg', (10, 20))):
        Image.new('RGB', size).save(tmp_path / 'photos' / name)
    labels = np.zeros((40, 30), np.uint8)
    labels[5:12, 4:9] = 1
    labels[20:33, 7:21] = 3
    labels[33:, :] = 255
    write_label_map(tmp_path / 'labels/1.png', labels)
    write_label_map(tmp_path / 'labels/2.png', np.full((20, 10), 255, np.uint8))
    write_label_map(tmp_path / 'labels/3.png', np.full((20, 10), 2, np.uint8))
    add_companions(tmp_path)
    assert describe_portraits(tmp_path / 'photos', tmp_path / 'labels', tmp_path) == dict(train=2, val=0)
    content = read(tmp_path, 'train', 'portraits')
    assert content['images'] == [dict(id=1, file_name='1.webp', height=40, width=30),
                                 dict(id=3, file_name='3.jpg', height=20, width=10)]
    assert [(a['image_id'], a['bbox'], a['area'], a['iscrowd']) for a in content['annotations']] == [
        (1, [4, 5, 17, 28], 476, 0), (3, [0, 0, 10, 20], 200, 0)]


def test_portraits_without_photo_or_without_maps_are_refused(tmp_path):
    with pytest.raises(DataError, match='labels: no such folder'):
        describe_portraits(tmp_path / 'photos', tmp_path / 'labels', tmp_path)
    (tmp_path / 'labels').mkdir()
    with pytest.raises(DataError, match='labels: no PNG files'):
        describe_portraits(tmp_path, tmp_path / 'labels', tmp_path)
    write_label_map(tmp_path / 'labels/7.png', np.ones((4, 4), np.uint8))
    with pytest.raises(DataError, match=r'7\.png: no photo of this name'):
        describe_portraits(tmp_path, tmp_path / 'labels', tmp_path)


def turned(path, orientation, size):
    """A photo of that (width, height) as stored, and of this EXIF orientation."""
    picture = Image.new('RGB', size)
    exif = picture.getexif()
    exif[274] = orientation
    picture.save(path, exif=exif)


@pytest.mark.parametrize('orientation', [5, 6, 7, 8])
def test_a_turned_portrait_is_described_as_it_is_shown(tmp_path, orientation):
    turned(tmp_path / '1.jpg', orientation, (40, 30))
    labels = np.zeros((40, 30), np.uint8)
    labels[5:12, 4:9] = 1
    write_label_map(tmp_path / 'labels/1.png', labels)
    describe_portraits(tmp_path, tmp_path / 'labels', tmp_path)
    content = read(tmp_path, split_of('1.jpg'), 'portraits')
    assert content['images'] == [dict(id=1, file_name='1.jpg', height=40, width=30)]
    assert content['annotations'][0]['bbox'] == [4, 5, 5, 7]


@pytest.mark.parametrize(('orientation', 'stored', 'message'), [
    (6, (30, 40), 'stored turned'), (6, (40, 40), 'stored turned'), (3, (30, 40), 'stored turned'),
    (2, (30, 40), 'stored turned'), (6, (41, 30), 'stored turned'),
    (1, (40, 30), r'a label map of \(40, 30\) \(rows, columns\), but the photo has \(30, 40\)')])
def test_labels_that_may_lie_another_way_than_their_portrait_are_refused(tmp_path, orientation, stored, message):
    turned(tmp_path / '1.jpg', orientation, stored)
    write_label_map(tmp_path / 'labels/1.png', np.ones((40, 30 if 30 in stored else 40), np.uint8))
    with pytest.raises(DataError, match=message):
        describe_portraits(tmp_path, tmp_path / 'labels', tmp_path)
    assert not list(tmp_path.glob('portraits_*.json'))


def test_bad_input_is_named(source, tmp_path):
    with pytest.raises(InputError, match='positive'):
        split_teacher_boxes(source, tmp_path, positive=1.5, val_positive=0.5)
    with pytest.raises(DataError, match="set 'dmeo'"):
        split_teacher_boxes(source, tmp_path, positive=0.4, val_positive=0.5, left_out=['dmeo'])
    source.write_text(source.read_text().replace('"score"', '"trust"'))
    with pytest.raises(DataError, match=r"people\.json: not a file of scored boxes .*score"):
        split_teacher_boxes(source, tmp_path, positive=0.4, val_positive=0.5)
    assert not list(tmp_path.glob('people_*.json'))


def test_the_command(source, tmp_path, monkeypatch, capsys):
    def run(*args):
        monkeypatch.setattr('sys.argv', ['people_boxes.py', *map(str, args)])
        runpy.run_path(str(TOOL), run_name='__main__')

    run(source, tmp_path / 'out', '--left-out', 'demo', '--positive', '0.5')
    assert capsys.readouterr().out == 'train: 2 photos, val: 1 photo\n'
    assert [a['iscrowd'] for a in read(tmp_path / 'out', 'train')['annotations']] == [1, 1, 0]
    with pytest.raises(SystemExit, match='labels: no such folder'):
        run(tmp_path, tmp_path / 'out', '--portraits')
