"""Crops for the calibration of 8-bit features."""
import torch

from mmqanet.deployment.quantization import _Crops


def test_calibration_crops_are_rgb_one_by_one():
    crops = torch.arange(2 * 3 * 2 * 4, dtype=torch.uint8).reshape(2, 3, 2, 4)
    reader = _Crops(crops)
    for crop in crops.numpy():
        given = reader.get_next()['crops']
        assert given.shape == (1, 3, 2, 4)
        for channel in range(3):
            assert (given[0, channel] == crop[2 - channel]).all()
    assert reader.get_next() is None
