"""What every converter does: the files, the JSON, going on, and what it says of a broken archive."""
import json
import re
import shutil

import numpy as np
import pytest
from macos import add_companions
from mmengine.registry import DefaultScope
from PIL import Image

from mmqanet.errors import DataError, InputError
from mmqanet.preparation.converters.atr import ATRConverter
from mmqanet.preparation.converters.base import convert, draw_names, find, listed_or_found, read_names
from mmqanet.preparation.converters.verify import verify

#: As published, background counted.
NUM_CLASSES = {'CIHP': 20, 'LIP': 20, 'ATR': 18, 'MHP-v2': 59, 'PASCAL-Person-Part': 7}
ONE_PERSON_AN_IMAGE = ('LIP', 'ATR')  # the box is the whole image


@pytest.fixture
def run(archive, tmp_path):
    return lambda workers=0: convert(archive.converter(), tmp_path / 'out', workers=workers, show_progress=False)


@pytest.fixture(params=['CIHP', 'LIP', 'MHP-v2'])
def archive_of_folders(request, make_archive):
    """Archives in which each split has folders of its own."""
    return make_archive(request.param)


def folder_of(archive, short):
    return {split.short: split.folder for split in archive.Converter.splits}[short]


def read_json(archive, root, short):
    return json.loads((root / f'annotations/{archive.Converter.title}_{short}.json').read_text())


def test_every_image_with_its_people(archive, run, tmp_path):
    reports = run()
    assert [len(report.done) for report in reports] == [len(names) for names in archive.names.values()]
    assert not any(report.incomplete for report in reports)
    for short, names in archive.names.items():
        content = read_json(archive, tmp_path / 'out', short)
        assert [image['file_name'] for image in content['images']] == [f'{name}.jpg' for name in names]
        assert all((image['height'], image['width']) == (24, 32) for image in content['images'])
        people = 0 if short in archive.unlabelled else archive.people
        assert [person['image_id'] for person in content['annotations']] == [
            i for i in range(1, len(names) + 1) for _ in range(people)]
        for name in names:
            copy = tmp_path / 'out' / folder_of(archive, short) / f'Images/{name}.jpg'
            assert copy.read_bytes() == archive.photo(short, name).read_bytes()


def test_the_data_set_class_reads_it(archive, run, tmp_path):
    run()
    prefix = {kind: f'Training/{folder}' for kind, folder in (
        ('img', 'Images'), ('category', 'Category_ids'), ('human', 'Human_ids'), ('instance', 'Instance_ids'))}
    args = dict(ann_file=f'annotations/{archive.Converter.title}_train.json', data_root=str(tmp_path / 'out'),
                data_prefix=prefix)
    with DefaultScope.overwrite_default_scope('mmqanet'):
        people = archive.Dataset(**args, pipeline=[dict(type='LoadImage'), dict(type='LoadPersonMap')])
        image = archive.Dataset(**args, pipeline=[dict(type='LoadImage'), dict(type='LoadImageMaps')], test_mode=True)[0]
        assert len(people) == 3 * archive.people
        for i in range(archive.people):
            expected = np.zeros((24, 32))
            expected[4:10, 10 * i + 2:10 * i + 8], expected[10:20, 10 * i + 2:10 * i + 8] = 1, 2
            sample = people[i]
            assert (sample['gt_map'] == expected).all()
            whole = archive.Converter.title in ONE_PERSON_AN_IMAGE
            assert sample['bboxes'].tolist() == [[0, 0, 32, 24] if whole else [10 * i + 2, 4, 10 * i + 8, 20]]
    count = NUM_CLASSES[archive.Converter.title]
    assert image['gt_parts'].tolist() == [[count * p + c, c, p + 1] for p in range(archive.people) for c in (1, 2)]


def test_run_again_it_keeps_what_is_there_and_adds_what_was_missing(archive, run, tmp_path):
    photo = archive.photo('train', 'b')
    content = photo.read_bytes()
    photo.unlink()
    first = run()[0]
    assert [outcome.name for outcome in first.failed] == ['b']
    assert first.incomplete
    photo.write_bytes(content)
    second = run()[0]
    assert {outcome.name: outcome.kept for outcome in second.outcomes} == {'a': True, 'b': False, 'c': True}
    assert not second.incomplete
    images = read_json(archive, tmp_path / 'out', 'train')['images']
    assert [image['file_name'] for image in images] == ['a.jpg', 'b.jpg', 'c.jpg']
    assert not list((tmp_path / 'out').rglob('*.part'))


