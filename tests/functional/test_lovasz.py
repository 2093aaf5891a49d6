import pytest
import torch

from mmqanet.errors import InputError
from mmqanet.functional.lovasz import lovasz_softmax


def textbook(probs, labels, ignore_index=255):
    """The definition, in double precision: the Lovász extension of M -> |M| / |{y = c} ∪ M|, pixel by pixel."""
    images = []
    for image_probs, image_labels in zip(probs.double(), labels):
        pixels = [(y, x) for y, x in (image_labels != ignore_index).nonzero().tolist()]
        classes = []
        for c in sorted({int(image_labels[pixel]) for pixel in pixels}):
            truth = {pixel for pixel in pixels if image_labels[pixel] == c}
            errors = {pixel: 1 - image_probs[c][pixel] if pixel in truth else image_probs[c][pixel] for pixel in pixels}
            wrong, jaccard, loss = set(), 0.0, 0.0
            for pixel in sorted(pixels, key=lambda pixel: -errors[pixel].item()):
                wrong.add(pixel)
                grown = len(wrong) / len(truth | wrong)
                loss = loss + errors[pixel] * (grown - jaccard)
                jaccard = grown
            classes.append(loss)
        images.append(sum(classes) / len(classes) if classes else torch.zeros((), dtype=torch.float64))
    return sum(images) / len(images)


def random_case(seed=0, shape=(2, 5, 7, 6), ignored=0.2, dtype=torch.float32):
    """Probabilities and labels of which class 3 is in the first image alone, and class 4 in none."""
    generator = torch.Generator().manual_seed(seed)
    probs = (2 * torch.randn(shape, generator=generator, dtype=torch.float64)).softmax(1).to(dtype)
    labels = torch.randint(0, 3, (shape[0], *shape[2:]), generator=generator)
    labels[0, :2] = 3
    labels[torch.rand(labels.shape, generator=generator) < ignored] = 255
    return probs.requires_grad_(), labels


def value_and_gradient(function, probs, labels):
    value = function(probs, labels)
    gradient, = torch.autograd.grad(value, probs)
    return value.detach(), gradient


def test_a_hand_computed_value():
    # Class 1: errors .8 (of the class), .4, .3 (not), .1 (of it); Jaccard losses 1/2, 2/3, 3/4, 1. Class 0: the same
    # errors, the pixels change sides; Jaccard losses 1/3, 2/3, 1, 1.
    ones = torch.tensor([0.9, 0.2, 0.4, 0.3])
    probs, labels = torch.stack([1 - ones, ones]).view(1, 2, 2, 2), torch.tensor([[[1, 1], [0, 0]]])
    class_1 = 0.8 / 2 + 0.4 / 6 + 0.3 / 12 + 0.1 / 4
    class_0 = 0.8 / 3 + 0.4 / 3 + 0.3 / 3
    assert lovasz_softmax(probs, labels).item() == pytest.approx((class_0 + class_1) / 2)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])  # sorted as packed keys, and as they are
@pytest.mark.parametrize('ignored', [0, 0.3])
@pytest.mark.parametrize('seed', range(3))
def test_agrees_with_the_textbook(dtype, ignored, seed):
    probs, labels = random_case(seed, ignored=ignored, dtype=dtype)
    value, gradient = value_and_gradient(lovasz_softmax, probs, labels)
    expected, expected_gradient = value_and_gradient(textbook, probs, labels)
    assert value.dtype == gradient.dtype == dtype
    tolerance = 1e-6 if dtype == torch.float32 else 1e-12
    assert value.item() == pytest.approx(expected.item(), rel=tolerance)
    torch.testing.assert_close(gradient, expected_gradient, rtol=tolerance, atol=tolerance * 1e-2)
    assert not gradient[:, 4].any()
    assert not gradient[1, 3].any()


def test_gradcheck():
    probs, labels = random_case(seed=4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: lovasz_softmax(p, labels), probs, eps=1e-7)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('probability', [0.0, 0.25, 1.0])
