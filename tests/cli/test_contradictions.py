"""Options that contradict each other, or that cannot be, are told before any model is read."""
import argparse
from argparse import Namespace

import pytest

from mmqanet.cli import parse as command
from mmqanet.cli.evaluate import check_outputs, class_names
from mmqanet.cli.main import main
from mmqanet.cli.ui import port_number
from mmqanet.errors import InputError


def test_augmentation_is_asked_for_or_declined():
    for tta, expected in ((None, None), ([], True), ([0.5, 1.0], [0.5, 1.0])):
        assert command.test_time_augmentation(Namespace(tta=tta, no_tta=False)) == expected
    assert command.test_time_augmentation(Namespace(tta=None, no_tta=True)) is False
    for tta in ([], [0.5]):
        with pytest.raises(InputError, match='--tta and --no-tta contradict each other'):
            command.test_time_augmentation(Namespace(tta=tta, no_tta=True))


def test_smoothing_follows_tracks():
    tracked = command.tracking(Namespace(smooth=0.25, track=True, track_lost=2.0))
    assert (tracked.smooth_seconds, tracked.lost_seconds) == (0.25, 2)
    assert command.tracking(Namespace(smooth=0.0, track=False, track_lost=2.0)) is False
    with pytest.raises(InputError, match='--smooth needs --track'):
        command.tracking(Namespace(smooth=0.25, track=False, track_lost=2.0))


def test_members_have_a_weight_each_or_none():
    args = Namespace(ensemble=['a.pth', 'b.pth'], ensemble_weights=[2.0, 1.0])
    assert command.members_of(args) == [dict(checkpoint='a.pth', weight=2), dict(checkpoint='b.pth', weight=1)]
    args.ensemble_weights = None
    assert [member['weight'] for member in command.members_of(args)] == [1, 1]
    for weights in ([1.0], [1.0] * 3):
        args.ensemble_weights = weights
        with pytest.raises(InputError, match=f'--ensemble-weights: {len(weights)} of them for 2 members'):
            command.members_of(args)


@pytest.mark.parametrize(('args', 'message'), [
    (['export', '--out', 'out', '--half', '--int8', 'photos'], '--half and --int8 contradict each other'),
    (['evaluate-densepose', '--pred', 'p.json', '--gt', 'g.json', '--body', 'body', '--cache', 'd.npz'],
     '--cache d.npz: the name must end in .npy')])
def test_commands_end_with_one_line(args, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(args) == 1
    assert capsys.readouterr().err == f'mmqanet {args[0]}: {message}\n'
    assert not list(tmp_path.iterdir())


def test_ports_are_numbers_from_1_to_65535():
    for given in ('1', '80', '7860', '65535', '000080'):
        assert port_number(given) == int(given)
    for given in ('0', '65536', '99999999999999999999', '-1', '8.5', '', 'http', '８０', '1_0'):
        with pytest.raises(argparse.ArgumentTypeError, match='is no port'):
            port_number(given)


@pytest.mark.parametrize('option', ['--json', '--plots'])
def test_scores_are_not_written_among_what_is_scored(option, tmp_path):
    (tmp_path / 'link').symlink_to(tmp_path / 'pred')
    folders = [str(tmp_path / name) for name in ('pred', 'gt')]

    def check(path):
        paths = {'--json': (str(path), None), '--plots': (None, str(path))}[option]
        check_outputs(*paths, given=None, folders=folders)

    for path in ('pred/global_parsing/x', 'gt/Category_ids/x', 'link/instance_parsing/a/x', 'gt/../pred/global_parsing'):
        with pytest.raises(InputError, match=rf'^{option} {tmp_path}/{path}: lies among the files that are scored'):
            check(tmp_path / path)
    for path in ('x', 'pred/x', 'gt_scores/x'):
        check(tmp_path / path)


def test_names_of_classes_that_cannot_be_read_are_told_by_their_option(tmp_path):
    path = tmp_path / 'names.txt'
    with pytest.raises(InputError, match=rf'^--class-names {path}: no such file'):
        class_names(str(path), 3)
    path.write_bytes(b'a\nb\n\xff\n')
    with pytest.raises(InputError, match=rf"^--class-names {path}: 'utf-8' codec"):
        class_names(str(path), 3)
    path.write_text('a\nb\n b\n')
    with pytest.raises(InputError, match=r'3 names \(2 distinct\) for 3 classes'):
        class_names(str(path), 3)
    path.write_bytes('\ufeffa\r\n\r\n b \nc'.encode())
    assert class_names(str(path), 3) == ['a', 'b', 'c']
    assert class_names(None, 3) == ['background', 'class 1', 'class 2']
