"""Faces: the official layouts of four data sets, classes by name, and boxes of heads."""
import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from macos import add_companions
from mmengine.config import Config
from PIL import Image

from mmqanet.datasets.faces import CELEBAMASK_CLASSES, IBUGMASK_14_CLASSES, LAPA_CLASSES
from mmqanet.errors import DataError
from mmqanet.preparation.converters.base import convert
from mmqanet.preparation.converters.celebamask_hq import PARTS, CelebAMaskHQConverter
from mmqanet.preparation.converters.helen import HelenConverter, RelabelledHelenConverter
from mmqanet.preparation.converters.ibugmask import IBugMask14Converter, IBugMaskConverter
from mmqanet.preparation.converters.lapa import LaPaConverter, LaPaLandmarksConverter
from mmqanet.preparation.converters.verify import verify
from mmqanet.utils.files import read_label_map

REPO = Path(__file__).resolve().parents[3]
SIZE = 40, 32  # rows, columns


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array.astype(np.uint8)).save(path)


def photo(path, size=SIZE):
    save(path, np.random.default_rng(len(path.stem)).integers(0, 256, (*size, 3)))


def face(classes=11):
    """A head in rows 5 to 24, columns 8 to 27, of all classes."""
    labels = np.zeros(SIZE, np.uint8)
    labels[5:25, 8:28] = 1
    for label in range(2, classes):
        labels[6 + label, 10:20] = label
    return labels


def lapa(root):
    for split in ('train', 'val', 'test'):
        for name in ('a', 'b'):
            photo(root / f'LaPa/{split}/images/{name}.jpg')
            save(root / f'LaPa/{split}/labels/{name}.png', face())
            path = root / f'LaPa/{split}/landmarks/{name}.txt'
            path.parent.mkdir(exist_ok=True)
            path.write_text('3\n10.0 8.0\n20.0 8.0\n15.0 28.0\n')


def helen(root):
    labels = face()
    for number, (listing, name) in enumerate(dict(exemplars='e_1', tuning='u_1', testing='t_1').items()):
        photo(root / f'images/{name}.jpg')
        for label in range(11):
            save(root / f'labels/{name}/{name}_lbl{label:02d}.png', np.where(labels == label, 200, 20))
        (root / f'{listing}.txt').write_text(f'{number} , {name}\n')


def relabelled_helen(root):
    for split in ('train', 'tune', 'test'):
        photo(root / f'{split}/a_image.jpg')
        save(root / f'{split}/a_label.png', face())


def ibugmask(root):
    for split in ('train', 'test'):
        photo(root / f'{split}/a.jpg')
        save(root / f'{split}/a.png', face(14))


def celebamask(root):
    """Portraits 0, 1 and 2001 for training, validation and testing, twice as large as their masks."""
    folder = root / 'CelebAMask-HQ'
    for number in (0, 1, 2001):
        photo(folder / f'CelebA-HQ-img/{number}.jpg', size=(80, 64))
        for index, part in enumerate(PARTS):
            mask = np.zeros(SIZE, np.uint8)
            mask[2 * index:2 * index + 3, 4:30] = 255
            save(folder / f'CelebAMask-HQ-mask-anno/{number // 2000}/{number:05d}_{part}.png', mask)
    (folder / 'CelebA-HQ-to-CelebA-mapping.txt').write_text(
        'idx     orig_idx  orig_file\n0 162770 162771.jpg\n1 162771 162772.jpg\n2001 182638 182639.jpg\n')


ALL = {
    LaPaConverter: (lapa, 'lapa', LAPA_CLASSES), LaPaLandmarksConverter: (lapa, 'lapa', LAPA_CLASSES),
    HelenConverter: (helen, 'helen', LAPA_CLASSES), RelabelledHelenConverter: (relabelled_helen, 'helen', LAPA_CLASSES),
    IBugMaskConverter: (ibugmask, 'ibugmask', LAPA_CLASSES),
    IBugMask14Converter: (ibugmask, 'ibugmask', IBUGMASK_14_CLASSES),
    CelebAMaskHQConverter: (celebamask, 'celebamask_hq', CELEBAMASK_CLASSES)}
CONFIGS = {
    LaPaConverter: 'qanet_r50_lapa-448x448', HelenConverter: 'qanet_r50_helen-448x448',
    IBugMaskConverter: 'qanet_r50_ibugmask-448x448', IBugMask14Converter: 'qanet_r50_ibugmask-14-448x448',
    CelebAMaskHQConverter: 'qanet_r50_celebamask-hq-448x448'}


def run(kind, root, target):
    return convert(kind(source=root), target, show_progress=False)


def heads(target, title, split):
    return json.loads((target / f'annotations/{title}_{split}.json').read_text())['annotations']


