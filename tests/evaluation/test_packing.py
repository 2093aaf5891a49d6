"""The archives for the challenge servers, and the score by which they rank."""
import json
import os
import re
import sys
import zipfile

import numpy as np
import pytest

from mmqanet.cli.main import main
from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.packing import pack_submission, rank_score
from mmqanet.utils.files import write_bytes, write_label_map

# Paper, Table 8, and the entries beside it: mIoU, AP^h (track 2 only), AP^r and the rank score, in percent.
TRACK_1 = [(68.76, 64.63, 66.69), (68.69, 56.40, 62.55), (69.10, 55.01, 62.05), (67.83, 55.43, 61.63), (63.77, 45.31, 54.54)]
TRACK_2 = [(62.67, 89.59, 59.34, 70.53), (60.58, 84.93, 55.56, 67.02), (60.17, 84.71, 55.19, 66.69),
           (60.14, 76.52, 52.97, 63.21)]


def save(folder, name, *, kinds=('global_parsing', 'instance_segmentation', 'instance_parsing')):
    for kind in kinds:
        write_label_map(folder / kind / f'{name}.png', np.ones((2, 3), np.uint8))
        if kind != 'global_parsing':
            write_bytes(folder / kind / f'{name}.txt', b'1 0.5\n')


def members(path):
    with zipfile.ZipFile(path) as file:
        return sorted(file.namelist())


@pytest.mark.parametrize(('miou', 'apr', 'score'), TRACK_1)
def test_the_rank_score_of_track_1_is_that_of_the_table(miou, apr, score):
    assert rank_score(dict(mIoU=miou, APr=apr, APh=0), 1) == pytest.approx(score, abs=0.011)


@pytest.mark.parametrize(('miou', 'aph', 'apr', 'score'), TRACK_2)
def test_the_rank_score_of_track_2_is_that_of_the_table(miou, aph, apr, score):
    assert rank_score(dict(mIoU=miou, APr=apr, APh=aph), 2) == pytest.approx(score, abs=0.011)


def test_a_rank_score_needs_its_columns():
    with pytest.raises(InputError, match='track 2 needs mIoU, APh, APr; APh is not there'):
        rank_score(dict(mIoU=0.5, APr=0.5), 2)


def test_track_1_has_no_people(tmp_path):
    save(tmp_path / 'in', '0000001')
    assert pack_submission(tmp_path / 'in', tmp_path / 'mp_results.zip', track=1) == 1
    assert members(tmp_path / 'mp_results.zip') == [
        'global_parsing/0000001.png', 'instance_parsing/0000001.png', 'instance_parsing/0000001.txt']


def test_track_2_has_the_video_outermost(tmp_path, capsys):
    for video in ('videos7', 'videos12'):
        save(tmp_path / 'in', f'{video}/000000000026')
    assert main(['pack-submission', str(tmp_path / 'in'), '--track', '2', '--out', str(tmp_path / 'vp_results.zip')]) == 0
    assert members(tmp_path / 'vp_results.zip') == sorted(
        f'{video}/{file}' for video in ('videos7', 'videos12') for file in (
            'global_parsing/000000000026.png', 'instance_parsing/000000000026.png', 'instance_parsing/000000000026.txt',
            'instance_segmentation/000000000026.png', 'instance_segmentation/000000000026.txt'))
    assert '2 images' in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / 'vp_results.zip') as file:
        assert file.read('videos7/instance_parsing/000000000026.txt') == b'1 0.5\n'


@pytest.mark.parametrize(('change', 'message'), [
    (lambda root: (root / 'in/instance_parsing/v/1.txt').unlink(), r'v/1\.txt: missing'),
    (lambda root: (root / 'in/instance_segmentation/v/2.png').unlink(), r'v/2\.png: missing'),
    (lambda root: (root / 'in/global_parsing/v/2.png').write_bytes(b'GIF89a'), r'global_parsing/v/2\.png: is no PNG'),
    (lambda root: (root / 'in/instance_parsing/v/2.png').write_bytes(b''), r'instance_parsing/v/2\.png: is no PNG'),
    *((lambda root, kind=kind, text=text: (root / f'in/{kind}/v/2.txt').write_text(text),
       rf'{kind}/v/2\.txt: holds something else than numbers')
      for kind in ('instance_parsing', 'instance_segmentation') for text in ('1 half\n', '<html>', '1 0.5\n\0')),
    (lambda root: (root / 'list.txt').write_text('v/1\n'), 'v/2 is not on the list'),
    (lambda root: (root / 'list.txt').write_text('v/1\nv/2\nv/3\n'), r'no files of v/3, which is on the list \(1'),
    (lambda root: save(root / 'in', '3'), '3: frames of track 2 are called VIDEO/FRAME'),
    (lambda root: (root / 'list.txt').write_bytes(b'\xff\xfe\x00'), 'list.txt: not a text file'),
    (lambda root: (root / 'list.txt').write_text('\n'), 'names no image')])
