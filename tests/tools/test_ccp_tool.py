import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from mmqanet.datasets.ccp import CCP_CLASSES

TOOL = Path(__file__).resolve().parents[2] / 'tools/dataset_converters/ccp.py'


@pytest.fixture
def command(tmp_path):
    """Runs the tool on three photos, the last of which has no annotation that can be read."""
    root = tmp_path / 'source'
    (root / 'photos').mkdir(parents=True)
    (root / 'annotations/pixel-level').mkdir(parents=True)
    cells = np.empty((1, 59), object)
    cells[0] = ['null', *CCP_CLASSES[1:]]
    savemat(root / 'label_list.mat', {'label_list': cells})
    tags = np.full((40, 20), CCP_CLASSES.index('dress'), np.uint8)
    tags[:8] = CCP_CLASSES.index('hair')
    for name in ('0001', '0002', '0003'):
        Image.new('RGB', (20, 40)).save(root / f'photos/{name}.jpg')
        savemat(root / f'annotations/pixel-level/{name}.mat', {'groundtruth': tags})
    (root / 'annotations/pixel-level/0003.mat').write_bytes(b'')
    main = runpy.run_path(str(TOOL))['main']
    return lambda *options: main([str(root), str(tmp_path / 'CCP'), '--val', '1', '--workers', '1', *options])


def test_exit_status_and_report(command, tmp_path, capsys):
    assert command() == 1
    out = capsys.readouterr().out
    assert 'failed, 0003: ' in out
    assert len(list((tmp_path / 'CCP').glob('*/Images/*.jpg'))) == 2
    assert command('--allow-incomplete') == 0
    assert '1 of them kept' in capsys.readouterr().out


def test_bad_input_is_one_line(command, capsys):
    command()
    capsys.readouterr()
    assert command('--seed', '5') == 1
    error = capsys.readouterr().err
    assert error.startswith('error: ')
    assert error.count('\n') == 1
