"""F1 of faces, against counting pixels."""
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmqanet.datasets import HelenDataset, IBugMask14Dataset, VIPDataset
from mmqanet.errors import InputError
from mmqanet.evaluation import FaceParsingMetric
from mmqanet.functional.f1 import class_f1, group_f1, mean_f1
from mmqanet.functional.overlaps import confusion_matrix
from mmqanet.structures import ParsingDataSample


def pairs(seed, *, classes=11, number=3):
    """(prediction, label) maps that agree in most pixels; some labels are ignored."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        label = rng.integers(0, classes, (12, 10))
        pred = np.where(rng.random(label.shape) < 0.6, label, rng.integers(0, classes, label.shape))
        yield pred, np.where(rng.random(label.shape) < 0.1, 255, label)


def counted_f1(maps, labels):
    """By masks: 2 |P and G| / (|P| + |G|), over the pixels that are not ignored."""
    both = sizes = 0
    for pred, label in maps:
        one, other = np.isin(pred, labels) & (label != 255), np.isin(label, labels)
        both, sizes = both + (one & other).sum(), sizes + one.sum() + other.sum()
    return 2 * both / sizes


@pytest.fixture
def maps():
    return list(pairs(0))


@pytest.fixture
def confusion(maps):
    return sum(confusion_matrix(pred, label, 11) for pred, label in maps)


def test_f1_is_that_of_masks(maps, confusion):
    expected = [counted_f1(maps, [label]) for label in range(11)]
    assert class_f1(confusion) == pytest.approx(expected)
    assert mean_f1(confusion) == pytest.approx(np.mean(expected[1:]))
    iou = np.diag(confusion) / (confusion.sum(0) + confusion.sum(1) - np.diag(confusion))
    assert class_f1(confusion) == pytest.approx(2 * iou / (1 + iou))


@pytest.mark.parametrize('labels', [[4, 5], [7, 8, 9], [2, 3, 4, 5, 6, 7, 8, 9]])
def test_classes_of_a_group_are_joined_before_counting(maps, confusion, labels):
    assert group_f1(confusion, labels) == pytest.approx(counted_f1(maps, labels))
    assert group_f1(confusion, labels) > class_f1(confusion)[labels].mean(), 'taken for another of the group is right'


def test_classes_that_occur_nowhere_are_left_out():
    confusion = np.diag([5, 3, 0, 0])
    confusion[1, 3] = 2
    assert class_f1(confusion)[1] == pytest.approx(6 / 8)
    assert np.isnan(class_f1(confusion)[2])
    assert class_f1(confusion)[3] == 0
    assert mean_f1(confusion) == pytest.approx((6 / 8 + 0) / 2)
    assert np.isnan(mean_f1(np.diag([4, 0, 0])))


def evaluate(metric, maps, dataset):
    metric.dataset_meta = dataset.METAINFO
    for index, (pred, label) in enumerate(maps):
        sample = ParsingDataSample(metainfo=dict(name=str(index), img_path=str(index), ori_shape=pred.shape))
        sample.gt_maps = PixelData(category=torch.tensor(label.astype(np.uint8))[None])
        sample.pred_instances = InstanceData(qualities=torch.ones(1))
        sample.pred_maps = PixelData(**{key: torch.tensor(pred.astype(np.uint8))[None] for key in ('category', 'human')})
        metric.process(None, [sample.to_dict()])
    return metric.evaluate(len(maps))


def test_the_metric_tells_percent_of_classes_and_of_helen_s_groups(maps, confusion):
    scores = evaluate(FaceParsingMetric(groups='helen'), maps, HelenDataset)
    assert scores['mF1'] == pytest.approx(100 * mean_f1(confusion))
    for name, labels in dict(brows=[2, 3], eyes=[4, 5], nose=[6], mouth=[7, 8, 9], overall=range(2, 10)).items():
        assert scores[f'F1_{name}'] == pytest.approx(100 * counted_f1(maps, list(labels))), name
    assert 0 < scores['mIoU'] < scores['mF1']


def test_groups_are_by_name():
    maps = list(pairs(1, classes=14))
    scores = evaluate(FaceParsingMetric(groups=dict(ears=['left-ear', 'right-ear'])), maps, IBugMask14Dataset)
    assert scores['F1_ears'] == pytest.approx(100 * counted_f1(maps, [11, 12]))
    with pytest.raises(InputError, match="no class 'left-brow'"):
        evaluate(FaceParsingMetric(groups='helen'), maps, VIPDataset)
    with pytest.raises(InputError, match="groups is 'lapa'"):
        FaceParsingMetric(groups='lapa')
