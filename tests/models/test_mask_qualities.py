import pytest
import torch
from mmengine.structures import InstanceData

from mmqanet.errors import InputError
from mmqanet.models.mask_quality import MaskQuality, rank_by_quality


def test_detections_are_ranked_and_thresholded_by_quality():
    found = InstanceData(scores=torch.tensor([0.9, 0.8, 0.7, 0.6]), mask_scores=torch.tensor([0.2, 0.5, 0.9, 0.5]))
    assert rank_by_quality(found).scores.tolist() == pytest.approx([0.7, 0.8, 0.6, 0.9])
    assert rank_by_quality(found, 0.5).scores.tolist() == pytest.approx([0.7, 0.8, 0.6])
    assert len(rank_by_quality(found, 1.0)) == 0


def test_without_mask_scores_there_must_be_no_detection():
    assert len(rank_by_quality(InstanceData(scores=torch.zeros(0)))) == 0
    with pytest.raises(InputError, match='no mask_scores; the head must be a quality-aware one'):
        rank_by_quality(InstanceData(scores=torch.ones(1)))
    with pytest.raises(InputError, match=r'threshold must be in \[0, 1\], got 2'):
        rank_by_quality(InstanceData(scores=torch.zeros(0)), 2)


def test_box_scores_beside_their_range_count_as_its_ends():
    quality = MaskQuality(weights=(1, 0, 1))
    found = quality.fuse(torch.tensor([1.0001, 1.0, -1e-4, 0.25]), torch.full((4,), 0.25))
    assert found.tolist() == pytest.approx([0.5, 0.5, 0, 0.25])
