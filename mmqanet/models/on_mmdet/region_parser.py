"""The region-based parsers: one network finds the people of an image and parses them.

Parsing R-CNN (Yang et al., CVPR 2019) and RP R-CNN (Yang et al., ECCV 2020), and the quality-aware module on top (QANet
paper, Table 6).

    B images, N boxes of all images, C classes, H, W size of the padded network input, h, w of a region's maps.
"""
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import Tensor
from torch.nn import functional as F

from mmqanet.errors import InputError
from mmqanet.functional.mirroring import mirrored_classes
from mmqanet.functional.pasting import PastedPerson, SemanticContext
from mmqanet.models.on_mmdet.arithmetic import arithmetic_named
from mmqanet.models.on_mmdet.region_boxes import best_of_batch, detected_people
from mmqanet.models.on_mmdet.region_pasting import category_map, visible_window, whole_pixel_window
from mmqanet.models.on_mmdet.region_views import Pyramids, View
from mmqanet.models.parsers.base import BaseParser, BoxUse
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample


@MODELS.register_module(name=['RegionParser', 'ParsingRCNN', 'RPRCNN'])
class RegionParser(BaseParser):
    """Backbone → FPN (→ semantic head) → region proposals → boxes and parsing; at test time also the quality-aware module.

    Parsing R-CNN and RP R-CNN are its configs; RP R-CNN has a ``semantic_head`` and a re-scoring head. Parts are named as in
    configs of mmdet, plainly, and this package's own with their prefix.

    Given boxes it parses the people in them, else it finds them itself.

    Args:
        backbone, neck, rpn_head (dict): of mmdet.
        roi_head (dict): config of :class:`ParsingRoIHead`.
        semantic_head (dict, optional): config of :class:`GlobalSemanticHead`, between neck and proposals.
        train_cfg (dict): ``rpn``, ``rpn_proposal`` and ``rcnn``, as of mmdet's two-stage detectors.
        test_cfg (dict): ``rpn`` and ``rcnn``, likewise; ``rcnn`` may have a ``box_voting_thr``, see :func:`detected_people`.
        arithmetic (str): ``'modern'``, mmdet's conventions, for training anew; ``'release'``, those of the released code
            (boxes that name their last pixel, its anchors, its padding), for weights that were trained with it. The config
            of the parts stays the same: what differs is exchanged here, see :class:`Arithmetic`.
        semantic_weight (float): with a semantic head, how much of its probabilities is added to a person's where the person
            is foreground, before the final label. The quality does not see it.
        semantic_thr (float): with a semantic head, pixels of a greater semantic probability keep their class in the category
            map where nobody is painted over them.
        flip_test (bool): average over the mirror image, left and right classes swapped back.
        max_regions_per_batch (int): most regions that pass the parsing head at once when predicting; bounds the memory.
        postprocessor, init_cfg: as in :class:`BaseParser`.
        data_preprocessor (dict, optional): :class:`WholeImagePreprocessor` by default.
    """

    box_use = BoxUse.OPTIONAL
    speed_options = ('max_regions_per_batch',)

    def __init__(
        self,
        *,
        backbone: dict,
        neck: dict,
        rpn_head: dict,
        roi_head: dict,
        semantic_head: dict | None = None,
        train_cfg: dict | None = None,
        test_cfg: dict,
        arithmetic: str = 'modern',
        semantic_weight: float = 0.2,
        semantic_thr: float = 0.7,
        flip_test: bool = False,
        max_regions_per_batch: int = 16,
        postprocessor: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor or dict(type='mmqanet.WholeImagePreprocessor'),
                         postprocessor=postprocessor, init_cfg=init_cfg)
        self.arithmetic = arithmetic_named(arithmetic)
        self.train_cfg = ConfigDict(self.arithmetic.configure(train_cfg or {}))
        self.test_cfg = ConfigDict(self.arithmetic.configure(test_cfg))
        with DefaultScope.overwrite_default_scope('mmdet'):
            self.backbone = MODELS.build(self._of_mmdet(backbone))
            self.neck = MODELS.build(self._of_mmdet(neck))
            self.rpn_head = MODELS.build(self._of_mmdet(
                rpn_head, train_cfg=self.train_cfg.get('rpn'), test_cfg=self.test_cfg.rpn))
            self.roi_head = MODELS.build(self._of_mmdet(
                roi_head, train_cfg=self.train_cfg.get('rcnn'), test_cfg=self.test_cfg.rcnn))
            self.semantic_head = MODELS.build(self._of_mmdet(semantic_head)) if semantic_head else None
        self.semantic_weight, self.semantic_thr = semantic_weight, semantic_thr
        self.flip_test = flip_test
        self.max_regions_per_batch = max_regions_per_batch

    def _of_mmdet(self, part: dict, **configs: Any) -> dict:
        """A part's config in this arithmetic; plain names are mmdet's."""
        part = self.arithmetic.configure(part)
        if '.' not in part['type']:
            part['type'] = f'mmdet.{part["type"]}'
        return ConfigDict(part, **configs)

    @property
    def num_classes(self) -> int:
        """C, background included."""
        return self.roi_head.mask_head.num_classes

    @classmethod
    def classes_in(cls, model: Mapping[str, Any]) -> int:
        """C, background included, that a model's config states."""
        return model['roi_head']['mask_head']['num_classes']

    @classmethod
    def set_test_options(cls, model: dict[str, Any], *, flip: bool | None = None, max_batch: int | None = None) -> None:
        """Write options of testing into a model's config, in place: mirror image, regions at once."""
        if flip is not None:
            model['flip_test'] = flip
        if max_batch is not None:
            model['max_regions_per_batch'] = max_batch

    # -- the network ---------------------------------------------------------------------------------------------------

    def extract_feat(self, inputs: Tensor) -> tuple[tuple[Tensor, ...], Tensor | None]:
        """Images (B, 3, H, W) → levels of the pyramid, and semantic logits (B, C, H/4, W/4) where there is a
        semantic head."""
        levels = self.neck(self.backbone(inputs))
        if self.semantic_head is None:
            return levels, None
        logits, enhanced = self.semantic_head(levels)
        return enhanced, logits

    def forward_rois(self, inputs: Tensor, boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
        """Parse boxes of one's own: annotated ones, or another detector's.

        Args:
            inputs: (B, 3, H, W) normalised and padded, as :meth:`WholeImagePreprocessor.batch` makes them.
            boxes: B tensors (N_i, 4) xyxy in input pixels; in the release's arithmetic they name their last pixel.

        Returns:
            tuple: logits (N, C, 128, 128) before the softmax, and the raw outputs (N,) of the re-scoring head or ``None``.

        Raises:
            InputError: there are not as many lists of boxes as images, or a box is not finite or has negative sides.
        """
        if len(boxes) != len(inputs):
            raise InputError(f'boxes: {len(boxes)} lists do not fit {len(inputs)} images')
        for index, rows in enumerate(boxes):
            if rows.dim() != 2 or rows.shape[1] != 4 or not (rows.isfinite().all() and (rows[:, 2:] >= rows[:, :2]).all()):
                raise InputError(f'boxes[{index}] must be finite rows x1, y1, x2, y2, got shape {tuple(rows.shape)}')
        return self.roi_head.parse(self.extract_feat(inputs)[0], bbox2roi(list(boxes)))

    def _forward(self, inputs: Tensor) -> tuple:
        """Images (B, 3, H, W) → scores and deltas of the anchors, semantic logits or ``None``, and the parsing of every
        whole image as one region."""
        levels, semantic = self.extract_feat(inputs)
        whole = inputs.new_tensor([0, 0, inputs.shape[-1] - 1, inputs.shape[-2] - 1]).expand(1, 4)
        return *self.rpn_head(levels), semantic, self.roi_head.parse(levels, bbox2roi([whole] * len(inputs)))

    # -- training ------------------------------------------------------------------------------------------------------

    def loss(self, inputs: Tensor, data_samples: list[ParsingDataSample]) -> dict[str, Any]:
        """Losses of a batch of images (B, 3, H, W).

        Metainfo of a sample: ``img_shape``, (height, width) of the picture in the input. ``gt_instances`` holds ``bboxes``
        (M, 4) in pixels of the picture and ``parsing_ids`` (M,), ``gt_maps`` its ``category`` and ``human`` maps. An image
        may hold nobody. Where there is no ``human`` map all labelled pixels belong to the one person.
        """
        levels, semantic = self.extract_feat(inputs)
        samples = [self._annotation(sample, inputs.shape[-2:]) for sample in data_samples]
        losses, proposals = self.rpn_head.loss_and_predict(levels, samples, proposal_cfg=self.train_cfg.rpn_proposal)
        if limit := self.train_cfg.rpn_proposal.get('max_per_batch'):
            proposals = best_of_batch(proposals, limit)
        losses.update(self.roi_head.loss(levels, proposals, samples))
        if self.semantic_head is not None:
            losses.update(self.semantic_head.loss(semantic, self._semantic_labels(data_samples, inputs.shape[-2:])))
        return losses

    def _annotation(self, sample: ParsingDataSample, input_size: Sequence[int]) -> DetDataSample:
        """The people of an image as mmdet's heads want them, with their label maps."""
        people = sample.gt_instances
        boxes = people.bboxes - self._end_of(people.bboxes)
        category = sample.gt_maps.category
        if 'human' in sample.gt_maps:
            owned = sample.gt_maps.human == people.parsing_ids[:, None, None].to(sample.gt_maps.human)
            label_maps = category * owned.to(category.dtype)
        else:
            label_maps = category.expand(len(boxes), -1, -1)
        annotated = DetDataSample(metainfo=dict(img_shape=tuple(sample.img_shape), pad_shape=tuple(input_size)))
        annotated.gt_instances = InstanceData(
            bboxes=boxes, labels=torch.zeros(len(boxes), dtype=torch.long, device=boxes.device), label_maps=label_maps)
        return annotated

    def _semantic_labels(self, data_samples: list[ParsingDataSample], input_size: Sequence[int]) -> Tensor:
        """Category maps padded to the input, (B, H, W) int64."""
        maps = [sample.gt_maps.category[0] for sample in data_samples]
        return torch.stack([
            F.pad(labels, (0, input_size[1] - labels.shape[1], 0, input_size[0] - labels.shape[0]),
                  value=self.arithmetic.padding_label) for labels in maps]).long()

    # -- prediction ----------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def predict(self, inputs: list[list[Tensor]], data_samples: list[ParsingDataSample]) -> list[ParsingDataSample]:
        """Find and parse the people of all images, one image after the other: group norm would see the padding of a batch.

        Args:
            inputs: for each image S tensors (3, h, w) BGR in [0, 255], one a scale.
            data_samples: their samples; metainfo ``ori_shape`` (height, width) and ``flip_pairs``. Where there is
                ``gt_instances`` the people in its boxes are parsed.
        """
        for images, sample in zip(inputs, data_samples):
            self._predict_image(self._views(images), sample)
        return data_samples

    def _views(self, images: Sequence[Tensor]) -> list[View]:
        views = []
        for image in images:
            for mirrored in (False, True)[:1 + self.flip_test]:
                batch = self.data_preprocessor.batch(
                    [image.flip(-1) if mirrored else image], pad_first=not self.arithmetic.pads_after_normalizing)
                views.append(View(inputs=batch, size=(image.shape[1], image.shape[2]), mirrored=mirrored,
                                  last_pixel=self.arithmetic.last_pixel))
        return views

    def _predict_image(self, views: list[View], sample: ParsingDataSample) -> None:
        """Write the parsing of one image into its sample. Boxes are in the upright frame of the first view."""
        image_size = tuple(sample.ori_shape[:2])
        pyramids = Pyramids(self.extract_feat, views)
        given = sample.gt_instances if 'gt_instances' in sample else None
        boxes, scores, maps = self._look(views, pyramids, find=given is None)
        if given is not None:
            end = self._end_of(given.bboxes)
            boxes, scores = views[0].from_frame(given.bboxes - end, image_size), given.bbox_scores
        inside = views[0].to_frame(boxes, image_size) if given is None else given.bboxes - end
        swapped = mirrored_classes(self.num_classes, sample.flip_pairs)
        context = self._semantic_context(views, maps, image_size, swapped)
        if context is not None:
            sample.pred_sem_seg = category_map(context, image_shape=image_size, threshold=self.semantic_thr)
        people, ious = [], []
        for box, (probs, iou) in zip(inside.tolist(), self._parsings(views, pyramids, boxes, swapped)):
            people.append(self._paste(probs, box, image_size, context))
            ious.append(iou)
        self.postprocessor.pack(sample, people, bboxes=inside + self._end_of(inside), bbox_scores=scores, iou_scores=ious,
                                num_classes=self.num_classes)

    def _end_of(self, boxes: Tensor) -> Tensor:
        """(4,): what boxes that name their last pixel lack to its end."""
        return boxes.new_tensor([0, 0, self.arithmetic.last_pixel, self.arithmetic.last_pixel])

    def _look(self, views: list[View], pyramids: Pyramids, *, find: bool) -> tuple[Any, Any, list[Tensor]]:
        """The people that all views show together, boxes (N, 4) and scores (N,), and the semantic logits of each view."""
        boxes, scores = [], []
        maps: list[Tensor] = []
        if not find and self.semantic_head is None:
            return None, None, maps
        for view, (levels, semantic) in zip(views, pyramids):
            maps += [] if semantic is None else [semantic[0]]
            if find:
                proposals = self.rpn_head.predict_by_feat(*self.rpn_head(levels), batch_img_metas=[view.meta])
                seen, = self.roi_head.predict_bbox(levels, [view.meta], proposals, None)
                boxes.append(view.to_frame(seen.bboxes.view(-1, 4), views[0].size))
                scores.append(seen.scores.view(-1, 2))
        if not find:
            return None, None, maps
        people, confidences = detected_people(
            torch.cat(boxes), torch.cat(scores), self.test_cfg.rcnn, last_pixel=self.arithmetic.last_pixel)
        return people, confidences, maps

    def _semantic_context(self, views: list[View], maps: list[Tensor], image_size: tuple[int, int],
                          swapped: list[int]) -> SemanticContext | None:
        """The semantic probabilities of all views, upright; ``swapped`` classes are those of the mirror."""
        if not maps:
            return None
        probs = [logits.float().softmax(0) for logits in maps]
        windows = [view.window(image_size, whole_input=self.arithmetic.semantics_of_padding) for view in views]
        return SemanticContext.stretched(
            [part[swapped].flip(-1) if view.mirrored else part for part, view in zip(probs, views)], windows,
            weight=self.semantic_weight)

    def _parsings(self, views: list[View], pyramids: Pyramids, boxes: Tensor,
                  swapped: list[int]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (probabilities (C, h, w), IoU ()) of every box, the mean over the views."""
        if len(views) == 1:  # no more regions in memory than pass the head at once
            for levels, _ in pyramids:
                for probs, ious in self._parse_view(views[0], levels, boxes):
                    yield from zip(probs, ious)
            return
        totals: list[Any] = [0, 0]
        for view, (levels, _) in zip(views, pyramids if len(boxes) else ()):
            in_view = view.from_frame(boxes, views[0].size)
            probs, ious = (torch.cat(rows) for rows in zip(*self._parse_view(view, levels, in_view)))
            totals = [totals[0] + (probs[:, swapped].flip(-1) if view.mirrored else probs), totals[1] + ious]
        if len(boxes):
            yield from zip(*(total / len(views) for total in totals))

    def _parse_view(self, view: View, levels: tuple[Tensor, ...], boxes: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield probabilities (n, C, h, w) and IoUs (n,) of boxes (N, 4) in a view, some at a time; without a re-scoring
        head the IoUs are 1."""
        for chunk in boxes.split(self.max_regions_per_batch) if len(boxes) else ():
            logits, iou = self.roi_head.parse(levels, bbox2roi([chunk]))
            probs = logits.float().softmax(1)
            yield probs, probs.new_ones(len(probs)) if iou is None else iou.float()

    def _paste(self, probs: Tensor, box: list[float], image_size: tuple[int, int],
               context: SemanticContext | None) -> PastedPerson:
        if self.arithmetic.pads_regions:
            window = whole_pixel_window(box, num_samples=probs.shape[-1])
            return self.postprocessor.paste([probs], [window], image_shape=image_size, context=context, background_below=0.0)
        return self.postprocessor.paste([probs], [visible_window(box)], image_shape=image_size, context=context)
