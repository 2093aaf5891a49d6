"""The command lines of all the converters."""
import runpy
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / 'tools/dataset_converters'
NAMES = {'CIHP': 'cihp', 'LIP': 'lip', 'ATR': 'atr', 'MHP-v2': 'mhp_v2', 'PASCAL-Person-Part': 'pascal_person_part'}


@pytest.fixture
def run(archive, tmp_path):
    """Runs the tool of the archive."""
    title = archive.Converter.title
    main = runpy.run_path(str(TOOLS / f'{NAMES[title]}.py'))['main']
    lists = getattr(archive.converter(), 'lists', ())
    options = ['--lists', *map(str, lists)] if lists else []

    def call(*arguments, verify=False):
        places = [] if verify else [str(archive.root)]
        return main([*places, str(tmp_path / 'out'), *options, '--workers', '1', *arguments])

    return call


def test_convert_then_verify(archive, run, tmp_path, capsys):
    assert run() == 0
    assert 'Training: 3 of 3 images' in capsys.readouterr().out
    assert (tmp_path / 'out/report.txt').read_text().startswith('Training: 3 of 3 images')
    assert run('--verify', verify=True) == 0
    (tmp_path / 'out/Training/Human_ids/b.png').unlink()
    assert run('--verify', verify=True) == 1
    assert 'failed, b: ' in capsys.readouterr().out


def test_an_incomplete_archive(archive, run, tmp_path, capsys):
    archive.photo('train', 'b').unlink()
    assert run() == 1
    out = capsys.readouterr().out
    assert 'failed, b: ' in out
    assert out.endswith(f'not complete; all names: {tmp_path}/out/report.txt\n')
    assert len(list((tmp_path / 'out/Training/Images').iterdir())) == 2
    assert run('--allow-incomplete') == 0


def test_bad_input_is_one_line(archive, run, tmp_path, capsys):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out/conversion.json').write_text('{"converter": "other"}')
    assert run() == 1
    error = capsys.readouterr().err
    assert error.startswith('error: ')
    assert error.count('\n') == 1
    assert list((tmp_path / 'out').iterdir()) == [tmp_path / 'out/conversion.json']


def test_the_source_is_needed_to_convert(run, capsys):
    with pytest.raises(SystemExit):
        run(verify=True)
    assert 'SRC and DST are needed' in capsys.readouterr().err
