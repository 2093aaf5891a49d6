import pytest
import torch

from mmqanet.errors import InputError
from mmqanet.functional.class_merging import check_merge_table, merge_classes, restrict_classes


def test_merged_probabilities_are_sums():
    probs = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(0)).softmax(1)
    before = probs.clone()
    merged = merge_classes(probs, [0, 1, 2, 1, 2])
    assert merged.shape == (2, 3, 3, 4)
    torch.testing.assert_close(merged[:, 0], probs[:, 0])
    torch.testing.assert_close(merged[:, 1], probs[:, 1] + probs[:, 3])
    torch.testing.assert_close(merged[:, 2], probs[:, 2] + probs[:, 4])
    assert torch.equal(probs, before)


def test_the_parts_of_a_class_win_together():
    probs = torch.tensor([0.4, 0.3, 0.3]).view(1, 3, 1, 1)
    assert merge_classes(probs, [0, 1, 1]).argmax(1).item() == 1


def test_a_class_left_out_gives_its_pixels_to_the_next_best():
    probs = torch.tensor([[0.1, 0.3, 0.6], [0.0, 0.0, 1.0]]).T.view(1, 3, 1, 2)
    merged = merge_classes(probs, [0, 1, -1])
    torch.testing.assert_close(merged[0, :, 0], torch.tensor([[0.25, 1.0], [0.75, 0.0]]))


@pytest.mark.parametrize('table', [[0, 1], [1, 0, 1], [0, 2, 2], [0, 1, -2]])
def test_tables_that_do_not_fit(table):
    with pytest.raises(InputError, match='merging table needs 3 entries'):
        check_merge_table(table, num_classes=3)


def test_tables_that_fit():
    for table in ([0, 1, 2], [0, 1, 1], [0, -1, 1]):
        check_merge_table(table, num_classes=3)


def test_a_world_of_some_classes():
    probs = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0)).softmax(0)
    before = probs.clone()
    kept = restrict_classes(probs, [True, False, True, False])
    torch.testing.assert_close(kept.sum(0), torch.ones(3, 5))
    torch.testing.assert_close(kept[2] / kept[0], probs[2] / probs[0])
    assert not kept[[1, 3]].any()
    assert torch.equal(probs, before)
    certain = torch.tensor([0.0, 1.0]).view(2, 1, 1)
    assert restrict_classes(certain, [True, False]).flatten().tolist() == [1, 0]
