"""The toy data set on disk: layout, same bytes for the same seed, going on after an interruption."""
import importlib.util
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import jpeg_quality

from mmqanet.datasets import CIHPDataset
from mmqanet.errors import DataError, InputError
from mmqanet.preparation.toy import draw_toy_dataset, writer

ARGS = dict(num_train=6, num_val=3, size=((64, 48), (96, 72)), seed=3, progress=False)
TOOL = Path(__file__).resolve().parents[3] / 'tools/dataset_converters/draw_toy.py'


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob('*')) if path.is_file()}


@pytest.fixture(scope='module')
def drawn(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('toy')
    draw_toy_dataset(root, **ARGS)
    return root


def test_layout(drawn):
    names = {f'Training/{name}' for name in (f'train_{i:06d}' for i in range(1, 7))}
    names |= {f'Validation/{name}' for name in (f'val_{i:06d}' for i in range(1, 4))}
    expected = {'conversion.json', 'annotations/toy_train.json', 'annotations/toy_val.json'}
    for name in names:
        split, stem = name.split('/')
        expected |= {f'{split}/Images/{stem}.jpg', f'{split}/Category_ids/{stem}.png', f'{split}/Human_ids/{stem}.png',
                     f'{split}/Instance_ids/{stem}.png', f'{split}/Instance_ids/{stem}.txt'}
    assert set(tree(drawn)) == expected


@pytest.mark.parametrize(('split', 'short', 'count'), [('Training', 'train', 6), ('Validation', 'val', 3)])
def test_files_agree(drawn, split, short, count):
    content = json.loads((drawn / f'annotations/toy_{short}.json').read_text())
    assert [(c['id'], c['name']) for c in content['categories']] == [(1, 'person')]
    assert len(content['images']) == count
    people = 0
    for image in content['images']:
        stem = Path(image['file_name']).stem
        picture = cv2.imread(str(drawn / split / 'Images' / image['file_name']))
        category, human, instance = (cv2.imread(str(drawn / split / folder / f'{stem}.png'), cv2.IMREAD_UNCHANGED)
                                     for folder in ('Category_ids', 'Human_ids', 'Instance_ids'))
        shape = image['height'], image['width']
        assert picture.shape[:2] == category.shape == human.shape == instance.shape == shape
        np.testing.assert_array_equal(instance, np.where(human > 0, 20 * (human.astype(int) - 1) + category, 0))
        lines = (drawn / split / 'Instance_ids' / f'{stem}.txt').read_text().splitlines()
        rows = sorted({(int(i), int(c), int(h)) for i, c, h in zip(instance.flat, category.flat, human.flat) if i})
        assert [tuple(map(int, line.split())) for line in lines] == rows
        annotations = [a for a in content['annotations'] if a['image_id'] == image['id']]
        assert [a['parsing_id'] for a in annotations] == list(range(1, human.max() + 1))
        for annotation in annotations:
            ys, xs = np.nonzero(human == annotation['parsing_id'])
            assert annotation['bbox'] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]
            assert (annotation['area'], annotation['category_id'], annotation['iscrowd']) == (len(xs), 1, 0)
            people += 1
    assert people == len(content['annotations']) == len({a['id'] for a in content['annotations']})


def test_sizes_vary_within_the_range(drawn):
    images = json.loads((drawn / 'annotations/toy_train.json').read_text())['images']
    sizes = {(image['width'], image['height']) for image in images}
    assert len(sizes) > 1
    assert all(64 <= width <= 96 and 48 <= height <= 72 for width, height in sizes)


def test_pictures_are_jpegs_of_quality_92(drawn):
    assert jpeg_quality(drawn / 'Training/Images/train_000001.jpg') == 92


def test_reads_as_a_data_set(drawn):
    prefix = dict(img='Validation/Images', category='Validation/Category_ids', human='Validation/Human_ids')
    dataset = CIHPDataset(ann_file='annotations/toy_val.json', data_root=str(drawn), data_prefix=prefix)
    people = json.loads((drawn / 'annotations/toy_val.json').read_text())['annotations']
    assert len(dataset) == len(people) > 0


