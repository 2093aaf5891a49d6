import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

pytest.importorskip('pycocotools')

from pycocotools import mask as mask_tools

from mmqanet.analysis.instances.detections import DetectionFolder, Setting
from mmqanet.errors import InputError
from mmqanet.functional import fuse_quality, mask_pixel_scores
from mmqanet.functional.mask_quality import mask_statistics

KEEP = (0.25, 0.4, 0.6, 0.75)


def instances(probs, scores):
    statistics = mask_statistics(probs, KEEP, sums=True)
    return InstanceData(
        bboxes=torch.rand(len(probs), 4), labels=torch.arange(len(probs)), scores=scores, box_scores=scores,
        masks=probs >= 0.5, mask_counts=statistics.counts, mask_sums=statistics.sums)


def test_what_is_kept_answers_for_any_setting(tmp_path):
    probs = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(0))
    found = instances(probs, torch.tensor([0.9, 0.5, 0.1]))
    folder = DetectionFolder(tmp_path, {'checkpoint': 'a'})
    folder.write('7', found, (20, 30))
    assert folder.missing(['7', '8']) == [1]
    kept = folder.read('7')
    assert (mask_tools.decode(kept.masks).transpose(2, 0, 1) == found.masks.numpy()).all()
    np.testing.assert_array_equal(kept.labels, [0, 1, 2])
    for setting in (Setting(), Setting((2.0, 0.0, 1.0), 0.4), Setting((1.0, 1.0, 1.0), 0.6, 'mean')):
        pixel = mask_pixel_scores(probs, threshold=setting.threshold, mode=setting.mode)
        expected = fuse_quality(found.scores, 1, pixel, setting.weights)
        np.testing.assert_allclose(kept.qualities(setting, KEEP), expected.numpy(), rtol=1e-6)
    with pytest.raises(InputError, match=r'threshold 0\.7 is none of those measured'):
        kept.qualities(Setting(threshold=0.3), KEEP)


def test_scores_of_the_network_that_leave_their_range_count_as_its_ends(tmp_path):
    probs = torch.full((4, 20, 30), 0.6)
    probs[:, :9] = 0.9
    found = instances(probs, torch.tensor([1.5, 1.0, 0.5, -0.25]))
    found.mask_ious = torch.tensor([0.5, 2.0, -1.0, 0.5])
    folder = DetectionFolder(tmp_path, {})
    folder.write('7', found, (20, 30))
    kept = folder.read('7').qualities(Setting((1.0, 1.0, 0.0)), KEEP)
    np.testing.assert_allclose(kept, np.sqrt([1 * 0.5, 1 * 1, 0.5 * 0, 0 * 0.5]), rtol=1e-6)


def test_an_image_without_detections(tmp_path):
    folder = DetectionFolder(tmp_path, {})
    bare = InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0), scores=torch.zeros(0), masks=torch.zeros(0, 20, 30))
    for name, found in (('1', instances(torch.rand(0, 20, 30), torch.zeros(0))), ('2', bare)):
        folder.write(name, found, (20, 30))
        kept = folder.read(name)
        assert kept.masks == []
        assert kept.qualities(Setting(), KEEP).shape == (0,)