def test_what_macos_leaves_beside_files_is_no_sample(archive_of_folders, tmp_path):
    for short in archive_of_folders.names:
        archive_of_folders.list_file(short).unlink(missing_ok=True)  # then the folders tell the names
    add_companions(archive_of_folders.root)
    reports = convert(archive_of_folders.converter(), tmp_path / 'out', workers=0, show_progress=False)
    assert [[outcome.name for outcome in report.done] for report in reports] == [
        list(names) for names in archive_of_folders.names.values()]
    assert not any(report.failed for report in reports)


def test_several_processes_write_the_same_bytes(archive, tmp_path):
    trees = []
    for workers in (0, 2):
        convert(archive.converter(), tmp_path / str(workers), workers=workers, show_progress=False)
        trees.append({path.relative_to(tmp_path / str(workers)): path.read_bytes()
                      for path in (tmp_path / str(workers)).rglob('*') if path.is_file()})
    assert trees[0] == trees[1]


def no_label(archive):
    archive.label_file('train', 'b').unlink()


def broken_label(archive):
    path = archive.label_file('train', 'b')
    path.write_bytes(path.read_bytes()[:60])


def other_size(archive):
    Image.new('RGB', (31, 24)).save(archive.photo('train', 'b'))


def no_photo(archive):
    archive.photo('train', 'b').unlink()


def half_a_photo(archive):
    path = archive.photo('train', 'b')
    path.write_bytes(path.read_bytes()[:-300])


def turned_photo(archive):
    """The size that it is shown in is that of its labels."""
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.new('RGB', (32, 24)).save(archive.photo('train', 'b'), exif=exif)


@pytest.mark.parametrize(('damage', 'message'), [
    (turned_photo, r'b: the image is stored turned \(EXIF\); store it upright, with its labels'),
    (no_label, r'no such file|no person has a file|1 person files'), (broken_label, 'not readable|cannot be read'),
    (other_size, 'the image has|masks? of'), (no_photo, 'no such file'), (half_a_photo, 'the image cannot be read')])
def test_a_broken_image_is_named_and_the_rest_converted(archive, run, tmp_path, damage, message):
    damage(archive)
    report, val, *_ = run()
    failed, = report.failed
    assert failed.name == 'b'
    assert re.search(message, failed.error), failed.error
    assert report.incomplete
    assert len(val.done) == 2
    images = read_json(archive, tmp_path / 'out', 'train')['images']
    assert [image['file_name'] for image in images] == ['a.jpg', 'c.jpg']
    assert not list((tmp_path / 'out/Training').rglob('b.*'))
    lines = '\n'.join(report.lines())
    assert 'published with 3 images: 1 is missing' in lines
    assert f'  failed, b: {failed.error}' in lines


@pytest.mark.parametrize('name', ['../d', '/etc/d', 'x/../../d', '..\\d'])
def test_a_name_that_climbs_out_of_the_folder_is_named(archive, run, tmp_path, name):
    archive.list_file('train').write_text(f'a\n{name}\nc.jpg\n')
    report, *_ = run()
    failed, = report.failed
    assert failed.error == f'file name {name!r} leaves its folder'
    assert [outcome.name for outcome in report.done] == ['a', 'c']
    assert {path.name for path in tmp_path.iterdir()} == {'archive', 'out'}
    assert len(list(tmp_path.rglob('d.jpg'))) == 2  # the archive's and its copy in the validation split


def test_a_missing_folder_leaves_out_its_split(archive_of_folders, tmp_path):
    archive = archive_of_folders
    shutil.rmtree(archive.label_file('val', 'd').parent)
    train, val, *_ = convert(archive.converter(), tmp_path / 'out', show_progress=False)
    assert len(train.done) == 3
    assert val.incomplete
    assert re.search(rf'failed, .*{archive.label_file("val", "d").parent.name}', val.lines()[0])
    assert not (tmp_path / 'out/Validation').exists()


def test_nothing_that_can_be_read_is_an_error(archive, run, tmp_path):
    shutil.rmtree(archive.root)
    with pytest.raises(DataError, match=r'archive: no \w+'):
        run()
    assert not (tmp_path / 'out').exists()


def test_testing_images_without_labels_may_be_absent(make_archive, tmp_path):
    archive = make_archive('CIHP')
    shutil.rmtree(archive.folder('test'))
    *_, report = convert(archive.converter(), tmp_path / 'out', show_progress=False)
    assert not report.incomplete
    assert report.lines() == [f'Testing: left out, {archive.root}: no Testing in it']


