"""A detector of many classes, cut down to people."""
import pytest
import torch
from mmengine.registry import MODELS, DefaultScope

from mmqanet.checkpoints.conversion.person_weights import keep_person
from mmqanet.errors import DataError

CLASSES = ('cat', 'person', 'dog')


def head(num_classes):
    with DefaultScope.overwrite_default_scope('mmdet'):
        return torch.nn.ModuleDict(dict(bbox_head=MODELS.build(dict(
            type='FCOSHead', num_classes=num_classes, in_channels=8, feat_channels=8, stacked_convs=1, strides=[8],
            regress_ranges=((-1, 1e8),), norm_cfg=None)))).eval()


def test_people_keep_their_scores_and_boxes():
    pytest.importorskip('mmdet')
    torch.manual_seed(0)
    many, one = head(3), head(1)
    one.load_state_dict(keep_person(many.state_dict(), CLASSES))
    features = [torch.randn(1, 8, 6, 5)]
    with torch.no_grad():
        (scores,), (boxes,), (centres,) = many['bbox_head'](features)
        (person_scores,), (person_boxes,), (person_centres,) = one['bbox_head'](features)
    torch.testing.assert_close(person_scores, scores[:, 1:2])
    torch.testing.assert_close(person_boxes, boxes)
    torch.testing.assert_close(person_centres, centres)


def test_other_weights_are_refused():
    state = {'bbox_head.conv_cls.weight': torch.ones(3, 2, 3, 3), 'bbox_head.conv_cls.bias': torch.ones(3)}
    with pytest.raises(DataError, match='no class is called person among the 2'):
        keep_person(state, ('cat', 'dog'))
    with pytest.raises(DataError, match='weight has 3 outputs for 2 classes'):
        keep_person(state, ('cat', 'person'))
    with pytest.raises(DataError, match=r'bbox_head\.conv_cls\.bias is missing'):
        keep_person({'bbox_head.conv_cls.weight': torch.ones(3, 2, 3, 3)}, CLASSES)
    assert state['bbox_head.conv_cls.bias'].shape == (3,)
