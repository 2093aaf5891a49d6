"""The FCOS head that learns nothing from ignored boxes, beside mmdet's head and a loss computed point by point."""
import math

import pytest
import torch
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

pytest.importorskip('mmdet.models')

SIZES = [(8, 10), (4, 5)]
STRIDES = [8, 16]
PERSON = [19.0, 13.0, 41.0, 61.0]
DOUBTFUL = [[30.0, 0.0, 70.0, 40.0], [4.0, 44.0, 12.0, 52.0]]


def build(kind):
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MMENGINE_MODELS.build(dict(
            type=kind, num_classes=1, in_channels=4, feat_channels=4, stacked_convs=1, strides=STRIDES,
            regress_ranges=((-1, 32), (32, 1e8)), center_sampling=True, norm_on_bbox=True,
            norm_cfg=dict(type='GN', num_groups=2), loss_bbox=dict(type='GIoULoss')))


def annotated(boxes):
    return InstanceData(bboxes=torch.tensor(boxes).reshape(-1, 4), labels=torch.zeros(len(boxes), dtype=torch.long))


def answers(images=2):
    random = torch.Generator().manual_seed(0)
    return tuple([scale * torch.rand(images, channels, *size, generator=random) - shift for size in SIZES]
                 for channels, scale, shift in ((1, 4, 2), (4, 3, 0), (1, 4, 2)))


def losses(kind, people, ignored, given=None):
    return build(kind).loss_by_feat(*(given or answers(len(people))), people, [{}] * len(people), ignored)


def points():
    """Level, row, column, x, y of every point."""
    return [(level, row, column, (column + 0.5) * stride, (row + 0.5) * stride)
            for level, ((rows, columns), stride) in enumerate(zip(SIZES, STRIDES))
            for row in range(rows) for column in range(columns)]


def inside(box, x, y):
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def learns_the_person(level, x, y):
    """Within 1.5 strides of the centre, and of the level that the farthest side belongs to."""
    stride = STRIDES[level]
    near = max(abs(x - 30), abs(y - 37)) < 1.5 * stride and inside(PERSON, x, y)
    return near and (max(x - PERSON[0], PERSON[2] - x, y - PERSON[1], PERSON[3] - y) <= 32) == (level == 0)


def test_points_of_ignored_boxes_have_no_part_in_the_classification_loss():
    given = answers(1)
    total, positives = 0.0, 0
    for level, row, column, x, y in points():
        score = 1 / (1 + math.exp(-given[0][level][0, 0, row, column].item()))
        if learns_the_person(level, x, y):
            positives += 1
            total -= 0.25 * (1 - score) ** 2 * math.log(score)
        elif not any(inside(box, x, y) for box in DOUBTFUL):
            total -= 0.75 * score**2 * math.log(1 - score)
    assert positives > 2
    found = losses('mmqanet.IgnoringFCOSHead', [annotated([PERSON])], [annotated(DOUBTFUL)], given)
    assert found['loss_cls'].item() == pytest.approx(total / positives, rel=1e-5)


def test_only_the_classification_loss_changes():
    people = [annotated([PERSON]), annotated([])]
    ignored = [annotated(DOUBTFUL[:1]), annotated(DOUBTFUL[1:])]
    found, theirs = (losses(kind, people, ignored) for kind in ('mmqanet.IgnoringFCOSHead', 'FCOSHead'))
    assert found['loss_cls'] < theirs['loss_cls']
    for name in ('loss_bbox', 'loss_centerness'):
        assert torch.equal(found[name], theirs[name]), name


@pytest.mark.parametrize('ignored', [None, [annotated([])] * 2])
def test_without_ignored_boxes_the_losses_are_those_of_mmdet(ignored):
    people = [annotated([PERSON]), annotated([])]
    found, theirs = (losses(kind, people, ignored) for kind in ('mmqanet.IgnoringFCOSHead', 'FCOSHead'))
    assert found.keys() == theirs.keys()
    assert all(torch.equal(found[name], theirs[name]) for name in theirs)


def test_a_picture_with_ignored_people_alone_has_a_gradient_outside_of_them_only():
    given = answers(1)
    given[0][0].requires_grad_()
    losses('mmqanet.IgnoringFCOSHead', [annotated([])], [annotated(DOUBTFUL)], given)['loss_cls'].backward()
    for level, row, column, x, y in points():
        if level == 0:
            silent = given[0][0].grad[0, 0, row, column] == 0
            assert silent == any(inside(box, x, y) for box in DOUBTFUL), (x, y)


def test_the_weights_fit_the_head_of_mmdet():
    assert build('FCOSHead').state_dict().keys() == build('mmqanet.IgnoringFCOSHead').state_dict().keys()
