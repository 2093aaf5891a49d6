"""Lovász-Softmax loss: one sort over all (image, class) rows, gradient computed along with the value.

Berman, Triki, Blaschko, "The Lovász-Softmax loss", CVPR 2018. For one image and one class, let m be the pixels' errors
(1 - p on the class's pixels, p elsewhere), sorted so that they fall. The loss is the sum of m_i · g_i, where g_i is how
much the Jaccard loss grows when pixel i joins the misclassified ones. Of the first i pixels, let F be of the class;
G pixels are of the class in all. The first i misclassified leave an intersection of I = G - F and a union of
U = G + i - F, so the Jaccard loss is 1 - I / U and its growth is, without any cancellation,

    1 / U             where pixel i is of the class (U stays, I falls by one),
    I / (U (U - 1))   where it is not (U grows by one).

Ignored pixels are sorted behind all others: nothing of the class is left there, I is 0 and so is the growth.

The order is constant wherever the loss is differentiable, so ∂loss/∂p_i is g_i, negative on the class's pixels.

Letters: B images, C classes, H, W size of the maps, P = H · W pixels, R rows: the (image, class) pairs to count.
"""
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mmqanet.errors import InputError


def lovasz_softmax(probs: Tensor, labels: Tensor, ignore_index: int = 255) -> Tensor:
    """Mean over images of the mean, over the classes present in the image's labels, of the Lovász extension.

    An image without any counted pixel contributes 0, and is counted among the images. Where errors tie, the loss has a
    corner; the gradient returned is the one of the row-major order. Computed in float32 (float64 for float64 input).

    Args:
        probs: (B, C, H, W) floats in [0, 1], probabilities of the classes.
        labels: (B, H, W) integers in [0, C) or ``ignore_index``.
        ignore_index: label of pixels that do not count.

    Returns:
        Scalar; differentiable once with respect to ``probs``.

    Raises:
        InputError: shapes do not fit, or a label is neither in [0, C) nor ``ignore_index``.
    """
    if probs.dim() != 4 or labels.shape != (probs.shape[0], *probs.shape[2:]):
        raise InputError(f'probs must be (B, C, H, W) and labels (B, H, W), '
                         f'got {tuple(probs.shape)} and {tuple(labels.shape)}')
    return _LovaszSoftmax.apply(probs if probs.dtype == torch.float64 else probs.float(), labels, ignore_index)


class _LovaszSoftmax(torch.autograd.Function):
    """Keeps the gradient alone: the loss is linear in the probabilities as long as their order stays."""

    @staticmethod
    def forward(ctx: Any, probs: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
        num_images, num_classes = probs.shape[:2]
        labels = labels.reshape(num_images, -1)
        valid = labels != ignore_index
        count = _count_labels(labels, valid, num_classes)
        image, cls = count.nonzero(as_tuple=True)
        foreground = labels[image] == cls[:, None]
        scores = probs.reshape(num_images, num_classes, -1)[image, cls]
        errors = torch.where(foreground, 1 - scores, scores)
        errors, order, foreground = _sort_rows(errors, foreground, valid[image])
        lovasz_grad = _lovasz_grad(foreground, count[image, cls], errors.dtype)
        # Mean over the classes of the image, then over images.
        weight = 1 / ((count > 0).sum(dim=1)[image] * num_images).to(probs.dtype)
        loss = ((errors * lovasz_grad).sum(dim=1) * weight).sum()
        if ctx.needs_input_grad[0]:
            signed = torch.where(foreground, -lovasz_grad, lovasz_grad) * weight[:, None]
            grad = probs.new_zeros(num_images, num_classes, labels.shape[1])
            grad[image, cls] = torch.empty_like(signed).scatter_(1, order, signed)
            ctx.save_for_backward(grad.view(probs.shape))
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None]:
        grad, = ctx.saved_tensors
        return grad * grad_output, None, None


def _count_labels(labels: Tensor, valid: Tensor, num_classes: int) -> Tensor:
    """Counted pixels of each class in each image, (B, C) int64."""
    if (valid & ((labels < 0) | (labels >= num_classes))).any():
        raise InputError(f'labels must be in [0, {num_classes}) or the ignored one')
    images = torch.arange(len(labels), device=labels.device)[:, None]
    bins = torch.where(valid, labels.long() + num_classes * images, len(labels) * num_classes)
    return torch.bincount(bins.flatten(), minlength=len(labels) * num_classes + 1)[:-1].view(-1, num_classes)


def _sort_rows(errors: Tensor, foreground: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sort each row of (R, P) errors so that they fall, ties in their order, ignored pixels last with an error of -1.

    Returns:
        The sorted errors, the order as int64 indices into the row, and the foreground in that order.
    """
    if errors.device.type == 'cpu' and errors.dtype == torch.float32:
        return _sort_rows_packed(errors, foreground, valid)
    errors, order = errors.masked_fill(~valid, -1).sort(dim=1, descending=True, stable=True)
    return errors, order, foreground.gather(1, order)


def _sort_rows_packed(errors: Tensor, foreground: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same by sorting 64-bit keys: NumPy sorts those with vector instructions, several times faster.

    Non-negative floats compare as their bits do. A key holds the error's bits, complemented so that it falls, above the
    pixel's index and its foreground bit.
    """
    top = torch.iinfo(torch.int32).max - 1
    bits = errors.contiguous().view(torch.int32).neg().add_(top).masked_fill_(~valid, top + 1)
    keys = bits.long().bitwise_left_shift_(32)
    keys |= torch.arange(errors.shape[1]) << 1
    keys |= foreground
    keys.numpy().sort(axis=1)
    foreground = (keys & 1).bool()
    bits = (keys >> 32).int().neg_().add_(top)
    errors = bits.view(torch.float32).masked_fill_(bits < 0, -1)
    order = keys.bitwise_and_(0xFFFFFFFF).bitwise_right_shift_(1)
    return errors, order, foreground


def _lovasz_grad(foreground: Tensor, total: Tensor, dtype: torch.dtype) -> Tensor:
    """Gradient of the Lovász extension along rows sorted by falling error: the growth of the Jaccard loss, (R, P).

    Args:
        foreground: (R, P) bool, pixels of the row's class in the sorted order.
        total: (R,) number of such pixels that count, at least 1.
        dtype: floating type of the result.
    """
    found = foreground.cumsum(dim=1, dtype=torch.int32).to(dtype)
    total = total[:, None].to(dtype)
    union = torch.arange(1, foreground.shape[1] + 1, device=found.device, dtype=dtype) - found
    union += total
    intersection = found.neg_().add_(total)
    return intersection.div_(union - 1).masked_fill_(foreground, 1).div_(union)
