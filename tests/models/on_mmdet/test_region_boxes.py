"""NMS, soft NMS and box voting, against loops."""
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

pytest.importorskip('mmdet')
from mmqanet.models.on_mmdet.region_boxes import best_of_batch, detected_people, voted

HARD = dict(type='nms', iou_threshold=0.5)
SOFT = dict(type='soft_nms', iou_threshold=0.5, min_score=1e-4, method='linear')


def crowd(number: int = 30) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    centers = rng.choice([[30, 40], [80, 50], [85, 60]], number) + rng.normal(0, 4, (number, 2))
    sides = rng.uniform(20, 40, (number, 2))
    boxes = torch.from_numpy(np.concatenate([centers - sides, centers + sides], axis=1).astype(np.float32))
    people = torch.from_numpy(rng.random(number).astype(np.float32))
    return boxes, torch.stack([people, 1 - people], dim=1)


def iou(one, other, last_pixel: int = 0) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0]) + last_pixel
    height = min(one[3], other[3]) - max(one[1], other[1]) + last_pixel
    areas = [(box[2] - box[0] + last_pixel) * (box[3] - box[1] + last_pixel) for box in (one, other)]
    common = max(width, 0) * max(height, 0)
    return common / (sum(areas) - common)


def slow_nms(boxes: list, scores: list, *, soft: bool) -> list[tuple[float, list]]:
    left, kept = sorted(zip(scores, boxes), reverse=True), []
    while left:
        kept.append(left.pop(0))
        decayed = []
        for score, box in left:
            overlap = iou(kept[-1][1], box)
            if overlap > 0.5:
                score = score * (1 - overlap) if soft else 0.0
            if score > 1e-4:
                decayed.append((score, box))
        left = sorted(decayed, reverse=True)
    return kept


@pytest.mark.parametrize('nms', [HARD, SOFT], ids=['hard', 'soft'])
def test_nms_and_soft_nms(nms):
    boxes, scores = crowd()
    sure = scores[:, 0] > 0.3
    expected = slow_nms(boxes[sure].tolist(), scores[sure, 0].tolist(), soft=nms is SOFT)
    found, found_scores = detected_people(boxes, scores, dict(score_thr=0.3, nms=nms, max_per_img=100), last_pixel=0)
    np.testing.assert_allclose(found_scores.numpy(), [score for score, _ in expected], rtol=1e-5)
    np.testing.assert_allclose(found.numpy(), [box for _, box in expected])
    assert (len(found) > 10) == (nms is SOFT)
    best, _ = detected_people(boxes, scores, dict(score_thr=0.3, nms=nms, max_per_img=2), last_pixel=0)
    assert torch.equal(best, found[:2])


@pytest.mark.parametrize('last_pixel', [0, 1])
def test_kept_boxes_are_the_mean_of_those_that_overlap_them(last_pixel):
    boxes, scores = crowd()
    rules = dict(score_thr=0.3, nms=dict(HARD, offset=last_pixel), max_per_img=100)
    kept, kept_scores = detected_people(boxes, scores, rules, last_pixel=last_pixel)
    found, found_scores = detected_people(boxes, scores, dict(rules, box_voting_thr=0.6), last_pixel=last_pixel)
    assert torch.equal(found_scores, kept_scores)
    moved = 0
    for box, mean in zip(kept.tolist(), found.tolist()):
        votes = [(score, other) for score, other in zip(scores[:, 0].tolist(), boxes.tolist())
                 if score > 0.3 and iou(box, other, last_pixel) >= 0.6]
        expected = np.average([box for _, box in votes], axis=0, weights=[score for score, _ in votes])
        np.testing.assert_allclose(mean, expected, rtol=1e-5)
        moved += len(votes) > 1
    assert moved


def test_voters_of_low_scores_count_as_well():
    people, other = torch.tensor([[0, 0, 10, 10.0]]), torch.tensor([[0, 0, 10, 12.0]])
    found = voted(people, torch.cat([people, other]), torch.tensor([0.02, 0.06]), threshold=0.5, last_pixel=0)
    torch.testing.assert_close(found, torch.tensor([[0, 0, 10, 11.5]]))


def test_a_box_without_a_voter_stays():
    flat = torch.tensor([[5, 5, 5, 9.0]])
    assert torch.equal(voted(flat, flat, torch.ones(1), threshold=0.9, last_pixel=0), flat)
    assert torch.equal(voted(flat, flat[:0], torch.ones(0), threshold=0.9, last_pixel=0), flat)
    assert voted(flat[:0], flat, torch.ones(1), threshold=0.9, last_pixel=0).shape == (0, 4)


def test_no_box():
    found, scores = detected_people(
        torch.zeros(0, 4), torch.zeros(0, 2), dict(score_thr=0.05, nms=SOFT, max_per_img=9, box_voting_thr=0.9),
        last_pixel=0)
    assert found.shape == (0, 4)
    assert scores.shape == (0,)


def test_the_best_proposals_of_a_batch_keep_ties_and_images():
    scores = [[0.9, 0.3, 0.5], [0.5, 0.1]]
    proposals = [InstanceData(scores=torch.tensor(row), bboxes=torch.arange(4.0 * len(row)).view(-1, 4)) for row in scores]
    kept = best_of_batch(proposals, 2)
    assert [found.scores.tolist() for found in kept] == [pytest.approx([0.9, 0.5]), [0.5]]
    assert kept[0].bboxes[1].tolist() == [8, 9, 10, 11]
    assert best_of_batch(proposals, 5) is proposals
