"""What --engine ray does not have is refused before anything else, with Ray or without."""
import pytest

from mmqanet.cli.main import main


@pytest.mark.parametrize('option', [['--save', 'report'], ['--track'], ['--show'], ['--ensemble', 'a.pth', 'b.pth']])
def test_options_of_the_other_engine_are_refused(tmp_path, capsys, option):
    assert main(['parse', str(tmp_path), '--engine', 'ray', '--out', str(tmp_path / 'out'), *option]) == 1
    told = ' '.join(option[:2]) if option[0] == '--save' else option[0]
    assert f'{told} is not for --engine ray' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_files_need_a_folder_on_a_disk(tmp_path, capsys):
    assert main(['parse', str(tmp_path), '--engine', 'ray', '--out', 's3://bucket/out', '--save', 'overlay']) == 1
    assert '--save with --engine ray needs an --out that is a folder on a disk' in capsys.readouterr().err
