"""Composed crowds on disk: splits apart, boxes of what is visible, same bytes for the same arguments."""
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from pictures import jpeg_quality

from mmqanet.datasets import HumanParsingDataset
from mmqanet.errors import DataError, InputError
from mmqanet.preparation.crowds import compose_crowds, writer
from mmqanet.preparation.crowds.photos import CCP_ALONE, CCP_SPLIT
from mmqanet.preparation.crowds.writer import split_photos

SIZES = [(72, 114), (134, 88), (75, 101), (117, 107), (137, 93), (99, 82), (115, 89), (88, 102), (137, 105), (108, 77),
         (92, 98)]
CLASS_COUNTS, PEOPLE = [67166, 8767, 27918, 8030], [5, 6, 3, 6, 3, 1, 3, 3, 3, 1, 3]
COLOURS, CONTRASTS = [78.859, 124.046, 129.328], [54.866, 65.925, 72.014]
ARGS = dict(num_train=6, num_val=5, num_classes=4, long_sides=(96, 140), seed=2, show_progress=False)


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob('*')) if path.is_file()}


@pytest.fixture(scope='module')
def composed(source, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('crowds')
    reports = compose_crowds(source, root, **ARGS)
    assert [len(report.done) for report in reports] == [6, 5]
    return root


def test_training_photos_stay_in_training(composed):
    for split, person, other in (('Training', 2, 0), ('Validation', 0, 2)):
        seen = 0
        for path in sorted((composed / split / 'Images').glob('*.jpg')):
            image = cv2.imread(str(path)).astype(int)
            human = cv2.imread(str(composed / split / 'Human_ids' / f'{path.stem}.png'), cv2.IMREAD_UNCHANGED)
            inner = cv2.erode((human > 0).astype(np.uint8), np.ones((5, 5))) > 0
            assert (image[inner][:, person] > image[inner][:, other]).all()
            yellow = image[human == 0].mean(axis=0)
            assert (yellow[2] > 0.7 * yellow[1]) == (split == 'Validation')
            seen += np.count_nonzero(inner)
        assert seen > 1000


@pytest.mark.parametrize(('split', 'short'), [('Training', 'train'), ('Validation', 'val')])
def test_boxes_are_the_visible_extents(composed, split, short):
    content = json.loads((composed / f'annotations/crowds_{short}.json').read_text())
    sizes, people = set(), 0
    for image in content['images']:
        path = composed / split / 'Human_ids' / image['file_name'].replace('jpg', 'png')
        human = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert human.shape == (image['height'], image['width'])
        sizes.add(human.shape)
        annotations = [one for one in content['annotations'] if one['image_id'] == image['id']]
        assert [one['parsing_id'] for one in annotations] == list(range(1, human.max() + 1))
        for one in annotations:
            ys, xs = np.nonzero(human == one['parsing_id'])
            assert one['bbox'] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]
            assert one['area'] == len(xs) >= 0.003 * human.size
            people += 1
    assert all(96 <= max(size) <= 140 for size in sizes)
    assert any(h > w for h, w in sizes)
    assert any(w > h for h, w in sizes)
    assert people > 5


def test_pictures_of_a_version_stay_the_same(composed):
    """Old and new pictures do not mix in a folder, because a change that alters them raises ``VERSION``: then so do these
    sums, of the sizes, of pixels by class, of people, and of brightness by colour."""
    assert writer.VERSION == 2
    images = [cv2.imread(str(path)) for path in sorted(composed.glob('*/Images/*.jpg'))]
    labels, people = ([cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(composed.glob(f'*/{kind}/*.png'))]
                      for kind in ('Category_ids', 'Human_ids'))
    assert [image.shape[:2] for image in images] == SIZES
    counts = np.bincount(np.concatenate([one.ravel() for one in labels]), minlength=4)
    np.testing.assert_allclose(counts, CLASS_COUNTS, rtol=0.002, atol=20)
    assert [int(one.max()) for one in people] == PEOPLE
    pixels = np.concatenate([one.reshape(-1, 3) for one in images]).astype(float)
    np.testing.assert_allclose(pixels.mean(0), COLOURS, atol=0.05)
    np.testing.assert_allclose(pixels.std(0), CONTRASTS, atol=0.05)


def test_pictures_are_jpegs_of_qualities_from_86_to_95(composed):
    qualities = {jpeg_quality(path) for path in (composed / 'Training/Images').glob('*.jpg')}
    assert qualities <= set(range(86, 96))
    assert len(qualities) > 2