def test_without_a_list_all_images_are_taken(archive_of_folders, tmp_path):
    archive_of_folders.list_file('train').unlink()
    report, *_ = convert(archive_of_folders.converter(), tmp_path / 'out', show_progress=False)
    assert [outcome.name for outcome in report.done] == ['a', 'b', 'c']


def test_verify_finds_a_conversion_whole(archive, run, tmp_path):
    run()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('*')}
    shutil.rmtree(archive.root)
    reports = verify(archive.converter(), tmp_path / 'out', show_progress=False)
    assert [len(report.done) for report in reports] == [len(names) for names in archive.names.values()]
    assert not any(report.incomplete for report in reports)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / 'out').rglob('*')} == before


def test_atr_draws_a_split_by_a_seed(make_archive, tmp_path):
    """Fewer images than the testing split takes: all of them are drawn for it."""
    archive = make_archive('ATR')
    converter = ATRConverter(source=archive.root, seed=3)
    assert [converter.names(split) for split in converter.splits] == [[], [], ['a', 'b', 'c', 'd', 'e', 'f']]
    convert(converter, tmp_path / 'out', show_progress=False)
    with pytest.raises(DataError, match=r"split 'seed 3', not \['train.txt', 'val.txt', 'test.txt'\]"):
        convert(archive.converter(), tmp_path / 'out', show_progress=False)
    with pytest.raises(InputError, match='lists must name 3 files'):
        ATRConverter(source=archive.root, lists=(archive.list_file('train'),))


def test_atr_draws_1000_images_for_testing_and_700_for_validation(tmp_path):
    (tmp_path / 'humanparsing/JPEGImages').mkdir(parents=True)
    (tmp_path / 'humanparsing/SegmentationClassAug').mkdir()
    names = [f'{number:04}' for number in range(1706)]
    (tmp_path / 'humanparsing/JPEGImages/all.txt').write_text('\n'.join(names))
    train, val, test = (ATRConverter(source=tmp_path).names(split) for split in ATRConverter.splits)
    assert (len(train), len(val), len(test)) == (6, 700, 1000)
    assert sorted(train + val + test) == names
    others = [ATRConverter(source=tmp_path, seed=1).names(split) for split in ATRConverter.splits]
    assert all(set(one) != set(other) for one, other in zip((train, val, test), others))


def test_archives_nest_as_they_were_unpacked(tmp_path):
    (tmp_path / 'x/y/Training').mkdir(parents=True)
    assert find(tmp_path, 'Training') == find(tmp_path / 'x', 'Training') == tmp_path / 'x/y/Training'
    with pytest.raises(DataError, match='no Training in it'):
        find(tmp_path / 'x/y/Training', 'Training')


def test_lists_of_names(tmp_path):
    (tmp_path / 'list.txt').write_text('\ufeffb.jpg 1\n\na\nb\n')
    assert read_names(tmp_path / 'list.txt') == ['b', 'a']


def test_drawn_names_are_no_others(tmp_path):
    names = [f'{i:03}' for i in range(200)]
    rest, drawn = draw_names(names, 30, seed=1)
    assert len(drawn) == 30
    assert sorted(rest + drawn) == names
    assert drawn != names[:30]


def test_the_official_counts(official_counts):
    assert official_counts == {
        'CIHP': [28280, 5000, 5000], 'LIP': [30462, 10000], 'ATR': [16000, 700, 1000], 'MHP-v2': [15403, 5000, 5000],
        'PASCAL-Person-Part': [1717, 1818]}


def test_a_list_that_is_no_text_and_a_folder_without_photos_are_named(tmp_path):
    (tmp_path / 'list.txt').write_bytes(b'a\n\xff\xfe\n')
    with pytest.raises(DataError, match=r'list\.txt: not a text file'):
        read_names(tmp_path / 'list.txt')
    with pytest.raises(DataError, match=rf'{tmp_path}: no \.jpg files, and no other\.txt'):
        listed_or_found(tmp_path, 'other.txt', tmp_path)
    for name in ('b.jpg', 'a.jpg', 'c.png'):
        (tmp_path / name).touch()
    assert listed_or_found(tmp_path, 'other.txt', tmp_path) == ['a', 'b']
    (tmp_path / 'other.txt').write_text('\ufeffb.jpg 1\n\nb\na.jpg\n', encoding='utf-8')
    assert listed_or_found(tmp_path, 'other.txt', tmp_path) == ['b', 'a']
