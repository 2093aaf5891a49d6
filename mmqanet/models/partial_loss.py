"""Cross-entropy that also learns from partial labels, which name a set of classes instead of one.

    B crops, C classes, P partial labels, h, w size of the network input.
"""
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmqanet.errors import InputError
from mmqanet.registry import MODELS


@MODELS.register_module()
class PartialCrossEntropyLoss(nn.Module):
    """Mean over the pixels of -log of the probability of what the label allows; 0 where all are ignored.

    Label c < C allows the class c: the cross-entropy. Label C + i allows the classes of the i-th set, whose probabilities
    are summed (Cour, Sapp, Taskar, "Learning from Partial Labels", JMLR 2011, with the likelihood as the loss).

    Args:
        label_sets (Sequence[Sequence[int]]): the classes of each partial label, as the data set's ``partial_labels``.
        partial_weight (float): how much a pixel with a partial label counts in the mean.
        class_weight (Sequence[float], optional): how much a pixel of each class counts, all 1 by default.
        loss_weight (float): factor of the loss.
        ignore_index (int): label that does not count.

    Raises:
        InputError: a set is empty or repeats a class, or a weight is not positive.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        *,
        label_sets: Sequence[Sequence[int]],
        partial_weight: float = 1.0,
        class_weight: Sequence[float] | None = None,
        loss_weight: float = 1.0,
        ignore_index: int = 255,
    ) -> None:
        super().__init__()
        for index, classes in enumerate(label_sets):
            if not classes or len(set(classes)) != len(classes) or min(classes) < 0:
                raise InputError(f'label_sets[{index}] must hold classes, each once, got {list(classes)}')
        if not partial_weight > 0:
            raise InputError(f'partial_weight must be positive, got {partial_weight}')
        if class_weight is not None and not all(weight > 0 for weight in class_weight):
            raise InputError(f'class_weight must be positive, got {list(class_weight)}')
        self.label_sets = tuple(tuple(classes) for classes in label_sets)
        self.partial_weight = partial_weight
        self.loss_weight = loss_weight
        self.ignore_index = ignore_index
        weight = None if class_weight is None else torch.tensor(class_weight, dtype=torch.float32)
        self.register_buffer('class_weight', weight, persistent=False)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Logits (B, C, h, w), labels (B, h, w) int64 in [0, C + P) or the ignore index → scalar float32.

        Raises:
            InputError: the class weights or a label set do not fit the C classes.
        """
        logits, num_classes = logits.float(), logits.shape[1]
        self._check(num_classes)
        partial = (labels >= num_classes) & (labels != self.ignore_index)
        exact = labels.masked_fill(partial, self.ignore_index)
        total = F.cross_entropy(logits, exact, self.class_weight, ignore_index=self.ignore_index, reduction='sum')
        counted = exact[exact != self.ignore_index]
        weight = (self.class_weight[counted].sum() if self.class_weight is not None
                  else torch.as_tensor(counted.numel(), dtype=torch.float32, device=logits.device))
        if partial.any():
            total = total + self.partial_weight * self._partial_sum(logits, labels, partial)
            weight = weight + self.partial_weight * partial.sum()
        return self.loss_weight * total / weight.clamp(min=1e-6)

    def _partial_sum(self, logits: Tensor, labels: Tensor, partial: Tensor) -> Tensor:
        """Sum of -log of the allowed probability over the pixels of ``partial`` (B, h, w) bool."""
        pixels, sets = logits.permute(0, 2, 3, 1)[partial], labels[partial] - logits.shape[1]
        if int(sets.max()) >= len(self.label_sets):
            raise InputError(f'label {int(sets.max()) + logits.shape[1]} is none of the {logits.shape[1]} classes and '
                             f'{len(self.label_sets)} label_sets')
        allowed = torch.full((len(self.label_sets), logits.shape[1]), -torch.inf, device=logits.device)
        for index, classes in enumerate(self.label_sets):
            allowed[index, list(classes)] = 0
        return (pixels.logsumexp(1) - (pixels + allowed[sets]).logsumexp(1)).sum()

    def _check(self, num_classes: int) -> None:
        if self.class_weight is not None and len(self.class_weight) != num_classes:
            raise InputError(f'class_weight has {len(self.class_weight)} entries for {num_classes} classes')
        if max((max(classes) for classes in self.label_sets), default=0) >= num_classes:
            raise InputError(f'label_sets name classes beyond the {num_classes} of the logits')