def test_reads_as_a_data_set(composed):
    prefix = {kind: f'Training/{folder}' for kind, folder in
              dict(img='Images', category='Category_ids', human='Human_ids', instance='Instance_ids').items()}
    with DefaultScope.overwrite_default_scope('mmqanet'):
        dataset = HumanParsingDataset(
            ann_file='annotations/crowds_train.json', data_root=str(composed), data_prefix=prefix, test_mode=True,
            metainfo=dict(classes=('background', 'a', 'b', 'c'), palette=((0, 0, 0),) * 4, flip_pairs=()),
            pipeline=[dict(type='LoadImage'), dict(type='LoadImageMaps')])
    assert len(dataset) == 6
    assert all(dataset[index]['img'] is not None for index in range(6))


def test_same_bytes_with_any_number_of_workers(source, composed, tmp_path):
    compose_crowds(source, tmp_path, **ARGS, workers=2)
    assert tree(tmp_path) == tree(composed)


def test_goes_on_where_a_file_is_missing(source, composed, tmp_path):
    shutil.copytree(composed, tmp_path / 'again')
    (tmp_path / 'again/Training/Category_ids/train_000002.png').unlink()
    reports = compose_crowds(source, tmp_path / 'again', **ARGS)
    assert tree(tmp_path / 'again') == tree(composed)
    assert sum(outcome.kept for outcome in reports[0].done) == 5


@pytest.mark.parametrize('change', [dict(seed=3), dict(num_train=7), dict(long_sides=(96, 141)), dict(flip_pairs=((1, 2),))])
def test_other_arguments_do_not_mix(source, composed, change):
    before = tree(composed)
    with pytest.raises(DataError, match=str(composed)):
        compose_crowds(source, composed, **{**ARGS, **change})
    assert tree(composed) == before


@pytest.mark.parametrize(('name', 'value'), [
    ('num_train', 0), ('num_val', 1.5), ('seed', -1), ('workers', -1), ('num_classes', 1), ('long_sides', (200, 100)),
    ('long_sides', (10, 100))])
def test_bad_arguments_write_nothing(source, tmp_path, name, value):
    with pytest.raises(InputError, match=name):
        compose_crowds(source, tmp_path / 'crowds', **{**ARGS, name: value})
    assert not (tmp_path / 'crowds').exists()


def test_a_photo_in_both_splits_is_refused(source, tmp_path):
    mixed = tmp_path / 'mixed'
    shutil.copytree(source, mixed)
    shutil.copy(mixed / 'Training/Images/train3.jpg', mixed / 'Validation/Images/val1.jpg')
    with pytest.raises(DataError, match=r'val1.*train3'):
        compose_crowds(mixed, tmp_path / 'crowds', **ARGS)
    assert not (tmp_path / 'crowds').exists()


def test_no_photos_and_broken_photos_are_named(source, tmp_path):
    with pytest.raises(DataError, match='Training'):
        compose_crowds(tmp_path / 'nothing', tmp_path / 'crowds', **ARGS)
    broken = tmp_path / 'broken'
    shutil.copytree(source, broken)
    for path in (broken / 'Training/Human_ids').glob('*.png'):
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=r'train_000001: .*Human_ids.train\d.png'):
        compose_crowds(broken, tmp_path / 'crowds', **ARGS)


def test_what_is_known_by_eye_holds_for_clothing_co_parsing_only(tmp_path):
    (tmp_path / 'Training/Images').mkdir(parents=True)
    names = ('0002', '0005', '0870')
    for name in names:
        (tmp_path / f'Training/Images/{name}.jpg').touch()
    assert '0002' in CCP_ALONE
    assert '0005' not in CCP_ALONE
    assert '0870' in CCP_SPLIT
    photos = split_photos(tmp_path, 'Training')
    assert photos.people == photos.backdrops == names
    (tmp_path / 'conversion.json').write_text('{"converter": "ccp"}')
    photos = split_photos(tmp_path, 'Training')
    assert (photos.people, photos.backdrops) == (('0002', '0005'), ('0002',))
    for name in ('0002', '0005'):
        (tmp_path / f'Training/Images/{name}.jpg').unlink()
    with pytest.raises(DataError, match='Training: no photo that could be cut out, or none that could be a backdrop'):
        split_photos(tmp_path, 'Training')
