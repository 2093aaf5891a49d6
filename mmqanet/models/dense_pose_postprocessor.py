"""From dense pose maps of people to scored people with charts and coordinates."""
from collections.abc import Iterable, Sequence
from dataclasses import replace

from torch import Tensor

from mmqanet.errors import InputError
from mmqanet.functional.chart_pasting import PastedSurface, paste_surface
from mmqanet.functional.pasting import PastedPerson, SemanticContext
from mmqanet.functional.tile_blending import Tiles
from mmqanet.models.postprocessor import QualityAwarePostprocessor
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample


@MODELS.register_module()
class DensePosePostprocessor(QualityAwarePostprocessor):
    """Scores dense pose and merges it into image maps, its charts being the classes.

    The IoU score is 1: nothing predicts it. The release ranks by (1, 1, 0), its default, the box score alone; its threshold
    of the pixel score is 0.9, on sigmoids. Arguments are those of :class:`QualityAwarePostprocessor`.
    """

    def paste(self, probs: Sequence[Tensor], windows: Sequence[Sequence[float]], *, image_shape: tuple[int, int],
              background_below: float | None = None, context: SemanticContext | None = None,
              weights: Sequence[float] | None = None, tiles: Tiles | None = None) -> PastedSurface:
        """Reduce one person's maps (90, h, w), one a scale, as :func:`paste_surface` does; what remains goes to the CPU.

        Raises:
            InputError: ``background_below``, ``context`` or ``tiles`` is given: the coarse parts tell what is background,
                and nobody is looked at twice.
        """
        if background_below is not None or context is not None or tiles is not None:
            raise InputError('paste: dense pose takes neither background_below nor context nor tiles')
        thresholds = (self.pixel_score_thr, *self.pixel_score_sweep)
        person = paste_surface(probs, windows, image_shape=image_shape, thresholds=thresholds, weights=weights)
        return replace(person, label_map=person.label_map.cpu(), uv=person.uv.clamp(0, 1).cpu())

    def pack(self, sample: ParsingDataSample, people: Sequence[PastedPerson], *, bboxes: Tensor, bbox_scores: Tensor,
             iou_scores: Iterable[float | Tensor], num_classes: int) -> ParsingDataSample:
        """As the parent's, and ``pred_instances`` gets ``uv_maps``, (2, h_i, w_i) float32 in [0, 1] of each person."""
        super().pack(sample, people, bboxes=bboxes, bbox_scores=bbox_scores, iou_scores=iou_scores, num_classes=num_classes)
        sample.pred_instances.uv_maps = [person.uv for person in people if isinstance(person, PastedSurface)]
        return sample
