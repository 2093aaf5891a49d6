"""Portraits with coarse labels: what each becomes, what is too doubtful, and the converted folder as training reads it."""
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from macos import add_companions
from mmengine.registry import DefaultScope
from pictures import jpeg_quality
from PIL import Image

from mmqanet.datasets import CCPSidesDataset
from mmqanet.datasets.ccp_sides import CCP_SIDES_CLASSES
from mmqanet.errors import DataError, InputError
from mmqanet.preparation.converters.base import convert
from mmqanet.preparation.converters.portraits import IGNORE, PARTIAL, PortraitsConverter, join, read_photo

LEFT_FACE, TORSO = 1, 13
HAIR, FACE = CCP_SIDES_CLASSES.index('hair'), CCP_SIDES_CLASSES.index('face')


def portrait() -> tuple[np.ndarray, np.ndarray]:
    """Hair over a face of 50 rows (20 to 69), a neck, clothing, and a rim of doubt."""
    labels, parts = np.zeros((2, 100, 80), np.uint8)
    labels[5:20, 20:60] = 1
    labels[20:70, 20:60] = 3
    labels[70:80, 30:50] = 3
    labels[80:, 10:70] = 2
    labels[5:80, 60:62] = 255
    parts[5:70, 15:65], parts[70:, 10:70] = LEFT_FACE, TORSO
    return labels, parts


def test_what_each_label_becomes():
    labels, parts = portrait()
    joined = join(labels, parts)
    assert (joined[5:20, 20:60] == HAIR).all()
    assert (joined[20:50, 20:60] == PARTIAL['face or eyewear']).all()
    assert (joined[50:70, 20:60] == FACE).all()  # below 60 % of the face: no glasses
    assert (joined[70:80, 30:50] == PARTIAL['skin']).all()
    assert (joined[80:, 10:70] == PARTIAL['clothing']).all()
    assert (joined[5:80, 60:62] == IGNORE).all()
    assert (joined[labels == 0] == 0).all()


def test_a_beard_is_face_and_glasses_are_unknown():
    labels, parts = portrait()
    labels[60:68, 30:50] = 1  # a beard
    labels[30:36, 25:35] = 1  # a dark lens
    labels[30:36, 45:55] = 2  # the other, taken for clothing
    labels[20:40, 20:22] = 1  # hair that hangs from the head
    labels[45:50, 20:22] = 3
    joined = join(labels, parts)
    assert (joined[60:68, 30:50] == FACE).all()
    assert (joined[30:36, 25:35] == IGNORE).all()
    assert (joined[30:36, 45:55] == IGNORE).all()
    assert (joined[20:40, 20:22] == HAIR).all()


def test_a_beard_that_hangs_together_with_the_hair_is_unknown():
    labels, parts = portrait()
    labels[20:68, 58:60] = 1  # down the temple
    labels[64:68, 30:60] = 1
    joined = join(labels, parts)
    assert (joined[64:68, 30:58] == IGNORE).all()
    assert (joined[20:60, 58:60] == HAIR).all()


def test_where_glasses_are_and_where_not():
    labels, parts = portrait()
    labels[30:36, 25:35] = 2  # a dark lens
    labels[10:14, 30:40] = 2  # a hair band
    labels[60:64, 30:40] = 2
    with_glasses, without = join(labels, parts, glasses=True), join(labels, parts, glasses=False)
    unknown = join(labels, parts)
    assert (with_glasses[30:36, 25:35] == CCP_SIDES_CLASSES.index('eyewear')).all()
    for joined in (without, unknown):
        assert (joined[30:36, 25:35] == IGNORE).all()
    assert (without[20:30, 20:60] == FACE).all()
    for joined in (with_glasses, unknown):
        assert (joined[20:30, 20:60] == PARTIAL['face or eyewear']).all()
    for joined in (with_glasses, without, unknown):
        assert (joined[10:14, 30:40] == IGNORE).all()
        assert (joined[60:64, 30:40] == IGNORE).all()
        assert (joined[65:70, 20:60] == FACE).all()


def test_no_face_no_sample():
    labels, parts = portrait()
    assert join(labels, np.zeros_like(parts)) is None


@pytest.fixture
def archive(tmp_path):
    labels, parts = portrait()
    for folder in ('photos', 'labels', 'bodypix'):
        (tmp_path / 'portraits' / folder).mkdir(parents=True)
    for name in ('a', 'b', 'c', 'd'):
        image = np.random.default_rng(ord(name)).integers(0, 256, (100, 80, 3), np.uint8)
        Image.fromarray(image).save(tmp_path / f'portraits/photos/{name}.webp')
        Image.fromarray(labels).save(tmp_path / f'portraits/labels/{name}.png')
        Image.fromarray(parts).save(tmp_path / f'portraits/bodypix/{name}.png')
    return tmp_path / 'portraits'