@pytest.mark.parametrize('kind', ALL, ids=lambda kind: kind.__name__)
def test_every_split_is_converted_and_agrees_with_itself(kind, tmp_path):
    make, _, classes = ALL[kind]
    make(tmp_path / 'in')
    add_companions(tmp_path / 'in')
    reports = run(kind, tmp_path / 'in', tmp_path / 'out')
    assert not any(report.failed or report.fault for report in reports)
    assert all(report.done for report in reports)
    assert kind(source=tmp_path).num_classes == len(classes)
    assert not any(report.failed or report.fault
                   for report in verify(kind(source=Path()), tmp_path / 'out', show_progress=False))
    again = run(kind, tmp_path / 'in', tmp_path / 'out')
    assert all(outcome.kept for report in again for outcome in report.done)
    assert [report.done[0].people for report in again] == [report.done[0].people for report in reports]


def test_landmarks_are_needed_for_boxes_around_them_only(tmp_path):
    lapa(tmp_path / 'in')
    shutil.rmtree(tmp_path / 'in/LaPa/val/landmarks')
    assert all(report.done for report in run(LaPaConverter, tmp_path / 'in', tmp_path / 'out'))
    with pytest.raises(DataError, match=r'val/landmarks: no such folder'):
        LaPaLandmarksConverter(source=tmp_path / 'in').names(LaPaConverter.splits[1])


@pytest.mark.parametrize(('kind', 'name'), [
    (LaPaConverter, 'a'), (HelenConverter, 'e_1'), (RelabelledHelenConverter, 'a'), (IBugMask14Converter, 'a')])
def test_labels_are_kept_and_the_box_is_the_head(kind, name, tmp_path):
    ALL[kind][0](tmp_path / 'in')
    run(kind, tmp_path / 'in', tmp_path / 'out')
    labels = read_label_map(tmp_path / f'out/Training/Category_ids/{name}.png')
    np.testing.assert_array_equal(labels, face(len(ALL[kind][2])))
    assert heads(tmp_path / 'out', kind.title, 'train')[0]['bbox'] == [8, 5, 20, 20]


def test_with_eleven_classes_ears_and_glasses_are_skin(tmp_path):
    ibugmask(tmp_path / 'in')
    run(IBugMaskConverter, tmp_path / 'in', tmp_path / 'out')
    full = face(14)
    np.testing.assert_array_equal(read_label_map(tmp_path / 'out/Training/Category_ids/a.png'), np.where(full > 10, 1, full))


def test_celebamask_is_painted_in_its_order_by_name_and_split_as_celeba(tmp_path):
    celebamask(tmp_path / 'in')
    reports = run(CelebAMaskHQConverter, tmp_path / 'in', tmp_path / 'out')
    assert [[outcome.name for outcome in report.done] for report in reports] == [['0'], ['1'], ['2001']]
    labels = read_label_map(tmp_path / 'out/Training/Category_ids/0.png')
    assert labels.shape == (80, 64)
    names = [CELEBAMASK_CLASSES[label] for label in labels[::4, 20]]  # the second row of each mask is no other's
    assert names[:19] == [*PARTS.values(), 'cloth'][:19]
    left, top, width, height = heads(tmp_path / 'out', 'CelebAMask-HQ', 'train')[0]['bbox']
    assert (left, top, width) == (8, 0, 52)
    assert top + height == 4 * list(PARTS).index('neck_l'), 'neck, necklace and clothes are no head'


def test_masks_of_celebamask_lie_in_folders_of_two_thousand_portraits(tmp_path):
    celebamask(tmp_path / 'in')
    folder = tmp_path / 'in/CelebAMask-HQ'
    listing = 'idx orig_idx orig_file\n'
    for number, place in ((1999, 0), (2000, 1), (3999, 1), (4000, 2)):
        photo(folder / f'CelebA-HQ-img/{number}.jpg')
        save(folder / f'CelebAMask-HQ-mask-anno/{place}/{number:05d}_skin.png', np.full(SIZE, 255))
        listing += f'{number} {number} {number + 1:06d}.jpg\n'
    (folder / 'CelebA-HQ-to-CelebA-mapping.txt').write_text(listing)
    train, *_ = run(CelebAMaskHQConverter, tmp_path / 'in', tmp_path / 'out')
    assert [outcome.name for outcome in train.done] == ['1999', '2000', '3999', '4000']
    assert not train.failed


def test_the_masks_of_celebamask_may_be_called_otherwise_and_its_list_may_have_empty_lines(tmp_path):
    celebamask(tmp_path / 'in')
    folder = tmp_path / 'in/CelebAMask-HQ'
    (folder / 'CelebAMask-HQ-mask-anno').rename(folder / 'CelebAMaskHQ-mask-anno')
    listing = folder / 'CelebA-HQ-to-CelebA-mapping.txt'
    listing.write_text(listing.read_text().replace('\n', '\n\n') + ' \n')
    assert [len(report.done) for report in run(CelebAMaskHQConverter, tmp_path / 'in', tmp_path / 'out')] == [1, 1, 1]
    shutil.rmtree(folder / 'CelebAMaskHQ-mask-anno')
    with pytest.raises(DataError, match='no CelebAMaskHQ-mask-anno in it'):
        CelebAMaskHQConverter(source=tmp_path / 'in').names(CelebAMaskHQConverter.splits[0])


