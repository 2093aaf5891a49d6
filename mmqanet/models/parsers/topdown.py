"""The top-down parser: a crop of one person in, the label of every pixel and the IoU of that labelling out.

    B crops of a batch, C classes, h, w size of the network input, N_i people of image i, S scales.
"""
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmqanet.functional.calibration import QualityCalibration
from mmqanet.functional.class_merging import check_merge_table, merge_classes
from mmqanet.functional.mirroring import average_mirrored_, mirrored_classes
from mmqanet.functional.pasting import PastedPerson
from mmqanet.functional.tile_blending import Tiles, seen_nearby
from mmqanet.models.parsers.crops import CropParser
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample


@MODELS.register_module(name=['TopdownParser', 'QANet'])
class TopdownParser(CropParser):
    """Backbone → neck → parsing head and IoU head (paper, figure 3); at test time also the quality-aware module.

    QANet and SimpleNet are its configs, so it is registered as ``QANet`` as well.

    Args:
        backbone, neck: as in :class:`CropParser`.
        parsing_head (dict): config of :class:`ParsingHead`.
        iou_head (dict, optional): config of :class:`IoUHead`; without one the IoU score of everybody is 1.
        postprocessor, data_preprocessor, init_cfg: as in :class:`BaseParser`.
        flip_test (bool): average each crop with its mirror image, left and right classes swapped back. The pairs come
            with the samples (metainfo ``flip_pairs``), so that the data set alone declares them.
        merging (dict, optional): predict fewer classes than the network has: ``table``, for each class the merged one or -1
            (:func:`~mmqanet.functional.class_merging.merge_classes`), and ``flip_pairs``, those of the network, as the
            samples then have the merged ones. Losses do not know of it.
        max_crops_per_batch, precision: as in :class:`CropParser`.

    Attributes:
        runner (Callable, optional): what computes predictions in place of this network: uint8 crops (B, 3, h, w) →
            probabilities (B, C, h, w) and IoU scores (B,), float32, mirror image and merging included. Set by
            :func:`mmqanet.deployment.backends.use_backend`.

    Raises:
        InputError: an unknown precision, or a table of ``merging`` that does not fit the head.
    """

    keeps_probs = takes_tiles = True

    def __init__(
        self,
        *,
        backbone: dict,
        neck: dict | list[dict],
        parsing_head: dict,
        iou_head: dict | None = None,
        postprocessor: dict | None = None,
        data_preprocessor: dict | None = None,
        flip_test: bool = False,
        merging: dict | None = None,
        max_crops_per_batch: int | None = None,
        precision: str = 'float32',
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            backbone=backbone, neck=neck, postprocessor=postprocessor, data_preprocessor=data_preprocessor,
            flip_test=flip_test, max_crops_per_batch=max_crops_per_batch, precision=precision, init_cfg=init_cfg)
        self.parsing_head = MODELS.build(parsing_head)
        self.iou_head = MODELS.build(iou_head) if iou_head else None
        self.runner: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None
        self.merging = merging
        if merging:
            check_merge_table(merging['table'], num_classes=self.parsing_head.num_classes)

    @property
    def num_classes(self) -> int:
        """Classes of the predictions: those of the head, or what ``merging`` makes of them."""
        return max(self.merging['table']) + 1 if self.merging else self.parsing_head.num_classes

    @classmethod
    def classes_in(cls, model: Mapping[str, Any]) -> int:
        """C, background included, that a model's config states."""
        return model['parsing_head']['num_classes']

    @classmethod
    def set_merging(cls, model: dict[str, Any], *, table: Sequence[int], flip_pairs: Sequence[tuple[int, int]]) -> None:
        """Let a model's config merge the classes of the network, in place."""
        model['merging'] = dict(table=table, flip_pairs=flip_pairs)
        merge_calibration(model, table)

    def _forward(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """Normalised crops (B, 3, h, w) → logits (B, C, h, w) and IoU scores (B,), ``None`` without an IoU head."""
        feature = self.extract_feat(inputs)
        return self.parsing_head(feature), self.iou_head(feature) if self.iou_head else None

    def loss(self, inputs: Tensor, data_samples: list[ParsingDataSample]) -> dict[str, Tensor]:
        """Losses of a batch of normalised crops; ``gt_sem_seg`` of each sample holds its labels."""
        labels = self.parsing_head.loss_labels(torch.stack([sample.gt_sem_seg.data[0] for sample in data_samples])).long()
        logits, iou = self._forward(inputs)
        losses = self.parsing_head.loss(logits, labels)
        if self.iou_head:
            losses.update(self.iou_head.loss(iou, logits, labels))
        return losses

    def crop_predictor(self, flip_pairs: Sequence) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """What turns uint8 crops (B, 3, h, w) into probabilities (B, C, h, w) and IoU scores (B,), of the classes that
        predictions have."""
        flip_pairs = self.merging['flip_pairs'] if self.merging else flip_pairs
        swapped = mirrored_classes(self.parsing_head.num_classes, flip_pairs)
        return lambda crops: self._merged_probabilities(crops, swapped)

    def _shares_threads(self) -> bool:
        """Runners have threads of their own."""
        return self.runner is None and super()._shares_threads()

    def _merged_probabilities(self, crops: Tensor, swapped: list[int]) -> tuple[Tensor, Tensor]:
        """uint8 crops (B, 3, h, w) → :meth:`_probabilities`, of the classes that predictions have."""
        if self.runner:
            return self.runner(crops)
        probs, iou = self._probabilities(self.data_preprocessor.normalize(crops), swapped)
        return (merge_classes(probs, self.merging['table']) if self.merging else probs), iou

    def _paste(self, probs: Sequence[Tensor], windows: Sequence[Sequence[float]], tiles: Tiles,
               image_shape: tuple[int, int]) -> PastedPerson:
        """A person; what tiles say counts where the first crop sees the same classes."""
        near = Tiles([seen_nearby(part, window, probs[0], windows[0]) for part, window in zip(tiles.probs, tiles.windows)],
                     tiles.windows)
        return self.postprocessor.paste(probs, windows, image_shape=image_shape, tiles=near)

    def _probabilities(self, inputs: Tensor, swapped: list[int]) -> tuple[Tensor, Tensor]:
        """Normalised crops (B, 3, h, w) → probabilities (B, C, h, w) and IoU scores (B,), flip included."""
        number = len(inputs)
        logits, iou = self._forward(torch.cat([inputs, inputs.flip(-1)]) if self.flip_test else inputs)
        probs = logits.float().softmax(1)
        iou = probs.new_ones(len(probs)) if iou is None else iou.float()
        if not self.flip_test:
            return probs, iou
        probs = average_mirrored_(probs[:number], probs[number:], mirrored_classes=swapped)
        return probs, (iou[:number] + iou[number:]) / 2


def merge_calibration(model: dict[str, Any], table: Sequence[int]) -> None:
    """Let the calibration in a model's config, if there is one, be that of merged classes, in place."""
    calibration = (model.get('postprocessor') or {}).get('calibration')
    if calibration:
        model['postprocessor']['calibration'] = QualityCalibration.from_config(calibration).merged(table).to_config()
