import torch

from mmqanet.functional.mirroring import average_mirrored_


def test_the_mirror_is_undone_and_left_and_right_swap():
    probs, mirrored = torch.rand(2, 2, 4, 3, 5, generator=torch.Generator().manual_seed(0))
    expected = torch.empty_like(probs)
    for label, other in enumerate([0, 2, 1, 3]):
        for column in range(5):
            expected[:, label, :, column] = (probs[:, label, :, column] + mirrored[:, other, :, 4 - column]) / 2
    kept = mirrored.clone()
    average = average_mirrored_(probs, mirrored, mirrored_classes=[0, 2, 1, 3])
    torch.testing.assert_close(average, expected)
    assert average is probs
    assert torch.equal(mirrored, kept)
