"""The head that turns the queries of MaskFormer and Mask2Former into instances.

    Q queries, C classes, N instances, H, W size of the image.
"""
from mmdet.models.seg_heads import MaskFormerFusionHead
from mmdet.structures.mask import mask2bbox
from mmengine.structures import InstanceData
from torch import Tensor

from mmqanet.models.on_mmdet.quality_aware_head import QualityAwareHead
from mmqanet.registry import MODELS


@MODELS.register_module()
class QualityAwareMaskFormerFusionHead(QualityAwareHead, MaskFormerFusionHead):
    """Scores the probabilities that are cut into masks.

    The final score is class score × mean probability inside the mask; ``box_score='class'`` takes the class score alone.
    """

    box_scores = ('final', 'class')

    def instance_postprocess(self, mask_cls: Tensor, mask_pred: Tensor) -> InstanceData:
        """Class logits (Q, C+1) and mask logits (Q, H, W) → instances."""
        class_scores, labels, queries = self._best_classes(mask_cls)
        logits = mask_pred[queries]
        probs, inside = logits.sigmoid(), (logits > 0).float()
        confidence = (probs * inside).flatten(1).sum(1) / (inside.flatten(1).sum(1) + 1e-6)
        masks = inside.bool()
        results = InstanceData(
            bboxes=mask2bbox(masks), labels=labels, scores=class_scores * confidence, masks=masks)
        box = class_scores if self.quality.box_score == 'class' else None
        return self.add_mask_scores(results, self.quality.measure(probs), box=box)

    def _best_classes(self, mask_cls: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Score, label and query (N,) of the likeliest (query, class) pairs, those of stuff left out."""
        scores = mask_cls.softmax(-1)[:, :-1].flatten()
        scores, pairs = scores.topk(self.test_cfg.get('max_per_image', 100), sorted=False)
        labels, queries = pairs % self.num_classes, pairs // self.num_classes
        things = labels < self.num_things_classes
        return scores[things], labels[things], queries[things]