def test_same_bytes_with_any_number_of_workers(drawn, tmp_path):
    draw_toy_dataset(tmp_path, **ARGS, num_workers=2)
    assert tree(tmp_path) == tree(drawn)


def test_another_seed_and_the_other_split_give_other_pictures(drawn, tmp_path):
    draw_toy_dataset(tmp_path, **{**ARGS, 'seed': 4, 'num_train': 1, 'num_val': 1})
    pictures = [drawn / 'Training/Images/train_000001.jpg', drawn / 'Validation/Images/val_000001.jpg',
                tmp_path / 'Training/Images/train_000001.jpg', tmp_path / 'Validation/Images/val_000001.jpg']
    assert len({path.read_bytes() for path in pictures}) == 4


def test_goes_on_after_an_interruption(drawn, tmp_path, monkeypatch):
    draw, calls = writer.draw_scene, []

    def interrupted(*args, **kwargs):
        calls.append(args)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return draw(*args, **kwargs)

    monkeypatch.setattr(writer, 'draw_scene', interrupted)
    with pytest.raises(KeyboardInterrupt):
        draw_toy_dataset(tmp_path, **ARGS)
    whole, left = tree(drawn), tree(tmp_path)
    assert len(left) == 1 + 3 * 5
    assert left.items() <= whole.items(), 'whole files only'
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.png')}
    draw_toy_dataset(tmp_path, **ARGS)
    assert len(calls) == 4 + 6, 'three pictures of nine are kept'
    assert tree(tmp_path) == whole
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_lost_file_is_drawn_again(tmp_path):
    draw_toy_dataset(tmp_path, **{**ARGS, 'num_train': 2, 'num_val': 1})
    whole = tree(tmp_path)
    (tmp_path / 'Training/Instance_ids/train_000002.txt').unlink()
    draw_toy_dataset(tmp_path, **{**ARGS, 'num_train': 2, 'num_val': 1})
    assert tree(tmp_path) == whole


@pytest.mark.parametrize('change', [dict(seed=4), dict(num_train=7), dict(size=(64, 48)), dict(max_people=2)])
def test_other_arguments_do_not_mix(drawn, change):
    before = tree(drawn)
    with pytest.raises(DataError, match=str(drawn)):
        draw_toy_dataset(drawn, **{**ARGS, **change})
    assert tree(drawn) == before


@pytest.mark.parametrize(('name', 'value'), [
    ('num_train', 0), ('num_val', -1), ('num_train', 2.5), ('seed', -1), ('num_workers', -1), ('max_people', 0),
    ('size', (320, 10)), ('size', ((96, 72), (64, 48))), ('size', (320, 240, 160))])
def test_bad_arguments_write_nothing(tmp_path, name, value):
    with pytest.raises(InputError, match=name):
        draw_toy_dataset(tmp_path / 'toy', **{**ARGS, name: value})
    assert not (tmp_path / 'toy').exists()


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('draw_toy', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_command_line(drawn, tmp_path, tool, capsys):
    argv = [str(tmp_path), '--num-train', '6', '--num-val', '3', '--size', '64x48-96x72', '--seed', '3', '--workers', '1']
    assert tool.main(argv) == 0
    assert tree(tmp_path) == tree(drawn)
    assert 'Training: 6 of 6 images' in capsys.readouterr().out
    assert tool.main([*argv[:-4], '--seed', '5', '--workers', '1']) == 1
    assert str(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize('text', ['320', '320x240x3', 'axb', '64x48-96x72-128x96'])
def test_bad_size_on_the_command_line(tmp_path, tool, capsys, text):
    assert tool.main([str(tmp_path / 'toy'), '--size', text]) == 1
    assert 'size' in capsys.readouterr().err
    assert not (tmp_path / 'toy').exists()


def test_a_picture_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'Training/Images/train_000001.jpg').mkdir(parents=True)
    with pytest.raises(DataError, match=rf'^{tmp_path}: train_000001: '):
        draw_toy_dataset(tmp_path, num_train=1, num_val=1, size=(64, 64), progress=False)