@pytest.mark.parametrize(('kind', 'photos', 'message'), [
    (LaPaConverter, 'LaPa/train/images', r'train/images: no \.jpg files'),
    (IBugMaskConverter, 'train', r'train: no \.jpg files'),
    (RelabelledHelenConverter, 'train', 'train: no NAME_image.jpg'), (HelenConverter, 'images', 'no images in it')],
    ids=lambda value: getattr(value, '__name__', ''))
def test_an_archive_without_photos_is_named(kind, photos, message, tmp_path):
    ALL[kind][0](tmp_path / 'in')
    for path in (tmp_path / 'in' / photos).glob('*.jpg'):
        path.unlink()
    if kind is HelenConverter:
        (tmp_path / 'in/images').rmdir()
    with pytest.raises(DataError, match=message):
        kind(source=tmp_path / 'in').names(kind.splits[0])


def test_a_missing_part_is_background_and_a_missing_portrait_is_named(tmp_path):
    celebamask(tmp_path / 'in')
    masks = tmp_path / 'in/CelebAMask-HQ/CelebAMask-HQ-mask-anno'
    (masks / '0/00000_eye_g.png').unlink()
    for path in (masks / '0').glob('00001_*.png'):
        path.unlink()
    train, val, _ = run(CelebAMaskHQConverter, tmp_path / 'in', tmp_path / 'out')
    assert CELEBAMASK_CLASSES.index('glasses') not in read_label_map(tmp_path / 'out/Training/Category_ids/0.png')
    assert not train.failed
    assert 'no mask of this picture' in val.failed[0].error


def test_boxes_by_landmarks_are_squares_around_them(tmp_path):
    lapa(tmp_path / 'in')
    run(LaPaLandmarksConverter, tmp_path / 'in', tmp_path / 'out')
    side = 1.6 * 20
    assert heads(tmp_path / 'out', 'LaPa', 'train')[0]['bbox'] == [15 - side / 2, 18 - side / 2, side, side]


@pytest.mark.parametrize(('damage', 'message'), [
    (lambda root: (root / 'landmarks/a.txt').unlink(), 'landmarks/a.txt'),
    (lambda root: (root / 'landmarks/a.txt').write_text('106\n1 2\n'), 'as many lines'),
    *((lambda root, content=content: (root / 'landmarks/a.txt').write_bytes(content), 'as many lines')
      for content in (b'1\nnan 2\n', b'one\n1 2\n', b'1\n1 x\n', b'1\n1 \xff\n', b'', b'0\n', b'1\n1 2 3\n')),
    (lambda root: save(root / 'labels/a.png', np.zeros(SIZE)), 'no pixel of a face'),
    (lambda root: save(root / 'labels/a.png', face() + 7), 'label 17, but there are 11 classes'),
    (lambda root: save(root / 'labels/a.png', face()[:20]), 'category map of (20, 32)'),
    (lambda root: (root / 'images/a.jpg').write_bytes(b'no picture'), 'a')])
def test_what_is_broken_is_named_and_the_rest_converted(tmp_path, damage, message):
    lapa(tmp_path / 'in')
    damage(tmp_path / 'in/LaPa/train')
    train, val, test = run(LaPaLandmarksConverter, tmp_path / 'in', tmp_path / 'out')
    assert [outcome.name for outcome in train.failed] == ['a']
    assert message in train.failed[0].error
    assert [len(report.done) for report in (train, val, test)] == [1, 2, 2]


@pytest.mark.parametrize('kind', CONFIGS, ids=lambda kind: kind.__name__)
def test_the_configs_read_what_the_converters_write(kind, tmp_path):
    cfg = Config.fromfile(REPO / f'configs/face/{CONFIGS[kind]}.py')
    made = kind(source=Path('archive'))
    assert cfg.model.parsing_head.num_classes == made.num_classes
    written = {(split.folder, made.json_path(Path(), split).as_posix()) for split in made.splits}
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        folder, = {Path(prefix).parts[0] for prefix in loader.dataset.data_prefix.values()}
        assert (folder, loader.dataset.ann_file) in written


@pytest.mark.parametrize(('kind', 'options'), [
    (LaPaConverter, []), (LaPaLandmarksConverter, ['--boxes', 'landmarks']), (HelenConverter, []),
    (RelabelledHelenConverter, ['--relabelled']), (IBugMask14Converter, ['--classes', '14']), (CelebAMaskHQConverter, [])],
    ids=lambda value: getattr(value, '__name__', ''))
def test_the_tools_convert(kind, options, tmp_path, capsys):
    make, tool, _ = ALL[kind]
    make(tmp_path / 'in')
    main = runpy.run_path(str(REPO / f'tools/dataset_converters/{tool}.py'))['main']
    args = [str(tmp_path / 'in'), str(tmp_path / 'out'), '--workers', '1', '--allow-incomplete', *options]
    assert main(args) == 0
    assert '0 failed' in capsys.readouterr().out
    assert heads(tmp_path / 'out', kind.title, 'train')
