"""Predictions in the forms of COCO and supervision, against those libraries."""
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmqanet.errors import InputError
from mmqanet.structures import ParsingDataSample

CLASSES = ('background', 'hat', 'coat', 'shoe')
CATEGORY = np.array([[1, 1, 0, 0, 0, 0], [2, 2, 0, 3, 3, 0], [2, 2, 0, 3, 0, 0], [0, 0, 0, 0, 0, 2]], np.uint8)
HUMAN = np.array([[1, 1, 0, 0, 0, 0], [1, 1, 0, 3, 3, 0], [1, 1, 0, 3, 0, 0], [0, 0, 0, 0, 0, 3]], np.uint8)
PART = np.array([[1, 1, 0, 0, 0, 0], [2, 2, 0, 4, 4, 0], [2, 2, 0, 4, 0, 0], [0, 0, 0, 0, 0, 3]], np.uint8)
ROWS = ((1, 1, 0.5), (1, 2, 0.75), (3, 2, 0.25), (3, 3, 0.125))  # person, label, quality of each part


@pytest.fixture
def sample():
    """Three people, of whom the second is hidden."""
    sample = ParsingDataSample(metainfo=dict(classes=CLASSES))
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor([[0, 0, 2.5, 3], [1, 1, 2, 2], [3, 1, 6, 4.0]]), qualities=torch.tensor([0.5, 0.9, 0.25]))
    sample.pred_maps = PixelData(category=torch.from_numpy(CATEGORY)[None], human=torch.from_numpy(HUMAN)[None],
                                 part=torch.from_numpy(PART)[None])
    people, labels, scores = map(torch.tensor, zip(*ROWS))
    sample.pred_parts = InstanceData(people=people - 1, labels=labels, scores=scores)
    return sample


@pytest.mark.parametrize(('of', 'numbers', 'rows'), [
    ('parts', PART, list(enumerate(ROWS, start=1))), ('people', HUMAN, [(1, (1, 1, 0.5)), (3, (3, 1, 0.25))])])
def test_coco_reads_the_same_masks(sample, of, numbers, rows):
    mask_utils = pytest.importorskip('pycocotools.mask')
    results = sample.to_coco(image_id=7, of=of)
    assert [row['id'] for row in results] == list(range(1, len(rows) + 1))
    for row, (number, (person, label, quality)) in zip(results, rows, strict=True):
        mask = numbers == number
        assert (mask_utils.decode(row['segmentation']) == mask).all()
        assert row['bbox'] == mask_utils.toBbox(row['segmentation']).tolist()
        assert row['area'] == mask_utils.area(row['segmentation']) == mask.sum()
        assert (row['image_id'], row['category_id'], row['person'], row['score']) == (7, label, person, quality)
        assert row['iscrowd'] == 0


def test_coco_results_load(sample):
    coco = pytest.importorskip('pycocotools.coco').COCO()
    coco.dataset = dict(images=[dict(id=7, height=4, width=6)], categories=[
        dict(id=label, name=name) for label, name in enumerate(CLASSES) if label], annotations=[], info={})
    coco.createIndex()
    loaded = coco.loadRes(sample.to_coco(image_id=7))
    assert (loaded.annToMask(loaded.loadAnns([4])[0]) == (PART == 4)).all()


@pytest.mark.parametrize('of', ['parts', 'people'])
def test_supervision_has_masks_and_qualities(sample, of):
    supervision = pytest.importorskip('supervision')
    found = sample.to_supervision(of=of)
    assert isinstance(found, supervision.Detections)
    if of == 'parts':
        assert (found.mask == np.stack([number == PART for number in (1, 2, 3, 4)])).all()
        assert found.xyxy.tolist() == [[0, 0, 2, 1], [0, 1, 2, 3], [5, 3, 6, 4], [3, 1, 5, 3]]
        assert found.class_id.tolist() == [1, 2, 2, 3]
        assert found['class_name'].tolist() == ['hat', 'coat', 'coat', 'shoe']
        assert found['person'].tolist() == [1, 1, 3, 3]
        assert found.confidence.tolist() == [0.5, 0.75, 0.25, 0.125]
    else:
        assert (found.mask == np.stack([number == HUMAN for number in (1, 3)])).all()
        assert found.xyxy.tolist() == [[0, 0, 2.5, 3], [3, 1, 6, 4]]
        assert found['class_name'].tolist() == ['person', 'person']
        assert found['person'].tolist() == [1, 3]
        assert found.confidence.tolist() == [0.5, 0.25]
    assert len(found[found.confidence > 0.3]) == {'parts': 2, 'people': 1}[of]
    supervision.MaskAnnotator().annotate(np.zeros((4, 6, 3), np.uint8), found)


@pytest.mark.parametrize('of', ['parts', 'people'])
def test_nobody(sample, of):
    pytest.importorskip('supervision')
    sample.pred_instances, sample.pred_parts = sample.pred_instances[:0], sample.pred_parts[:0]
    sample.pred_maps = PixelData(human=torch.zeros(1, 4, 6, dtype=torch.uint8), part=torch.zeros(1, 4, 6, dtype=torch.uint8))
    assert sample.to_coco(of=of) == []
    assert len(sample.to_supervision(of=of)) == 0


def test_what_is_no_kind_is_refused(sample):
    with pytest.raises(InputError, match='of: \'dogs\' is neither people nor parts'):
        sample.to_coco(of='dogs')
    with pytest.raises(InputError, match='this sample has no prediction'):
        ParsingDataSample().to_coco()


def test_supervision_is_an_extra(sample, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'supervision', None)
    with pytest.raises(InputError, match=r"pip install 'mmqanet\[supervision\]'"):
        sample.to_supervision()
