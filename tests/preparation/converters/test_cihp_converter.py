"""CIHP: the official part ids, and real photos."""
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from mmqanet.preparation.converters.base import convert
from mmqanet.preparation.converters.cihp import CIHPConverter
from mmqanet.utils.files import read_label_map


@pytest.fixture
def cihp(make_archive):
    return make_archive('CIHP')


@pytest.fixture
def run(cihp, tmp_path):
    return lambda: convert(cihp.converter(), tmp_path / 'out', show_progress=False)[0]


def parts(root, name):
    return read_label_map(root / f'Instance_ids/{name}.png'), (root / f'Instance_ids/{name}.txt').read_text()


def test_official_part_ids_are_kept(cihp, run, tmp_path):
    """Here one that the converter would not give: person 2's hair is part 99."""
    path, table = (cihp.folder('train') / f'Instance_ids/a.{suffix}' for suffix in ('png', 'txt'))
    ids = np.array(Image.open(path))
    Image.fromarray(np.where(ids == 22, 99, ids).astype(np.uint8)).save(path)
    table.write_text('1 1 1\n2 2 1\n21 1 2\n99 2 2\n')
    assert run().lines()[2:] == []
    written, rows = parts(tmp_path / 'out/Training', 'a')
    assert np.unique(written).tolist() == [0, 1, 2, 21, 99]
    assert rows == '1 1 1\n2 2 1\n21 1 2\n99 2 2\n'


@pytest.mark.parametrize(('damage', 'message'), [
    (lambda folder: (folder / 'b.txt').unlink(), r'b\.txt: no such file'),
    (lambda folder: (folder / 'b.txt').write_text('1 1 1\n2 2 1\n21 1 2\n'), 'its part ids are not those of the PNG'),
    (lambda folder: (folder / 'b.txt').write_text('1 1 1\n2 2 1\n21 1 2\n22 2 1\n'), 'another class or person'),
    (lambda folder: (folder / 'b.txt').write_text('1 1 1\n2 2 1\n21 1 2\n22 3 2\n'), 'another class or person'),
    (lambda folder: Image.new('L', (3, 3)).save(folder / 'b.png'), r'part ids of \(3, 3\)'),
])
def test_part_ids_that_do_not_fit_are_numbered_anew_and_told(cihp, run, tmp_path, damage, message):
    damage(cihp.folder('train') / 'Instance_ids')
    report = run()
    note, = report.lines()[2:]
    assert note.startswith('  part ids numbered anew')
    assert re.search(message, note), note
    assert not report.incomplete
    written, rows = parts(tmp_path / 'out/Training', 'b')
    assert rows == '1 1 1\n2 2 1\n21 1 2\n22 2 2\n'
    assert np.unique(written).tolist() == [0, 1, 2, 21, 22]


def test_ids_that_8_bits_could_not_hold_are_numbered_anew_with_16(cihp, run, tmp_path):
    category, human = np.full((24, 32), 15, np.uint8), np.repeat(np.arange(1, 17, dtype=np.uint8), 48).reshape(24, 32)
    cihp.label('train', 'b', category, human)  # writes ids modulo 256
    run()
    written, rows = parts(tmp_path / 'out/Training', 'b')
    assert written.max() == 20 * 15 + 15
    assert (written == 20 * (human.astype(int) - 1) + 15).all()
    assert len(rows.splitlines()) == 16


def test_a_person_without_a_labelled_pixel_is_named_each_time_and_not_in_the_json(cihp, run):
    category = np.array(Image.open(cihp.label_file('train', 'b')))
    human = np.array(Image.open(cihp.folder('train') / 'Human_ids/b.png'))
    category[human == 2] = 0
    category[5, 12] = 255
    cihp.label('train', 'b', category, human)
    for _ in range(2):
        report = run()
        assert report.incomplete
        assert [len(outcome.people) for outcome in report.done] == [2, 1, 2]
        assert '  people without a labelled pixel, not in the JSON: 1 (b: person 2)' in report.lines()


def test_a_label_out_of_range_is_named(cihp, run):
    category, human = np.full((24, 32), 20, np.uint8), np.ones((24, 32), np.uint8)
    cihp.label('train', 'b', category, human)
    failed, = run().failed
    assert failed.error == 'b: category 20 is outside [0, 20) and is not 255'


def test_the_real_photos(cihp, shared_dir, tmp_path):
    """Five real photos with their category maps; their Human_ids are not at hand: left half and right half stand in."""
    samples = shared_dir / 'cihp_samples'
    if not samples.is_dir():
        pytest.skip('no photos of CIHP here')
    names = sorted(path.stem for path in (samples / 'images').glob('*.jpg'))
    folder = tmp_path / 'real/Training'
    shutil.copytree(samples / 'images', folder / 'Images')
    for name in names:
        category = read_label_map(samples / f'labels/{name}.png')
        human = np.ones_like(category)
        human[:, category.shape[1] // 2:] = 2
        for kind, labels in (('Category_ids', category), ('Human_ids', human * (category > 0))):
            (folder / kind).mkdir(exist_ok=True)
            Image.fromarray(labels).save(folder / kind / f'{name}.png')
    report = convert(CIHPConverter(source=tmp_path / 'real'), tmp_path / 'out', show_progress=False)[0]
    assert [outcome.name for outcome in report.done] == names
    for name in names:
        written = read_label_map(tmp_path / f'out/Training/Category_ids/{name}.png')
        assert (written == read_label_map(samples / f'labels/{name}.png')).all()


def test_the_real_part_tables(shared_dir):
    """The official ids are those that the converter gives: 20 · (person - 1) + class."""
    tables = sorted((shared_dir / 'cihp_samples/Instance_ids').glob('*.txt'))
    if not tables:
        pytest.skip('no part tables of CIHP here')
    for table in tables:
        for line in table.read_text().splitlines():
            part, label, person = map(int, line.split())
            assert part == 20 * (person - 1) + label


def test_an_archive_is_not_converted_onto_itself(cihp):
    """What is whole in it is kept; what would be made anew is named, and stays as it is."""
    place = cihp.folder('train').parent
    (cihp.folder('train') / 'Instance_ids/b.txt').unlink()
    before = {path: path.read_bytes() for path in cihp.folder('train').rglob('*') if path.is_file()}
    report = convert(cihp.converter(), place, show_progress=False)[0]
    assert [outcome.name for outcome in report.failed] == ['b']
    assert 'would be overwritten; convert to another folder' in report.failed[0].error
    assert {path: path.read_bytes() for path in cihp.folder('train').rglob('*') if path.is_file()} == before
    assert [outcome.name for outcome in report.done] == ['a', 'c']
