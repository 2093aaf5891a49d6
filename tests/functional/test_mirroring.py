import torch

from mmqanet.functional.mirroring import average_mirrored_, mirrored_classes


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


def test_left_and_right_change_places_and_the_rest_stays():
    assert mirrored_classes(6, [(1, 3), (4, 2)]) == [0, 3, 4, 1, 2, 5]
    assert mirrored_classes(3, ()) == [0, 1, 2]


def test_inference_mode_is_welcome():
    with torch.inference_mode():
        probs = average_mirrored_(torch.zeros(2, 3, 4), torch.ones(2, 3, 4), mirrored_classes=[0, 1])
    assert probs.unique().tolist() == [0.5]
