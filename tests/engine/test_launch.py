"""The entry points' arguments, and how an error ends them."""
import argparse
from pathlib import Path

import pytest

from mmqanet.engine.launch import add_common_arguments, config_from, run_tool
from mmqanet.errors import DataError

CONFIG = Path(__file__).resolve().parents[2] / 'configs/qanet/qanet_r50_cihp.py'


def test_arguments_become_a_config(tmp_path):
    parser = argparse.ArgumentParser()
    add_common_arguments(parser)
    cfg = config_from(parser.parse_args(
        [str(CONFIG), '--work-dir', str(tmp_path), '--cfg-options', 'train_cfg.max_epochs=3', 'model.flip_test=False']))
    assert (cfg.work_dir, cfg.train_cfg.max_epochs, cfg.model.flip_test) == (str(tmp_path), 3, False)
    assert config_from(parser.parse_args([str(CONFIG)])).work_dir == 'work_dirs/qanet_r50_cihp'


def test_an_error_of_ours_is_one_line():
    def broken():
        raise DataError('x.json: gone')

    with pytest.raises(SystemExit, match=r'x\.json: gone'):
        run_tool(broken)
    with pytest.raises(SystemExit, match=r'none\.json: no such file'):
        run_tool(Path('none.json').read_text)
