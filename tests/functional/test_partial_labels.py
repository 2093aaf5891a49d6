import torch

from mmqanet.functional.partial_labels import exact_labels, merged_labels, mostly_exact_labels, undecided_classes


def test_partial_labels_are_left_out():
    labels = torch.tensor([[[0, 2, 3, 255]]])
    assert exact_labels(labels, num_classes=3).tolist() == [[[0, 2, 255, 255]]]
    assert exact_labels(labels, num_classes=3, ignore_index=77).tolist() == [[[0, 2, 77, 77]]]


def test_crops_with_many_partial_labels_are_left_out_altogether():
    few, many, none = torch.zeros(3, 4, 10, dtype=torch.long)
    few[0, :4], many[0, :5] = 5, 5
    few[3], many[3] = 255, 255  # ignored pixels are in neither count: 4 and 5 of 30
    labels = torch.stack([few, many, none])
    kept = mostly_exact_labels(labels, num_classes=5, share=0.85)
    assert (kept[1] == 255).all()
    assert kept[0].unique().tolist() == [0, 255]
    assert (kept[0] == 255).sum() == 14
    assert not kept[2].any()


def test_nine_of_ten_labels_must_be_exact_unless_asked():
    labels = torch.zeros(2, 4, 5, dtype=torch.long)
    labels[0, 0, :2], labels[1, 0, :3] = 5, 5  # 18 and 17 of 20 are exact
    kept = mostly_exact_labels(labels, num_classes=5)
    assert (kept[0] == 255).sum() == 2
    assert (kept[1] == 255).all()


def test_labels_of_merged_classes():
    """Classes 1 and 2 become 1, class 3 stays out; of the partial labels 5 to 9 only those of one merged class are known."""
    labels = merged_labels([0, 1, 1, -1, 2], [(1, 2), (2, 4), (3,), (4,), ()])
    assert labels[:10].tolist() == [0, 1, 1, 255, 2, 1, 255, 255, 2, 255]
    assert (labels[10:] == 255).all()
    assert merged_labels([0, -1], [], ignore_index=9)[:3].tolist() == [0, 9, 9]


def test_classes_that_a_partial_label_leaves_open():
    """Of the partial labels 5 to 8 the first is a whole class when merged, the third may stand for what is left out."""
    table, label_sets = [0, 1, 1, -1, 2], [(1, 2), (2, 4), (3, 4), (1, 4)]
    assert undecided_classes([0, 1, 255, 5], table, label_sets) == set()
    assert undecided_classes([6], table, label_sets) == {1, 2}
    assert undecided_classes([5, 7], table, label_sets) == {2}
    assert undecided_classes([5], range(5), label_sets) == {1, 2}
