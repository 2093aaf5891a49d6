import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmqanet.utils.label_pngs import encode_label_map


@pytest.mark.parametrize(('shape', 'most'), [((1, 1), 1), ((7, 5), 255), ((40, 301), 22), ((6, 9), 256), ((30, 41), 65535)])
@pytest.mark.parametrize('dtype', [np.uint16, np.int32, np.int64])
def test_pillow_and_opencv_read_what_was_written(shape, most, dtype):
    labels = np.random.default_rng(0).integers(0, most + 1, shape).astype(dtype)
    labels[0, -1] = most
    content = encode_label_map(labels)
    with Image.open(io.BytesIO(content)) as picture:
        picture.verify()
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.mode == ('L' if most < 256 else 'I;16')
        assert np.array_equal(np.asarray(picture), labels)
    assert np.array_equal(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED), labels)


def test_a_palette_gives_labels_their_colours():
    rng = np.random.default_rng(1)
    labels, palette = rng.integers(0, 256, (20, 30), dtype=np.uint8), rng.integers(0, 256, (256, 3), dtype=np.uint8)
    with Image.open(io.BytesIO(encode_label_map(labels.T.copy().T, palette=palette))) as picture:
        assert picture.mode == 'P'
        assert np.array_equal(np.asarray(picture), labels)
        assert np.array_equal(np.asarray(picture.convert('RGB')), palette[labels])


def test_runs_of_labels_take_little_space():
    labels = np.zeros((300, 400), np.uint8)
    labels[50:200, 100:250] = 3
    assert len(encode_label_map(labels)) < 2500
