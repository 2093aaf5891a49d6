"""Labels of one's own: folders in, a JSON out that the data set class reads."""
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from macos import add_companions
from mmengine.registry import DefaultScope
from PIL import Image

from mmqanet.datasets import HumanParsingDataset

TOOL = Path(__file__).resolve().parents[3] / 'tools/dataset_converters/label_maps.py'


def turn(path: Path, orientation: int, size: tuple[int, int] = (30, 20)) -> None:
    """A photo of that (width, height) as stored, and of this orientation."""
    picture = Image.new('RGB', size)
    exif = picture.getexif()
    exif[274] = orientation
    picture.save(path, exif=exif)


@pytest.fixture
def folders(tmp_path):
    """Two images, one in a sub-folder; two people side by side in each: classes 1 above 2."""
    category, human = np.zeros((20, 30), np.uint8), np.zeros((20, 30), np.uint8)
    human[2:18, 2:8], human[2:18, 12:22] = 1, 4
    category[2:10], category[10:18] = 1, 2
    category *= human > 0
    for name in ('a.jpg', 'day1/b.PNG'):
        for kind, array in (('photos', np.zeros((20, 30, 3), np.uint8)), ('labels', category), ('people', human)):
            path = tmp_path / kind / (name if kind == 'photos' else Path(name).with_suffix('.png'))
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(path)
    (tmp_path / 'photos/notes.txt').write_text('not an image')
    return tmp_path


@pytest.fixture
def run(folders):
    main = runpy.run_path(str(TOOL))['main']
    places = [str(folders / name) for name in ('photos', 'labels', 'out/mine.json')]
    return lambda *options: main([*places, '--classes', '3', '--workers', '1', *options])


def people(folders, **prefix):
    meta = dict(classes=('background', 'top', 'bottom'), palette=((0, 0, 0), (9, 9, 9), (99, 99, 99)))
    with DefaultScope.overwrite_default_scope('mmqanet'):
        dataset = HumanParsingDataset(
            ann_file='out/mine.json', data_root=str(folders), metainfo=meta,
            data_prefix=dict(img='photos', category='labels', **prefix),
            pipeline=[dict(type='LoadImage'), dict(type='LoadPersonMap')])
        return [dataset[i] for i in range(len(dataset))]


def test_one_person_an_image(folders, run):
    assert run() == 0
    samples = people(folders)
    assert [sample['bboxes'].tolist() for sample in samples] == [[[2, 2, 22, 18]]] * 2
    assert [sample['name'] for sample in samples] == ['a', 'day1/b']
    assert (samples[1]['gt_map'] > 0).sum() == 16 * 16


def test_several_people_and_their_parts(folders, run):
    assert run('--people', str(folders / 'people'), '--parts', str(folders / 'parts')) == 0
    samples = people(folders, human='people')
    assert [sample['bboxes'].tolist() for sample in samples] == [[[2, 2, 8, 18]], [[12, 2, 22, 18]]] * 2
    assert [sample['parsing_ids'].tolist() for sample in samples] == [[1], [4]] * 2
    assert (folders / 'parts/day1/b.txt').read_text() == '1 1 1\n2 2 1\n10 1 4\n11 2 4\n'
    ids = np.array(Image.open(folders / 'parts/day1/b.png'))
    assert (ids[3, 3], ids[11, 13], ids[0, 0]) == (1, 11, 0)


