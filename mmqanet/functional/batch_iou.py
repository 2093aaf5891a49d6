"""Mean class IoU of every image of a batch: the target of the IoU head.

    B images, C classes, h, w size of the maps.
"""
import torch
from torch import Tensor

from mmqanet.errors import InputError


def mean_class_iou(pred: Tensor, labels: Tensor, *, num_classes: int, ignore_index: int = 255) -> Tensor:
    """Mean over the classes present in prediction or label, background included, of the class IoU (protocol, training).

    Args:
        pred (Tensor): (B, h, w) int64, predicted classes in [0, C).
        labels (Tensor): (B, h, w) integer, in [0, C) or ``ignore_index``; ignored pixels count nowhere.
        num_classes (int): C.
        ignore_index (int): label that is left out.

    Returns:
        Tensor: (B,) float32 in [0, 1]; 0 for an image whose pixels are all ignored.

    Raises:
        InputError: a class is out of range, in a pixel that is not ignored.
    """
    counted = labels != ignore_index
    for name, classes in (('pred', pred[counted]), ('labels', labels[counted])):
        if classes.numel() and not 0 <= (low := int(classes.min())) <= (high := int(classes.max())) < num_classes:
            raise InputError(f'{name} hold class {low if low < 0 else high}, outside [0, {num_classes})')
    batch = len(pred)
    image = torch.arange(batch, device=pred.device).view(-1, 1, 1)
    pairs = (image * num_classes + labels.long()) * num_classes + pred
    joint = torch.bincount(pairs[counted], minlength=batch * num_classes**2).view(batch, num_classes, num_classes)
    intersection = joint.diagonal(dim1=1, dim2=2).float()
    union = joint.sum(1) + joint.sum(2) - intersection
    present = union > 0
    iou = intersection / union.clamp(min=1)
    return iou.sum(1) / present.sum(1).clamp(min=1)
