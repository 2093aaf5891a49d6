import errno
import json
import os
from functools import partial

import numpy as np
import pytest
from PIL import Image

from mmqanet.errors import DataError
from mmqanet.preparation.converters.batch import (
    Sample,
    UnusableSample,
    claim_folder,
    convert_one,
    convert_split,
    load_single_person,
)

NAMES = ['d', 'b/x', 'a', 'bad', 'odd', 'c']


def load(name, root, log):
    """A person as wide as the name is long; 'bad' cannot be read, 'odd' must not be used."""
    with open(log, 'a') as file:
        file.write(f'{os.getpid()} {name}\n')
    if name == 'bad':
        raise DataError('bad.jpg: broken')
    if name == 'odd':
        raise UnusableSample('too odd')
    human = np.zeros((10, 8), np.uint8)
    human[2:5, :len(name)] = 1
    return Sample(root / 'source.jpg', human * 4, human)


def die(name):
    os._exit(1)


@pytest.fixture
def convert(tmp_path):
    Image.new('RGB', (8, 10)).save(tmp_path / 'source.jpg')

    def run(names=NAMES, workers=0):
        """The report, the JSON, and what was loaded as pairs (process, name)."""
        log, json_path = tmp_path / 'log.txt', tmp_path / 'x.json'
        log.write_text('')
        report = convert_split(partial(load, root=tmp_path, log=log), names, tmp_path / 'Training', json_path,
                               num_classes=7, workers=workers, show_progress=False)
        return report, json.loads(json_path.read_text()), [line.split() for line in log.read_text().splitlines()]

    return run


def boxes(content):
    names = {image['id']: image['file_name'] for image in content['images']}
    return {names[person['image_id']]: person['bbox'] for person in content['annotations']}


@pytest.mark.parametrize('workers', [0, 2])
def test_the_rest_is_converted_and_the_report_names_what_is_not(convert, workers):
    report, content, loaded = convert(workers=workers)
    assert boxes(content) == {'d.jpg': [0, 2, 1, 3], 'b/x.jpg': [0, 2, 3, 3], 'a.jpg': [0, 2, 1, 3], 'c.jpg': [0, 2, 1, 3]}
    assert [image['file_name'] for image in content['images']] == ['d.jpg', 'b/x.jpg', 'a.jpg', 'c.jpg']
    assert all((image['height'], image['width']) == (10, 8) for image in content['images'])
    assert [outcome.name for outcome in report.failed] == ['bad']
    assert report.lines() == [
        'Training: 4 of 6 images (4 people), 0 of them kept from an earlier run; 1 unusable, 1 failed',
        '  unusable, too odd: 1 (odd)', '  failed, bad: bad.jpg: broken']
    assert sorted(name for _, name in loaded) == sorted(NAMES)
    here = {str(os.getpid())}
    assert {process for process, _ in loaded} == here if workers == 0 else not {process for process, _ in loaded} & here


def test_run_again_it_keeps_what_is_whole_and_mends_the_rest(convert, tmp_path):
    _, first, _ = convert()
    (tmp_path / 'Training/Category_ids/a.png').unlink()
    (tmp_path / 'Training/Human_ids/c.png').write_bytes(b'half a file')
    kept = tmp_path / 'Training/Human_ids/d.png'
    os.utime(kept, (1, 1))
    report, second, loaded = convert()
    assert second == first
    assert sorted(name for _, name in loaded) == ['a', 'bad', 'c', 'odd']
    assert [outcome.name for outcome in report.outcomes if outcome.kept] == ['d', 'b/x']
    assert kept.stat().st_mtime == 1
    assert (tmp_path / 'Training/Category_ids/a.png').is_file()


def test_a_process_that_dies_is_one_clear_error(tmp_path):
    with pytest.raises(DataError, match='a process died'):
        convert_split(die, ['a', 'b'], tmp_path / 'Training', tmp_path / 'x.json', num_classes=7, workers=2,
                      show_progress=False)


def test_a_folder_belongs_to_one_conversion(tmp_path):
    claim_folder(tmp_path / 'new', {'labels': 'full', 'seed': 0})
    claim_folder(tmp_path / 'new', {'labels': 'full', 'seed': 0})
    with pytest.raises(DataError, match=r"new holds a conversion with .*'full'.*'merged'"):
        claim_folder(tmp_path / 'new', {'labels': 'merged', 'seed': 0})
    with pytest.raises(DataError, match=r'no version \(an earlier version made it\), not 1; seed 0, which'):
        claim_folder(tmp_path / 'new', {'labels': 'full', 'version': 1})
    for content, message in (('{', 'not readable as JSON'), ('[1]', 'an object is expected')):
        (tmp_path / 'new/conversion.json').write_text(content)
        with pytest.raises(DataError, match=rf'conversion\.json: {message}'):
            claim_folder(tmp_path / 'new', {'labels': 'full', 'seed': 0})


def test_a_folder_of_somebodys_files_is_not_taken(tmp_path):
    people = tmp_path / 'annotations/x.json'
    people.parent.mkdir()
    people.write_text('mine')
    with pytest.raises(DataError, match=rf'{people}: belongs to no conversion and would be overwritten'):
        claim_folder(tmp_path, {'seed': 0}, written=[tmp_path / 'other.json', people])
    assert not (tmp_path / 'conversion.json').exists()


def test_what_cannot_be_converted_is_an_outcome_with_its_reason(tmp_path):
    def outcome(name, load):
        return convert_one(load, name, split_dir=tmp_path / 'Training', num_classes=7)

    bare = Sample(tmp_path / 'a.jpg', None, None)
    assert outcome('a', lambda name: bare).error == 'a: no label maps'

    def look(name):
        raise OSError(errno.ENAMETOOLONG, 'File name too long', name)

    assert outcome('x' * 300, look).error == f'{"x" * 100}: File name too long'


def test_a_picture_of_nobody_is_named(tmp_path):
    labels = tmp_path / 'labels.png'
    Image.fromarray(np.zeros((3, 4), np.uint8)).save(labels)
    with pytest.raises(DataError, match=r'labels\.png: the person has no pixel'):
        load_single_person(tmp_path / 'a.jpg', labels)
