"""The run-length encoding against pycocotools and by round trip."""
import numpy as np
import pytest

from mmqanet.errors import InputError
from mmqanet.functional.rle import decode_rle, encode_rle

RNG = np.random.default_rng(0)
BLOCK = np.zeros((400, 300), bool)
BLOCK[37:322, 11:280] = True
MASKS = [
    np.zeros((5, 7), bool), np.ones((5, 7), bool), RNG.random((13, 9)) < 0.5, RNG.random((40, 60)) < 0.02, BLOCK,
    ~BLOCK, np.eye(50, dtype=bool), np.zeros((0, 3), bool)
]


@pytest.mark.parametrize('mask', MASKS)
def test_masks_come_back(mask):
    assert (decode_rle(encode_rle(mask)) == mask).all()


@pytest.mark.parametrize('mask', MASKS[:-1])
def test_the_text_is_pycocotools(mask):
    tools = pytest.importorskip('pycocotools.mask')
    expected = tools.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert encode_rle(mask) == {'size': expected['size'], 'counts': expected['counts'].decode()}


def test_runs_that_do_not_fill_the_mask_are_refused():
    rle = encode_rle(MASKS[2])
    with pytest.raises(InputError, match='14x9'):
        decode_rle({**rle, 'size': [14, 9]})
