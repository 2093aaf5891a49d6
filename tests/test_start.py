"""What a command imports before its first result, which is most of what it takes to start."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PARSER = """
from mmengine.config import Config
from mmqanet.apis import init_model
init_model(Config.fromfile('configs/ccp/qanet_efficientnet-lite0_ccp.py'))
"""
DETECTOR = """
from mmengine.config import Config
from mmqanet.apis import init_detector
init_detector(Config.fromfile('configs/detection/fcos_efficientnet-lite0_person_crowds.py'))
"""
SHIPPED = """
import numpy as np
from mmqanet.apis import HumanParsingInferencer
HumanParsingInferencer(device='cpu')(np.zeros((64, 48, 3), np.uint8))
"""
HELP = """
from mmqanet.cli.main import main
try:
    main(['evaluate', '--help'])
except SystemExit:
    pass
"""


@pytest.mark.parametrize(('code', 'unwanted'), [
    (HELP, 'torch mmengine mmcv scipy cv2 matplotlib'),
    (PARSER, 'mmseg.models mmdet scipy.optimize imgaug'),
    (DETECTOR, 'mmseg.models mmdet mmcv.ops scipy.optimize imgaug'),
    (SHIPPED, 'mmseg.models mmdet scipy.optimize imgaug mmqanet.models.on_mmdet'),
], ids=['help', 'light parser', 'light detector', 'shipped models'])
def test_nothing_is_imported_that_is_not_needed(code, unwanted):
    done = subprocess.run(
        [sys.executable, '-c', f'{code}\nimport sys\nprint("found", *(set({unwanted.split()}) & set(sys.modules)))'],
        cwd=REPO, capture_output=True, text=True, env=dict(os.environ, PYTHONPATH=str(REPO)))
    assert done.stdout.splitlines()[-1:] == ['found'], done.stdout[-500:] + done.stderr[-2000:]
