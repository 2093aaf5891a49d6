"""What parsers of cropped people have in common: crops in chunks through backbone and neck, people out, one by one.

    B crops of a batch, h, w size of the network input, N_i people of image i, S scales.
"""
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from mmqanet.errors import InputError
from mmqanet.functional.pasting import PastedPerson
from mmqanet.functional.tile_blending import Tiles
from mmqanet.models.parsers.base import BaseParser, BoxUse
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample
from mmqanet.utils.memory import in_halves
from mmqanet.utils.threads import parallel_ahead

CPU_CROPS, DEVICE_CROPS = 2, 16  # through the network at once: on a CPU the feature maps of more leave its caches
PRECISIONS = ('float32', 'bfloat16')


class CropParser(BaseParser):
    """Backbone → neck → heads on crops of people.

    Args:
        backbone (dict): any backbone of mmseg by its plain name, or of mmdet as ``mmdet.NAME``.
        neck (dict | list[dict]): one neck or several in a row, ending in a single feature, e.g. FPN then SemanticFPN.
        postprocessor, data_preprocessor, init_cfg: as in :class:`BaseParser`.
        flip_test (bool): average each crop with its mirror image.
        max_crops_per_batch (int, optional): most crops that pass the network at once when predicting, mirror images
            included; bounds the memory. By default 2 on a CPU, where more are slower, or where there are enough for all of
            its threads, 2 on each; and 16 elsewhere.
        precision (str): of the features in predicting, ``'float32'`` or ``'bfloat16'``. The heads stay in float32.

    Raises:
        InputError: an unknown precision; ``channels_last`` with operators of mmcv, which misread that layout.
    """

    box_use = BoxUse.REQUIRED
    speed_options = ('max_crops_per_batch',)

    def __init__(self, *, backbone: dict, neck: dict | list[dict], postprocessor: dict | None = None,
                 data_preprocessor: dict | None = None, flip_test: bool = False, max_crops_per_batch: int | None = None,
                 precision: str = 'float32', init_cfg: dict | None = None) -> None:
        super().__init__(data_preprocessor=data_preprocessor, postprocessor=postprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        self.data_preprocessor.check_network(self)
        self.flip_test = flip_test
        self.max_crops_per_batch = max_crops_per_batch
        if precision not in PRECISIONS:
            raise InputError(f'precision is {precision!r}, but must be one of {", ".join(PRECISIONS)}')
        self.precision = precision

    @classmethod
    def set_test_options(cls, model: dict[str, Any], *, flip: bool | None = None, max_batch: int | None = None) -> None:
        """Write options of testing into a model's config, in place: mirror image, crops at once."""
        if flip is not None:
            model['flip_test'] = flip
        if max_batch is not None:
            model['max_crops_per_batch'] = max_batch

    @classmethod
    def set_precision(cls, model: dict[str, Any], precision: str) -> None:
        """Write the precision of the features into a model's config, in place."""
        model['precision'] = precision

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """Normalised crops (B, 3, h, w) → the feature that both heads share."""
        if self.precision == 'float32' or self.training:
            return self.neck(self.backbone(inputs))
        with torch.autocast(inputs.device.type, torch.bfloat16):
            return self.neck(self.backbone(inputs)).float()

    @torch.no_grad()
    def predict(self, inputs: list[Tensor], data_samples: list[ParsingDataSample]) -> list[ParsingDataSample]:
        """Parse the people in the boxes of all images.

        Args:
            inputs: one uint8 tensor (N_i · S, 3, h, w) an image, the S scales of a person side by side.
            data_samples: their samples; ``gt_instances`` holds the N_i boxes, metainfo ``crops`` the N_i · S
                ``PersonCrop``, ``ori_shape`` the (H, W), ``flip_pairs`` the (left, right) classes. With ``tiles``, N_i
                numbers, so many further crops follow the S of each person.

        Raises:
            InputError: the crops do not fit the boxes or the inputs.
        """
        predictions = self.forward_crops(inputs, flip_pairs=data_samples[0].flip_pairs)
        for sample in data_samples:
            self._parse_people(sample, predictions)
        return data_samples

    def forward_crops(self, inputs: list[Tensor], *, flip_pairs: Sequence) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (maps (K, h, w), IoU score ()) of every crop in order, at most ``max_crops_per_batch`` ahead, or a batch for
        each thread.

        Args:
            inputs: as in :meth:`predict`.
            flip_pairs: the left and right classes.
        """
        predict = self.crop_predictor(flip_pairs)
        size = self._crops_at_once()

        @torch.no_grad()
        def predictions(chunk: Tensor) -> list[tuple[Tensor, Tensor]]:
            return in_halves(lambda crops: list(zip(*predict(crops))), chunk)

        enough = sum(map(len, inputs)) >= size * torch.get_num_threads()
        for chunk in (parallel_ahead if enough and self._shares_threads() else map)(predictions, chunks_of(inputs, size)):
            yield from chunk

    def _shares_threads(self) -> bool:
        """Whether chunks of crops pass the network side by side, each on one thread of a CPU. Threads that share each
        operation wait for one another at its end, which takes them up to half of the time."""
        return self.data_preprocessor.device.type == 'cpu' and not self.max_crops_per_batch

    @abstractmethod
    def crop_predictor(self, flip_pairs: Sequence) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """What turns uint8 crops (B, 3, h, w) into the maps (B, K, h, w) that the post-processor pastes and IoU scores (B,),
        mirror image included."""

    def _crops_at_once(self) -> int:
        """Crops in a chunk; their mirror images pass the network beside them."""
        on_cpu = self.data_preprocessor.device.type == 'cpu'
        most = self.max_crops_per_batch or (CPU_CROPS if on_cpu else DEVICE_CROPS)
        return max(most // 2, 1) if self.flip_test else most

    def _parse_people(self, sample: ParsingDataSample, predictions: Iterator[tuple[Tensor, Tensor]]) -> None:
        """Take the predictions of one image's crops and write the parsing into its sample.

        A person is pasted before the next one's predictions are taken: memory holds the label maps of many people, but
        the probabilities of few.
        """
        boxes = sample.gt_instances
        windows = [crop.window for crop in sample.crops]
        tiles = sample.get('tiles') or [0] * len(boxes.bboxes)
        num_scales = _number_of_scales(len(windows), tiles, num_people=len(boxes.bboxes))
        people, iou_scores, kept = [], [], []
        for number in tiles:
            own, near, windows = windows[:num_scales], windows[num_scales:][:number], windows[num_scales + number:]
            noted: list[Tensor] | None = [] if sample.get('keep_probs') else None
            person, iou_score = self._next_person(predictions, own, near, sample.ori_shape[:2], noted=noted)
            people.append(person)
            iou_scores.append(iou_score)
            kept.append((noted, own))
        self.postprocessor.pack(sample, people, bboxes=boxes.bboxes, bbox_scores=boxes.bbox_scores, iou_scores=iou_scores,
                                num_classes=self.num_classes)
        if sample.get('keep_probs'):
            sample.pred_instances.crop_probs = [probs for probs, _ in kept]
            sample.pred_instances.crop_windows = [own for _, own in kept]

    def _next_person(self, predictions: Iterator[tuple[Tensor, Tensor]], windows: Sequence[Sequence[float]],
                     near: Sequence[Sequence[float]], image_shape: tuple[int, int], *,
                     noted: list[Tensor] | None) -> tuple[PastedPerson, float]:
        """Take one prediction a window and a tile: the pasted person and the mean IoU score of the windows. The maps of the
        windows are noted where that is wanted, in half precision on the CPU."""
        probs, ious = zip(*take_predictions(predictions, len(windows)))
        if noted is not None:
            noted += [part.half().cpu() for part in probs]
        tiles = Tiles([part for part, _ in take_predictions(predictions, len(near))], near)
        return self._paste(probs, windows, tiles, image_shape), sum(float(iou) for iou in ious) / len(ious)

    def _paste(self, probs: Sequence[Tensor], windows: Sequence[Sequence[float]], tiles: Tiles,
               image_shape: tuple[int, int]) -> PastedPerson:
        """A person, from the maps of its crops; parsers of another kind look at nobody twice."""
        if tiles.probs:
            raise InputError(f'tiles: a {type(self).__name__} looks at people once')
        return self.postprocessor.paste(probs, windows, image_shape=image_shape)


def _number_of_scales(crops: int, tiles: Sequence[int], *, num_people: int) -> int:
    """How many crops of each person there are besides the tiles; raises ``InputError`` if they do not fit the boxes."""
    scales, rest = divmod(crops - sum(tiles), max(num_people, 1))
    if rest or len(tiles) != num_people or (num_people and scales < 1) or (crops and not num_people):
        raise InputError(f'crops: {crops} of them do not fit {num_people} boxes' + f' with {sum(tiles)} tiles' * any(tiles))
    return scales


def take_predictions(predictions: Iterator[tuple[Tensor, Tensor]], number: int) -> list[tuple[Tensor, Tensor]]:
    """The next predictions of a stream; raises ``InputError`` if there are fewer."""
    taken = list(islice(predictions, number))
    if len(taken) < number:
        raise InputError(f'inputs: {len(taken)} crops are left for a person with {number}')
    return taken


def chunks_of(inputs: list[Tensor], size: int) -> Iterator[Tensor]:
    """The crops of all images in order, ``size`` at a time; all of them never lie side by side."""
    pieces: list[Tensor] = []
    for crops in inputs:
        while len(crops):
            room = size - sum(map(len, pieces))
            pieces.append(crops[:room])
            crops = crops[room:]
            if sum(map(len, pieces)) == size:
                yield torch.cat(pieces)
                pieces = []
    if pieces:
        yield torch.cat(pieces)