def test_training_reads_a_converted_folder(archive, tmp_path):
    add_companions(archive)
    train, val = convert(PortraitsConverter(source=archive, val=1), tmp_path / 'out', show_progress=False)
    assert (len(train.done), len(val.done), len(train.failed)) == (3, 1, 0)
    assert len(json.loads((tmp_path / 'out/annotations/portraits_train.json').read_text())['images']) == 3
    assert {jpeg_quality(path) for path in (tmp_path / 'out').rglob('*.jpg')} == {95}
    with DefaultScope.overwrite_default_scope('mmqanet'):
        dataset = CCPSidesDataset(
            ann_file='annotations/portraits_train.json', data_root=str(tmp_path / 'out'),
            data_prefix=dict(img='Training/Images', category='Training/Category_ids', human='Training/Human_ids'),
            pipeline=[dict(type='LoadImage'), dict(type='LoadPersonMap')])
    sample = dataset[0]
    assert sample['img'].shape == (100, 80, 3)
    assert (sample['gt_map'] == join(*portrait())).all()  # doubt as well, which lies in the person map
    assert sample['bboxes'].tolist() == [[10, 5, 70, 100]]


def test_a_list_of_who_wears_glasses(archive, tmp_path):
    (tmp_path / 'glasses.txt').write_text('a\nb\n')
    words = [str(archive), str(tmp_path / 'out'), '--val', '1', '--workers', '1', '--glasses', str(tmp_path / 'glasses.txt')]
    script = runpy.run_path(str(Path(__file__).resolve().parents[3] / 'tools/dataset_converters/portraits.py'))
    assert script['main'](words) == 0
    labels = {path.stem: np.array(Image.open(path)) for path in (tmp_path / 'out').glob('*/Category_ids/*.png')}
    for name in 'abcd':
        assert (labels[name] == join(*portrait(), glasses=name in 'ab')).all()
    assert script['main'](words[:-2]) == 1  # another conversion than the folder holds


def test_archives_with_faults(archive, tmp_path):
    converter = PortraitsConverter(source=archive, val=1)
    (archive / 'photos/a.webp').unlink()
    Image.fromarray(np.zeros((50, 80), np.uint8)).save(archive / 'labels/b.png')
    (archive / 'photos/c.webp').write_bytes(b'no picture')
    reports = convert(converter, tmp_path / 'out', show_progress=False)
    faults = {outcome.name: outcome.error for report in reports for outcome in report.failed}
    assert set(faults) == {'a', 'b', 'c'}
    assert '0 files called a' in faults['a']
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.new('RGB', (80, 100)).save(archive / 'photos/b.webp', exif=exif)
    with pytest.raises(DataError, match=r'photos/b\.webp: the image is stored turned'):
        converter.load(converter.splits[0], 'b')
    with pytest.raises(InputError, match=r'val must be in \[0, 3\]'):
        convert(PortraitsConverter(source=archive, val=4), tmp_path / 'two', show_progress=False)
    with pytest.raises(DataError, match='labels: no such folder'):
        convert(PortraitsConverter(source=tmp_path), tmp_path / 'three', show_progress=False)


def test_a_photo_that_is_no_whole_picture_is_named(tmp_path):
    path = tmp_path / 'a.jpg'
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)).save(path)
    whole = path.read_bytes()
    assert read_photo(tmp_path, 'a').shape == (40, 30, 3)
    place = whole.index(b'\xff\xc0') + 5  # of height and width
    broken = {b'': 'no known format', b'no picture': 'no known format', whole[:-400]: 'truncated',
              whole[:place] + b'\xfd\xe8\xfd\xe8' + whole[place + 4:]: 'exceeds limit', whole[:30]: ''}
    for content, reason in broken.items():
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf'a\.jpg: the image cannot be read \(.*{reason}'):
            read_photo(tmp_path, 'a')
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new('RGB', (4, 3)).save(path, exif=exif)
    with pytest.raises(DataError, match=r'a\.jpg: the image is stored turned'):
        read_photo(tmp_path, 'a')
    path.with_suffix('.png').touch()
    for name, number in (('a', 2), ('b', 0)):
        with pytest.raises(DataError, match=f'{number} files called {name}, but one is needed'):
            read_photo(tmp_path, name)
