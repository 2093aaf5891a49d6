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
    for counts in ('o' * 13 + '0', 'o' * 10**5):
        with pytest.raises(InputError, match='counts: a run of more pixels than masks have'):
            decode_rle({**rle, 'counts': counts})
    with pytest.raises(InputError, match=r'counts: runs of -?\d+ pixels do not fill a mask'):
        decode_rle({**rle, 'counts': '@1'})


@pytest.mark.parametrize('mask', MASKS[:-1])
@pytest.mark.parametrize(('before', 'after'), [((0, 0), (0, 0)), ((3, 2), (4, 1)), ((0, 2), (0, 3)), ((3, 0), (0, 0)),
                                               ((0, 0), (5, 0)), ((2, 0), (0, 4))])
def test_a_crop_is_written_like_its_whole_image(mask, before, after):
    whole = np.pad(mask, tuple(zip(before, after)))
    assert encode_rle(mask, offset=before, image_shape=whole.shape) == encode_rle(whole)


def test_a_crop_that_leaves_its_image_is_refused():
    with pytest.raises(InputError, match='leaves the image of 6 x 7'):
        encode_rle(MASKS[0], offset=(2, 0), image_shape=(6, 7))