def test_ties_give_the_textbook_value_and_a_subgradient(dtype, probability):
    # The loss is convex in the probabilities, so a gradient at a corner must keep it above its tangent plane everywhere.
    probs, labels = random_case(seed=5, dtype=dtype)
    tied = torch.full_like(probs, probability).requires_grad_()
    value, gradient = value_and_gradient(lovasz_softmax, tied, labels)
    assert value.item() == pytest.approx(textbook(tied.detach(), labels).item(), rel=1e-6, abs=1e-9)
    for seed in range(20):
        other = random_case(seed, dtype=dtype)[0].detach()
        tangent = value + (gradient * (other - tied.detach())).sum()
        assert lovasz_softmax(other, labels) >= tangent - 1e-6


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_equal_errors_take_their_row_major_order(dtype):
    # All errors tie: the first pixel of the class costs 1 / 3, as if no other were wrong, and so on along the row.
    probs = torch.full((1, 2, 1, 4), 0.5, dtype=dtype, requires_grad=True)
    _, gradient = value_and_gradient(lovasz_softmax, probs, torch.tensor([[[1, 0, 1, 1]]]))
    # Class 1 (G = 3): Jaccard losses 1/3, 2/4, 3/4, 1. Class 0 (G = 1): 1/2, 1, 1, 1, its pixel second.
    grown = torch.tensor([[[1 / 2, -1 / 2, 0, 0]], [[-1 / 3, 1 / 6, -1 / 4, -1 / 4]]], dtype=dtype)
    torch.testing.assert_close(gradient[0], grown / 2)


def test_a_perfect_and_a_wholly_wrong_prediction():
    labels = torch.tensor([[[0, 1, 2], [2, 1, 255]]])
    onehot = torch.nn.functional.one_hot(labels.clamp(max=2), 3).permute(0, 3, 1, 2).float()
    assert lovasz_softmax(onehot, labels) == 0
    assert lovasz_softmax(onehot.roll(1, dims=1), labels).item() == pytest.approx(1)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_ignored_pixels_change_nothing_and_get_no_gradient(dtype):
    probs, labels = random_case(seed=6, ignored=0, dtype=dtype)
    sure = torch.nn.functional.one_hot(labels[:, :3], 5).permute(0, 3, 1, 2)  # errors of 0, as ignored pixels may have
    probs = torch.cat([sure.to(dtype), probs.detach()[:, :, 3:]], dim=2).requires_grad_()
    value, gradient = value_and_gradient(lovasz_softmax, probs, labels)
    noise = torch.tensor([0.0, 1.0, 0.5, 0.0, 0.0], dtype=dtype)[None, :, None, None].expand(2, 5, 7, 3)
    padded = torch.cat([noise, probs.detach()], dim=3).requires_grad_()
    padded_labels = torch.cat([torch.full((2, 7, 3), 255), labels], dim=2)
    padded_value, padded_gradient = value_and_gradient(lovasz_softmax, padded, padded_labels)
    assert padded_value == pytest.approx(value.item(), rel=1e-6)
    torch.testing.assert_close(padded_gradient[..., 3:], gradient)
    assert not padded_gradient[..., :3].any()


def test_an_image_without_counted_pixels_contributes_0_to_the_mean():
    probs, labels = random_case(seed=7)
    alone = lovasz_softmax(probs[:1], labels[:1])
    labels[1] = 255
    value, gradient = value_and_gradient(lovasz_softmax, probs, labels)
    assert value.item() == pytest.approx(alone.item() / 2)
    assert not gradient[1].any()
    labels[0] = 255
    value, gradient = value_and_gradient(lovasz_softmax, probs, labels)
    assert value == 0
    assert not gradient.any()


def test_another_ignore_index_and_integer_type():
    probs, labels = random_case(seed=8)
    expected = lovasz_softmax(probs, labels)
    assert lovasz_softmax(probs, labels.byte()) == expected
    labels[labels == 255] = -1
    assert lovasz_softmax(probs, labels, -1) == expected


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    probs, labels = random_case(seed=9)
    half = probs.detach().to(dtype).requires_grad_()
    value, gradient = value_and_gradient(lovasz_softmax, half, labels)
    assert value.dtype == torch.float32
    assert value == lovasz_softmax(half.detach().float(), labels)
    assert gradient.dtype == dtype


def test_a_nan_is_not_hidden():
    probs, labels = random_case(seed=10)
    broken = probs.detach().clone()
    broken[:, :, labels[0] < 4] = float('nan')
    assert lovasz_softmax(broken, labels).isnan()


def test_bad_input():
    probs, labels = random_case()
    with pytest.raises(InputError, match=r'\(2, 5, 7, 6\) and \(2, 7, 5\)'):
        lovasz_softmax(probs, labels[..., :5])
    for wrong in (5, -1):
        labels[1, 3, 3] = wrong
        with pytest.raises(InputError, match=r'\[0, 5\)'):
            lovasz_softmax(probs, labels)
