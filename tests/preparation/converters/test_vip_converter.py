"""VIP: the official layout of videos, as the toy videos have it, becomes a data set with the video in every name."""
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from mmqanet.datasets import VIPDataset
from mmqanet.errors import DataError
from mmqanet.preparation.converters.base import convert
from mmqanet.preparation.converters.verify import verify
from mmqanet.preparation.converters.vip import VIPConverter
from mmqanet.preparation.toy.motion import draw_video
from mmqanet.preparation.toy.vip_layout import frame_name, write_frame, write_lists
from mmqanet.utils.files import read_label_map

TOOL = Path(__file__).resolve().parents[3] / 'tools/dataset_converters/vip.py'


@pytest.fixture
def vip(tmp_path):
    """Two videos of two labelled frames each, and one of the test split."""
    root = tmp_path / 'VIP_Fine'
    names = dict(train=[], val=[], test=[])
    for number, split in enumerate(names, 1):
        for index, scene in enumerate(draw_video(np.random.default_rng(number), frames=2, size=(64, 48), people=2)):
            names[split].append(frame_name(f'videos{number}', 25 * index))
            write_frame(root, names[split][-1], scene)
    write_lists(root, names)
    for kind in ('Category_ids', 'Human_ids', 'Instance_ids'):
        shutil.rmtree(root / f'Annotations/{kind}/videos3')
    return root


def run(source, target):
    return convert(VIPConverter(source=source), target, show_progress=False)


@pytest.mark.parametrize('merged', [False, True], ids=['Annotations', 'beside the images'])
def test_frames_keep_their_video_and_parts(vip, tmp_path, merged):
    labels = vip / 'Annotations'
    if merged:
        for folder in labels.iterdir():
            folder.rename(vip / folder.name)
        labels = vip
    reports = run(vip, tmp_path / 'out')
    assert [len(report.done) for report in reports] == [2, 2, 2]
    assert not any(report.incomplete for report in reports)
    for name in ('videos1/000000000001', 'videos1/000000000026'):
        for kind in ('Category_ids', 'Human_ids', 'Instance_ids'):
            copy, original = (read_label_map(root / kind / f'{name}.png') for root in (tmp_path / 'out/Training', labels))
            np.testing.assert_array_equal(copy, original)
    assert (tmp_path / 'out/Testing/Images/videos3/000000000026.jpg').is_file()
    checked = verify(VIPConverter(source=Path()), tmp_path / 'out', show_progress=False)
    assert not any(report.incomplete for report in checked)
    prefix = dict(img='Validation/Images', category='Validation/Category_ids', human='Validation/Human_ids')
    with DefaultScope.overwrite_default_scope('mmqanet'):
        dataset = VIPDataset(ann_file='annotations/VIP_val.json', data_root=str(tmp_path / 'out'), data_prefix=prefix,
                             test_mode=True)
    assert [dataset.get_data_info(index)['name'] for index in range(2)] == ['videos2/000000000001', 'videos2/000000000026']


def test_missing_frames_are_named_and_the_others_converted(vip, tmp_path):
    (vip / 'Images/videos1/000000000001.jpg').unlink()
    (vip / 'Annotations/Human_ids/videos2/000000000026.png').unlink()
    train, val, _ = run(vip, tmp_path / 'out')
    for report, name in ((train, 'videos1/000000000001'), (val, 'videos2/000000000026')):
        assert [outcome.name for outcome in report.failed] == [name]
        assert name in report.failed[0].error
        assert len(report.done) == 1


@pytest.mark.parametrize(('damage', 'message'), [
    (lambda root: (root / 'lists/train_id.txt').unlink(), 'no lists/train_id.txt in it'),
    (lambda root: (root / 'lists/train_id.txt').write_text('000000000001\n'), "'000000000001' is not videosN/FRAME"),
    (lambda root: shutil.rmtree(root / 'Annotations/Category_ids'), 'no Category_ids in it')])
def test_an_archive_without_what_it_needs_is_told(vip, tmp_path, damage, message):
    damage(vip)
    assert message in run(vip, tmp_path / 'out')[0].fault
    with pytest.raises(DataError):
        run(tmp_path / 'nothing', tmp_path / 'out2')


def test_the_tool_converts_and_verifies(vip, tmp_path, capsys):
    tool = runpy.run_path(str(TOOL))['main']
    assert tool([str(vip), str(tmp_path / 'out'), '--workers', '1']) == 0
    assert tool(['--verify', str(tmp_path / 'out'), '--workers', '1']) == 0
    assert 'Validation' in capsys.readouterr().out