@pytest.mark.parametrize(('damage', 'message'), [
    (lambda root: (root / 'labels/a.png').unlink(), r'labels/a.png: no such file'),
    (lambda root: Image.new('L', (30, 20)).save(root / 'labels/a.png'), 'a.png: the person has no pixel'),
    (lambda root: Image.new('L', (30, 20), 3).save(root / 'labels/a.png'), 'a: category 3 is outside [0, 3)'),
    (lambda root: Image.new('L', (20, 30), 1).save(root / 'labels/a.png'), 'a: category map of (30, 20)'),
    (lambda root: (root / 'photos/a.jpg').write_bytes(b'x'), 'photos/a.jpg: not readable as an image'),
    (lambda root: Image.new('L', (30, 20), 255).save(root / 'labels/a.png'), 'labels/a.png: holds 0 and 255 only'),
    *[(lambda root, orientation=orientation: turn(root / 'photos/a.jpg', orientation),
       f'photos/a.jpg: the image is stored turned (EXIF orientation {orientation})') for orientation in range(2, 9)],
])
def test_what_is_wrong_is_named_and_the_rest_described(folders, run, capsys, damage, message):
    damage(folders)
    assert run() == 1
    assert message in capsys.readouterr().out
    content = json.loads((folders / 'out/mine.json').read_text())
    assert [image['file_name'] for image in content['images']] == ['day1/b.PNG']
    assert run('--allow-incomplete') == 0


def test_photos_of_all_suffixes_and_behind_links_are_described_and_hidden_ones_are_not(folders, run, tmp_path, capsys):
    (folders / 'photos/a.jpg').rename(folders / 'photos/a.JFIF')
    for kind in ('photos', 'labels'):
        (folders / kind / 'day1').rename(tmp_path / f'{kind}_elsewhere')
        (folders / kind / 'day1').symlink_to(tmp_path / f'{kind}_elsewhere')
        add_companions(folders / kind)
        add_companions(tmp_path / f'{kind}_elsewhere')
    (folders / 'photos/back').symlink_to(folders / 'photos')
    assert run() == 0
    assert [image['file_name'] for image in json.loads((folders / 'out/mine.json').read_text())['images']] == [
        'a.JFIF', 'day1/b.PNG']
    told = capsys.readouterr().out
    assert 'left out: 1 file of another kind' in told
    assert 'photos/back: left out, leads to a folder that is read already' in told
    assert [sample['name'] for sample in people(folders)] == ['a', 'day1/b']


def test_labels_of_a_turned_photo_are_taken_where_their_size_tells(folders, run):
    """Stored as 20x30, shown as 30x20: the labels are of what is shown."""
    turn(folders / 'photos/a.jpg', 6, size=(20, 30))
    assert run() == 0
    image, _ = json.loads((folders / 'out/mine.json').read_text())['images']
    assert (image['file_name'], image['height'], image['width']) == ('a.jpg', 20, 30)
    assert people(folders)[0]['img'].shape == (20, 30, 3)


@pytest.mark.parametrize('orientation', [3, 6])
def test_labels_of_a_turned_square_photo_could_be_either(folders, run, capsys, orientation):
    turn(folders / 'photos/a.jpg', orientation, size=(20, 20))
    Image.new('L', (20, 20), 1).save(folders / 'labels/a.png')
    assert run() == 1
    assert 'a.jpg: the image is stored turned' in capsys.readouterr().out


def test_an_empty_folder_is_one_line(folders, run, capsys):
    for path in (folders / 'photos/a.jpg', folders / 'photos/day1/b.PNG'):
        path.unlink()
    assert run() == 1
    assert capsys.readouterr().err.startswith(f'error: {folders}/photos: no images (.jpg')


@pytest.mark.parametrize('output', ['photos/a.jpg', 'labels/a.png', 'people/day1/b.png'])
def test_the_json_overwrites_no_input(folders, capsys, output):
    before = (folders / output).read_bytes()
    main = runpy.run_path(str(TOOL))['main']
    assert main([str(folders / 'photos'), str(folders / 'labels'), str(folders / output), '--classes', '3', '--people',
                 str(folders / 'people'), '--workers', '1']) == 1
    assert 'the output would overwrite' in capsys.readouterr().err
    assert (folders / output).read_bytes() == before


@pytest.mark.parametrize('folder', ['labels', 'people', 'link'])
def test_part_ids_overwrite_no_maps(folders, run, capsys, folder):
    (folders / 'link').symlink_to(folders / 'people')
    before = (folders / folder / 'a.png').read_bytes()
    assert run('--people', str(folders / 'people'), '--parts', str(folders / folder)) == 1
    assert 'the output would overwrite' in capsys.readouterr().err
    assert (folders / folder / 'a.png').read_bytes() == before
