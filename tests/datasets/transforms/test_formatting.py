"""Packing: shapes and types of what leaves the pipeline."""
import numpy as np
import torch
from mmengine.registry import DefaultScope

from mmqanet.datasets import CIHPDataset
from mmqanet.datasets.transforms import PackParsingInputs

CROPS = [dict(type='BoxesToCrops', input_size=(24, 32)), dict(type='WarpCrops'), dict(type='PackParsingInputs')]


def build(tiny, first, **args):
    with DefaultScope.overwrite_default_scope('mmqanet'):
        return CIHPDataset(**tiny.args(pipeline=[dict(type='LoadImage'), dict(type=first), *CROPS], **args))


def test_a_training_sample_is_a_crop_with_labels(tiny):
    packed = build(tiny, 'LoadPersonMap')[0]
    assert packed['inputs'].shape == (1, 3, 32, 24)
    assert packed['inputs'].dtype == torch.uint8
    labels = packed['data_samples'].gt_sem_seg.data
    assert labels.shape == (1, 32, 24)
    assert set(labels.unique().tolist()) == {0, 14, 15}


def test_a_test_sample_is_an_image_with_its_crops(tiny):
    packed = build(tiny, 'LoadImageMaps', test_mode=True)[0]
    sample = packed['data_samples']
    assert packed['inputs'].shape == (2, 3, 32, 24)
    assert sample.ori_shape == (40, 60)
    assert len(sample.crops) == 2
    assert sample.gt_instances.bboxes.tolist() == [[5, 4, 25, 34], [35, 10, 50, 35]]
    assert sample.gt_maps.category.shape == (1, 40, 60)
    assert sorted(sample.gt_maps.part.unique().tolist()) == [0, 14, 15, 34, 35]
    assert sample.gt_parts.shape == (4, 3)


def test_the_crops_of_a_crowd_are_not_copied():
    crops = np.arange(2 * 4 * 3 * 3, dtype=np.uint8).reshape(2, 4, 3, 3)
    packed = PackParsingInputs().transform(dict(crop_images=crops))
    assert packed['inputs'].data_ptr() == crops.ctypes.data
    assert np.array_equal(packed['inputs'].numpy(), crops.transpose(0, 3, 1, 2))


def test_a_whole_image_is_packed_with_what_there_is(tiny):
    with DefaultScope.overwrite_default_scope('mmqanet'):
        packed = CIHPDataset(**tiny.args(test_mode=True, annotated_boxes=False, pipeline=[
            dict(type='LoadImage'), dict(type='LoadImageMaps'), dict(type='PackParsingInputs', images='img')]))[0]
    assert packed['inputs'].shape == (3, 40, 60)
    sample = packed['data_samples']
    assert 'gt_instances' not in sample
    assert 'gt_sem_seg' not in sample
    assert sample.gt_maps.human.max() == 2


def test_an_image_with_nobody_is_packed(tiny):
    tiny.content['annotations'] = []
    tiny.write()
    packed = build(tiny, 'LoadImageMaps', test_mode=True)[0]
    assert len(packed['inputs']) == 0
    assert packed['data_samples'].gt_instances.bboxes.shape == (0, 4)


def test_the_crop_holds_the_picture_in_bgr(tiny):
    tiny.save('Images/pic2.png', np.full((40, 60, 3), (250, 100, 5), np.uint8))
    centre = build(tiny, 'LoadPersonMap')[2]['inputs'][0, :, 16, 12]
    assert centre.tolist() == [5, 100, 250]