def test_what_is_not_whole_is_one_line(tmp_path, capsys, change, message):
    for name in ('v/1', 'v/2'):
        save(tmp_path / 'in', name)
    if 'frames' in message:
        args = []
    else:
        (tmp_path / 'list.txt').write_text('v/1\nv/2\n')
        args = ['--list', str(tmp_path / 'list.txt')]
    change(tmp_path)
    assert main(['pack-submission', str(tmp_path / 'in'), '--track', '2', '--out', str(tmp_path / 'o/vp.zip'), *args]) != 0
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert error.count('\n') == 1
    assert not list(tmp_path.glob('o/*'))


def test_a_track_that_there_is_not_is_named(tmp_path):
    for track in (0, 3, None):
        with pytest.raises(InputError, match=f'^track is {track}, but must be one of 1, 2$'):
            pack_submission(tmp_path / 'in', tmp_path / 'x.zip', track=track)


def test_an_archive_that_cannot_be_written_is_named(tmp_path):
    save(tmp_path / 'in', '1')
    (tmp_path / 'file').write_text('mine')
    with pytest.raises(DataError, match=r'file/x\.zip: cannot be written \('):
        pack_submission(tmp_path / 'in', tmp_path / 'file/x.zip', track=1)
    (tmp_path / 'x.zip').mkdir()
    with pytest.raises(DataError, match=r'x\.zip: cannot be written \(Is a directory\)'):
        pack_submission(tmp_path / 'in', tmp_path / 'x.zip', track=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['file', 'in', 'x.zip']


@pytest.mark.skipif(sys.platform == 'darwin', reason='names of files are UTF-8 there')
def test_names_that_are_no_text_are_refused(tmp_path):
    save(tmp_path / 'in', os.fsdecode(b'\xff'))
    with pytest.raises(DataError, match='in: a file has a name that is not UTF-8'):
        pack_submission(tmp_path / 'in', tmp_path / 'x.zip', track=1)
    assert [path.name for path in tmp_path.iterdir()] == ['in']


def test_frames_without_people_may_be_left_out(tmp_path):
    save(tmp_path / 'in', 'v/1')
    pack = dict(track=2, names=['v/1', 'v/2'])
    with pytest.raises(DataError, match='no files of v/2'):
        pack_submission(tmp_path / 'in', tmp_path / 'vp.zip', **pack)
    assert pack_submission(tmp_path / 'in', tmp_path / 'vp.zip', **pack, incomplete=True) == 1


def test_evaluate_tells_the_rank_score(tmp_path, capsys):
    human = np.zeros((20, 20), np.uint8)
    human[5:15, 5:15] = 1
    for folder, kinds in (('gt', ('Category_ids', 'Human_ids', 'Instance_ids')),
                          ('pred', ('global_parsing', 'instance_segmentation', 'instance_parsing'))):
        for kind in kinds:
            write_label_map(tmp_path / folder / kind / 'v/1.png', human)
    write_bytes(tmp_path / 'gt/Instance_ids/v/1.txt', b'1 1 1\n')
    write_bytes(tmp_path / 'pred/instance_segmentation/v/1.txt', b'0.9 5 5 15 15\n')
    write_bytes(tmp_path / 'pred/instance_parsing/v/1.txt', b'1 0.9\n')
    folders = ['--pred', str(tmp_path / 'pred'), '--gt', str(tmp_path / 'gt')]
    args = ['evaluate', *folders, '--num-classes', '2', '--no-progress']
    assert main([*args, '--rank', '2', '--json', str(tmp_path / 's.json')]) == 0
    assert 'Rank score' in capsys.readouterr().out
    assert json.loads((tmp_path / 's.json').read_text())['rank_score'] == pytest.approx(1)
    assert main([*args, '--rank', '2', '--metrics', 'mIoU']) != 0
    assert '--rank 2 needs --metrics mIoU APh APr' in capsys.readouterr().err
