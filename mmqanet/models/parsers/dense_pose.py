"""The dense pose parser: a crop of one person in, chart and coordinates of every pixel on the surface of the body out.

    B crops of a batch, h, w size of the network input; 15 coarse parts and 25 charts, background included.
"""
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmqanet.errors import InputError
from mmqanet.functional.charts import CHARTS, MIRRORED_CHARTS, MIRRORED_PARTS, UVMirror
from mmqanet.models.heads.uv_head import AnnotatedPoints
from mmqanet.models.parsers.crops import CropParser
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample
from mmqanet.structures.uv_mirror import load_uv_mirror

CONFIDENCES: dict[str, Callable[[Tensor], Tensor]] = dict(softmax=lambda logits: logits.softmax(1), sigmoid=torch.sigmoid)


@MODELS.register_module()
class DensePoseParser(CropParser):
    """Backbone → neck → UV head; at test time also the quality-aware module, on charts (paper, Table 9).

    Its classes are the charts, so all that serves parsers serves it. ``pred_instances`` holds ``uv_maps`` besides: of each
    person (2, h_i, w_i) float32 in [0, 1], U and V at the pixels of its label map.

    Args:
        uv_head (dict): config of :class:`UVHead`.
        chart_confidence (str): of a pixel in its chart, ``'softmax'``, as it is trained, or ``'sigmoid'``, as released.
        uv_mirror (str, optional): ``UV_symmetry_transforms.mat``, the tables of what U and V become in a mirror. Without
            them there is no ``flip_test``.
        backbone, neck, postprocessor, data_preprocessor, max_crops_per_batch, precision, init_cfg: as in
            :class:`CropParser`; the post-processor is a :class:`DensePosePostprocessor`.
        flip_test (bool): average each crop with its mirror image.

    Raises:
        InputError: an unknown confidence, or ``flip_test`` without tables. DataError: they cannot be read.
    """

    gives_surface = True

    def __init__(
        self,
        *,
        backbone: dict,
        neck: dict | list[dict],
        uv_head: dict,
        chart_confidence: str = 'softmax',
        uv_mirror: str | None = None,
        postprocessor: dict | None = None,
        data_preprocessor: dict | None = None,
        flip_test: bool = False,
        max_crops_per_batch: int | None = None,
        precision: str = 'float32',
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            backbone=backbone, neck=neck, postprocessor=postprocessor, data_preprocessor=data_preprocessor,
            flip_test=flip_test, max_crops_per_batch=max_crops_per_batch, precision=precision, init_cfg=init_cfg)
        self.uv_head = MODELS.build(uv_head)
        if chart_confidence not in CONFIDENCES:
            raise InputError(f'chart_confidence is {chart_confidence!r}, but must be one of {", ".join(CONFIDENCES)}')
        if flip_test and not uv_mirror:
            raise InputError('flip_test needs uv_mirror: U and V of a mirror image are looked up in its tables')
        self.chart_confidence = chart_confidence
        self.uv_mirror: UVMirror | None = load_uv_mirror(uv_mirror) if uv_mirror else None

    @property
    def num_classes(self) -> int:
        """The charts and background."""
        return len(CHARTS)

    @classmethod
    def classes_in(cls, model: Mapping[str, Any]) -> int:
        """The charts and background, whatever the config."""
        return len(CHARTS)

    def _forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """Normalised crops (B, 3, h, w) → what :meth:`UVHead.forward` gives."""
        return self.uv_head(self.extract_feat(inputs))

    def loss(self, inputs: Tensor, data_samples: list[ParsingDataSample]) -> dict[str, Tensor]:
        """Losses of a batch of normalised crops; of each sample ``gt_sem_seg`` holds the coarse parts, ``gt_points`` the
        annotated points in the crop: ``xy`` (P, 2), ``charts`` (P,), ``uv`` (P, 2)."""
        parts = torch.stack([sample.gt_sem_seg.data[0] for sample in data_samples]).long()
        found = [sample.gt_points for sample in data_samples]
        index = torch.cat([points.charts.new_full((len(points.charts),), i) for i, points in enumerate(found)])
        points = AnnotatedPoints(index, *(torch.cat([points[key] for points in found]) for key in ('xy', 'charts', 'uv')))
        return self.uv_head.loss(self._forward(inputs), parts, points)

    def crop_predictor(self, flip_pairs: Sequence) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """What turns uint8 crops (B, 3, h, w) into maps (B, 90, h, w), as :func:`paste_surface` takes them, and IoU scores
        (B,) of 1. The left and right charts are those of the body, whatever the ``flip_pairs``."""
        return self._predict_maps

    def _predict_maps(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        inputs = self.data_preprocessor.normalize(crops)
        maps = self._readable_maps(inputs)
        if self.flip_test:
            maps = [(one + other) / 2 for one, other in zip(maps, self._unmirrored(self._readable_maps(inputs.flip(-1))))]
        return torch.cat(maps, dim=1), inputs.new_ones(len(inputs), dtype=torch.float32)

    def _readable_maps(self, inputs: Tensor) -> list[Tensor]:
        """Part probabilities, chart confidences, U and V of normalised crops."""
        maps = {name: part.float() for name, part in self._forward(inputs).items()}
        return [maps['segmentation'].softmax(1), CONFIDENCES[self.chart_confidence](maps['index']), maps['u'], maps['v']]

    def _unmirrored(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """What :meth:`_readable_maps` says of mirror images → of the images themselves."""
        parts, charts, u, v = maps
        assert self.uv_mirror is not None  # the constructor sees to it
        part_order, chart_order = (torch.as_tensor(order, device=u.device) for order in (MIRRORED_PARTS, MIRRORED_CHARTS))
        return [parts.flip(-1)[:, part_order], charts.flip(-1)[:, chart_order], *self.uv_mirror.maps(u, v)]
