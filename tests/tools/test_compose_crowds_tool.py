import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmqanet.preparation.converters.prepared import write_sample

TOOL = Path(__file__).resolve().parents[2] / 'tools/dataset_converters/compose_crowds.py'


@pytest.fixture
def command(tmp_path):
    """Runs the tool on four photos of a grey block on noise."""
    rng = np.random.default_rng(0)
    for split in ('Training', 'Validation'):
        for name in ('a', 'b'):
            image = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
            image[20:110, 65:95] = 128
            category = np.zeros((120, 160), np.uint8)
            category[20:110, 65:95] = 3
            jpeg = cv2.imencode('.jpg', image)[1].tobytes()
            write_sample(tmp_path / 'source' / split, name, image=jpeg, category=category,
                         human=(category > 0).astype(np.uint8), num_classes=17)
    main = runpy.run_path(str(TOOL))['main']
    return lambda *options: main([str(tmp_path / 'source'), str(tmp_path / 'crowds'), '--num-train', '3', '--num-val', '2',
                                  '--long-sides', '64', '96', '--workers', '1', *options])


def test_report(command, tmp_path, capsys):
    assert command() == 0
    out = capsys.readouterr().out
    assert 'Training: 3 of 3 images' in out
    assert 'Validation: 2 of 2 images' in out
    assert len(list((tmp_path / 'crowds').glob('*/Images/*.jpg'))) == 5


@pytest.mark.parametrize(('options', 'said'), [
    (('--dataset', 'NoSuchDataset'), 'NoSuchDataset'), (('--num-val', '0'), 'num_val'),
    (('--long-sides', '90', '70'), 'long_sides')])
def test_bad_input_is_one_line(command, capsys, options, said):
    assert command(*options) == 1
    error = capsys.readouterr().err
    assert error.startswith('error: ')
    assert said in error
    assert error.count('\n') == 1
