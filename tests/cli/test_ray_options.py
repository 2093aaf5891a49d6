"""What --engine ray does not have is refused before anything else, with Ray or without."""
import pytest

from mmqanet.cli.main import main


@pytest.mark.parametrize('option', [['--save', 'report'], ['--track'], ['--show'], ['--ensemble', 'a.pth', 'b.pth']])
def test_options_of_the_other_engine_are_refused(tmp_path, capsys, option):
    assert main(['parse', str(tmp_path), '--engine', 'ray', '--out', str(tmp_path / 'out'), *option]) == 1
    assert f'{option[0]} is not for --engine ray' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()
