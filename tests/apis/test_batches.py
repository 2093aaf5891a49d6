"""Batches hold as many frames as asked, and no more bytes than one picture above the budget."""
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData

from mmqanet.apis.batches import batch_weight, batches, read_all, result_weight
from mmqanet.apis.inputs import Picture
from mmqanet.apis.predictions import Failed, Parsed
from mmqanet.apis.videos import Frame
from mmqanet.errors import InputError
from mmqanet.structures import ParsingDataSample


def read(weight):
    return None, Frame(name='a', source='a', image=np.zeros(weight, np.uint8))


def weights(found):
    return [[item[1].image.nbytes for item in batch] for batch in found]


@pytest.mark.parametrize(('size', 'budget', 'expected'), [
    (1, 100, [[1], [2], [3], [4]]), (3, 100, [[1, 2, 3], [4]]), (4, 100, [[1, 2, 3, 4]]), (9, 100, [[1, 2, 3, 4]]),
    (9, 3, [[1, 2], [3], [4]]), (9, 4, [[1, 2, 3], [4]]), (2, 6, [[1, 2], [3, 4]]), (9, 1, [[1], [2], [3], [4]])])
def test_a_batch_ends_with_its_number_of_frames_or_its_weight(size, budget, expected):
    assert weights(batches(map(read, (1, 2, 3, 4)), size, budget=budget)) == expected


def test_no_frames_make_no_batch_and_failures_weigh_nothing():
    failed = Failed(item=None, error=InputError('no'))
    assert list(batches([], 3)) == []
    assert list(batches([failed, failed, failed], 2, budget=1)) == [[failed, failed], [failed]]
    assert batch_weight([failed, read(5), read(7)]) == 12
    assert result_weight(failed) == 0


def test_pictures_of_together_256_mebibytes_end_a_batch():
    whole = read(2**28)
    assert [len(batch) for batch in batches([whole, whole, read(1), read(1)], 9)] == [1, 1, 2]
    almost = read(2**28 - 1)
    assert [len(batch) for batch in batches([almost, almost], 9)] == [2]


def test_a_result_weighs_its_picture_and_its_maps():
    sample = ParsingDataSample()
    sample.pred_maps = PixelData(
        category=torch.zeros(1, 4, 5, dtype=torch.uint8), human=torch.zeros(1, 4, 5, dtype=torch.int32))
    frame = Frame(name='a', source='a', image=np.zeros((4, 5, 3), np.uint8))
    assert result_weight(Parsed(item=None, frame=frame, sample=sample)) == 60 + 20 + 80


def test_what_cannot_be_read_stands_at_its_place():
    good, bad = (Picture(name=name, source=name, content=content) for name, content in (
        ('good', np.zeros((2, 2, 3), np.uint8)), ('bad', np.zeros((2, 2, 3)))))
    first, second, third = read_all([good, bad, good])
    assert first[0] is third[0] is good
    assert (first[1].name, first[1].image.shape) == ('good', (2, 2, 3))
    assert second.item is bad
    assert 'bad must be' in str(second.error)
