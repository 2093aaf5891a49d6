"""The network's input, number by number: the order of the colours, ImageNet's mean and deviation."""
import numpy as np
import pytest
import torch
from PIL import Image

from mmqanet.models.data_preprocessor import ParsingDataPreprocessor
from mmqanet.utils.images import read_image

BLUE, GREEN, RED = 30, 100, 250
#: (value / 255 - mean) / deviation of ImageNet, red first.
EXPECTED = [(250 / 255 - 0.485) / 0.229, (100 / 255 - 0.456) / 0.224, (30 / 255 - 0.406) / 0.225]


def crops(*values):
    return torch.tensor(values, dtype=torch.uint8).view(1, 3, 1, 1).expand(2, 3, 4, 5)


@pytest.mark.parametrize('channels_last', [False, True])
def test_blue_green_red_becomes_red_green_blue_in_units_of_imagenet(channels_last):
    normalised = ParsingDataPreprocessor(channels_last=channels_last).normalize(crops(BLUE, GREEN, RED))
    assert normalised.dtype == torch.float32
    assert normalised.is_contiguous(memory_format=torch.channels_last) is channels_last
    expected = torch.tensor(EXPECTED).view(1, 3, 1, 1).expand(2, 3, 4, 5)
    torch.testing.assert_close(normalised, expected, rtol=0, atol=1e-5)


def test_the_order_mean_and_deviation_may_be_others():
    preprocessor = ParsingDataPreprocessor(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 1), bgr_to_rgb=False)
    expected = [(30 / 255 - 0.1) / 0.5, (100 / 255 - 0.2) / 0.25, 250 / 255 - 0.3]
    assert preprocessor.normalize(crops(BLUE, GREEN, RED))[0, :, 0, 0].tolist() == pytest.approx(expected, abs=1e-5)


def test_a_red_picture_is_red_to_the_network(tmp_path):
    Image.new('RGB', (3, 2), (RED, GREEN, BLUE)).save(tmp_path / 'a.png')
    image = torch.from_numpy(np.ascontiguousarray(read_image(tmp_path / 'a.png').transpose(2, 0, 1)))[None]
    assert ParsingDataPreprocessor().normalize(image)[0, :, 1, 2].tolist() == pytest.approx(EXPECTED, abs=1e-5)


def test_training_joins_normalised_crops_and_testing_leaves_them():
    preprocessor = ParsingDataPreprocessor()
    data = dict(inputs=[crops(BLUE, GREEN, RED)[:1], crops(1, 2, 3)[:1]], data_samples=['one', 'other'])
    trained, tested = preprocessor(data, training=True), preprocessor(data)
    assert trained['inputs'].shape == (2, 3, 4, 5)
    assert trained['inputs'][0, :, 0, 0].tolist() == pytest.approx(EXPECTED, abs=1e-5)
    assert [crop[0, :, 0, 0].tolist() for crop in tested['inputs']] == [[BLUE, GREEN, RED], [1, 2, 3]]
    assert all(crop.dtype == torch.uint8 for crop in tested['inputs'])
    assert trained['data_samples'] == tested['data_samples'] == ['one', 'other']
