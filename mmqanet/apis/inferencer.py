"""One object that turns pictures, folders, videos and cameras into parsings: detector, parser and quality in one call."""
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device
from rich.progress import track as progress_bar

from mmqanet.apis.detector import SCORE_THR, init_detector
from mmqanet.apis.ensembles import files_of
from mmqanet.apis.fingerprints import boxes_digest, detector_digest, model_digest
from mmqanet.apis.given_boxes import look_up
from mmqanet.apis.inference import refuse_boxes, require_calibration
from mmqanet.apis.inputs import Input, find_inputs, is_single
from mmqanet.apis.layout import DEFAULT_KINDS
from mmqanet.apis.loading import init_model
from mmqanet.apis.outputs import ResultWriter
from mmqanet.apis.picture_files import DEFAULT_STYLE, OverlayStyle, draw
from mmqanet.apis.pipeline import Call, Pipeline
from mmqanet.apis.predictions import Failed, Parsed, describe
from mmqanet.apis.second_stage import SecondStage
from mmqanet.apis.tracking import Tracking
from mmqanet.apis.windows import check_window, show_image
from mmqanet.checkpoints.model_index import SHIPPED_DETECTOR, SHIPPED_PARSER, SHIPPED_SCORE_THR, shipped
from mmqanet.errors import InputError
from mmqanet.structures import LabelSet


class HumanParsingInferencer:
    """Parse the people of pictures, with one call from whatever holds them to whatever is wanted.

    Called like the inferencers of OpenMMLab; built of this package's own steps rather than on mmengine's
    ``BaseInferencer``, which finds models by name for a fixed list of packages only. It keeps nothing between calls, so
    threads may share one.

    Args:
        model: a config file, a ``Config``, or the name of a model of ``model-index.yml``. ``None``: the config that
            ``weights`` carry, or, without weights, the model that the package ships.
        weights: a checkpoint; not needed with the name of a model whose weights are released.
        device: e.g. ``'cpu'`` or ``'cuda:0'``; by default a GPU where there is one.
        detector: finds the people where a call gives no boxes: a config of mmdet, ``'shipped'`` for the package's own,
            or an object with a ``detect`` like ``PersonDetector``. A checkpoint (``.pth``) that carries its config will do
            as well. By default the shipped one for the shipped model. With a model of one's own and no detector the model
            finds the people itself, if it is of that kind; else each picture is one person.
        detector_weights: checkpoint of the detector's config; alone if it carries its config.
        box_score_thr: least score of the people that the detector finds; by default 0.3, of the shipped one 0.25.
        tiles: side in pixels of the tiles in which the detector looks as well, as in :class:`PersonDetector`.
        tta, max_crops, crop, classes, precision: as in :func:`mmqanet.apis.init_model`.
        backend: what computes the networks of the parser and of a light FCOS: ``'torch'``, ``'onnx'`` (onnxruntime) or
            ``'openvino'``, on a CPU (:mod:`mmqanet.deployment.backends`). Other detectors stay with torch.
        second_stage: a second model that parses parts of the people, such as their heads.
        ensemble, one_at_a_time: parsers that parse together in place of ``model`` and ``weights``, as in
            :func:`mmqanet.apis.init_model`.
        show_progress: draw a progress bar while a call runs.
        tell: takes a remark, such as that the detector stays with torch.

    Raises:
        DataError, InputError: as :func:`mmqanet.apis.init_model` and :func:`mmqanet.apis.init_detector`.
    """

    def __init__(
        self,
        model: str | Path | Config | None = None,
        weights: str | Path | None = None,
        device: str | None = None,
        *,
        detector: Any = None,
        detector_weights: str | Path | None = None,
        box_score_thr: float | None = None,
        tiles: int | None = None,
        tta: bool | Sequence[float] | None = None,
        max_crops: int | None = None,
        crop: str | None = None,
        classes: str | None = None,
        precision: str | None = None,
        backend: str = 'torch',
        second_stage: SecondStage | None = None,
        ensemble: Sequence[Any] = (),
        one_at_a_time: bool | None = None,
        show_progress: bool = False,
        tell: Callable[[str], None] = warnings.warn,
    ) -> None:
        device = device or get_device()
        if model is None and weights is None and not ensemble:
            weights = shipped(SHIPPED_PARSER)
            if detector is None and detector_weights is None:
                detector = 'shipped'
        self.model = init_model(model, weights, device, tta=tta, max_crops=max_crops, crop=crop, classes=classes,
                                precision=precision, ensemble=ensemble, one_at_a_time=one_at_a_time)
        self.backend, self.second_stage, self.tell = backend, second_stage, tell
        if backend != 'torch':
            from mmqanet.deployment.backends import use_backend  # with the exporter, which nobody else needs

            use_backend(self.model, backend)
        if second_stage is not None:
            second_stage.check(self.label_set.classes)
        sources = (model, weights, detector, detector_weights, *files_of(ensemble))
        self.given = [source for source in sources if isinstance(source, str | Path)]
        self.device, self.show_progress, self.box_score_thr, self.tiles = device, show_progress, box_score_thr, tiles
        if detector is not None or detector_weights is not None:
            refuse_boxes(self.model, where='detector')
        if detector == 'shipped':
            _check_no_weights(detector_weights, "'shipped' has its own")
            shipped(SHIPPED_DETECTOR)
        else:
            self.detector = self._in_backend(
                load_detector(detector, detector_weights, device, score_thr=box_score_thr, tiles=tiles))

    @cached_property
    def detector(self) -> Any:
        """Who finds the people; the shipped one is built when it is first needed, as calls with boxes do without it."""
        score_thr = SHIPPED_SCORE_THR if self.box_score_thr is None else self.box_score_thr
        return self._in_backend(load_detector(SHIPPED_DETECTOR, None, self.device, score_thr=score_thr, tiles=self.tiles))

    def _in_backend(self, detector: Any) -> Any:
        """A detector whose network the backend computes, if it can."""
        if self.backend != 'torch':
            from mmqanet.deployment.backends import use_detector_backend

            use_detector_backend(detector, self.backend, tell=self.tell)
        return detector

    @property
    def dataset_meta(self) -> Any:
        """``classes``, ``palette`` and ``flip_pairs`` of the model."""
        return self.model.dataset_meta

    @cached_property
    def label_set(self) -> LabelSet:
        """The same, checked."""
        return LabelSet.of(self.model.dataset_meta)

    def __call__(
        self,
        inputs: Any,
        batch_size: int = 1,
        *,
        boxes: Any = None,
        box_scores: Any = None,
        score_thr: float = 0.0,
        part_score_thr: float = 0.0,
        expected_iou_thr: float = 0.0,
        track: bool | Tracking = False,
        recursive: bool = False,
        channel_order: str = 'bgr',
        return_datasamples: bool = False,
        return_vis: bool = False,
        show: bool = False,
        wait_time: float = 0,
        out_dir: str | Path | None = None,
        style: OverlayStyle = DEFAULT_STYLE,
    ) -> dict[str, list]:
        """Parse, and return everything at once; :meth:`stream` hands it out frame by frame.

        Args:
            inputs, batch_size, boxes, box_scores, score_thr, part_score_thr, expected_iou_thr, track, recursive,
                channel_order: as in :meth:`stream`.
            return_datasamples: ``ParsingDataSample`` instead of plain dicts.
            return_vis: also draw.
            show: show each drawing in a window, for ``wait_time`` seconds (0: until a key is pressed).
            out_dir: folder to write what ``mmqanet parse`` writes to.
            style: of the drawings.

        Returns:
            dict: ``predictions``, one a picture or frame, in order: dicts after ``mmqanet/schemas/parsing.schema.json``;
            ``visualization``: as many (H', W', 3) uint8 drawings in the ``channel_order``, empty without ``return_vis``.

        Raises:
            DataError, InputError: of the first input that fails.
        """
        items = find_inputs(inputs, recursive=recursive, rgb=_is_rgb(channel_order))
        stream: Iterable[Parsed | Failed] = self._checked(
            items, is_single(inputs), batch_size, boxes=boxes, box_scores=box_scores, score_thr=score_thr,
            part_score_thr=part_score_thr, expected_iou_thr=expected_iou_thr, track=track)
        if show:
            check_window()
        writer = None
        if out_dir:
            options = self.options(boxes=boxes, box_scores=box_scores, score_thr=score_thr, part_score_thr=part_score_thr,
                                   expected_iou_thr=expected_iou_thr, track=track)
            kinds = (*DEFAULT_KINDS, 'iuv') if self.model.gives_surface else DEFAULT_KINDS
            writer = ResultWriter(out_dir, label_set=self.label_set, kinds=kinds, style=style, options=options,
                                  given=self.given)
            writer.plan.claim(items)
        if self.show_progress:
            stream = progress_bar(stream, description='parsing', total=sum(item.count() for item in items) or None)
        results: dict[str, list] = dict(predictions=[], visualization=[])
        complete = False
        try:
            for parsed in stream:
                if isinstance(parsed, Failed):
                    raise parsed.error
                if return_vis or show or writer:
                    drawing = draw(parsed, self.label_set, style=style)
                if writer:
                    writer.write(parsed, drawing)
                if show:
                    show_image(drawing, parsed.item.source, wait_time=wait_time)
                if return_vis:
                    results['visualization'].append(drawing[..., ::-1] if _is_rgb(channel_order) else drawing)
                results['predictions'].append(parsed.sample if return_datasamples else describe(parsed, self.label_set))
            complete = True
        finally:
            if writer:
                writer.close(complete=complete)
        return results

    def stream(
        self,
        inputs: Any,
        batch_size: int = 1,
        *,
        boxes: Any = None,
        box_scores: Any = None,
        score_thr: float = 0.0,
        part_score_thr: float = 0.0,
        expected_iou_thr: float = 0.0,
        track: bool | Tracking = False,
        recursive: bool = False,
        channel_order: str = 'bgr',
    ) -> Iterator[Parsed | Failed]:
        """Parse frame by frame, reading ahead in a thread; what fails is handed out with its error and stops nothing.

        Args:
            inputs: a path to a picture, video or folder, the bytes of a picture, an array (H, W, 3) uint8, the index of a
                camera, what ``find_inputs`` made of them, or a sequence of these.
            batch_size: pictures that pass the detector and the network together; people are batched across them.
            boxes: ``None``: the detector finds them, or the model itself. ``'image'``: each picture is one person. Else
                (N, 4) xyxy in pixels: a sequence with the boxes of each picture, those of a single input alone, or a dict
                to boxes from the path, the path below the folder given, or the file name.
            box_scores: (N,) in [0, 1], given like ``boxes``; 1 by default.
            score_thr, part_score_thr: people and parts of a lower *quality*, in [0, 1], are left out.
            expected_iou_thr: parts of a lower expected IoU, in [0, 1], are left out; needs a parser whose qualities are
                calibrated.
            track: follow the people of videos, by the default options or others: every person then has a ``track``, a
                number that stays through the video.
            recursive: also look into the folders of a folder.
            channel_order: of arrays, ``'bgr'`` or ``'rgb'``.

        Yields:
            Parsed | Failed: in the order of the inputs, a video's frame by frame.

        Raises:
            InputError: an argument is wrong as a whole.
        """
        items = find_inputs(inputs, recursive=recursive, rgb=_is_rgb(channel_order))
        return self._checked(items, is_single(inputs), batch_size, boxes=boxes, box_scores=box_scores, score_thr=score_thr,
                             part_score_thr=part_score_thr, expected_iou_thr=expected_iou_thr, track=track)

    def _checked(self, items: Sequence[Input], single: bool, batch_size: int, *, boxes: Any, box_scores: Any,
                 score_thr: float, part_score_thr: float, expected_iou_thr: float,
                 track: bool | Tracking) -> Iterator[Parsed | Failed]:
        """:meth:`stream` of what was found."""
        thresholds = dict(score_thr=score_thr, part_score_thr=part_score_thr, expected_iou_thr=expected_iou_thr)
        for name, value in thresholds.items():
            if not 0 <= value <= 1:
                raise InputError(f'{name} is {value}, but qualities lie in [0, 1]')
        if expected_iou_thr:
            require_calibration(self.model, where='expected_iou_thr')
        rules = Tracking.of(track)
        if rules and rules.smooth_seconds and not self.model.keeps_probs:
            raise InputError(f'track: a {type(self.model).__name__} keeps no probabilities, which smoothing needs')
        if batch_size < 1:
            raise InputError(f'batch_size is {batch_size}, but must be at least 1')
        if boxes is not None:
            refuse_boxes(self.model, where='boxes')
        call = Call(batch_size=batch_size, **thresholds, track=rules,
                    boxes_of=look_up(boxes, items, single=single, what='boxes'),
                    scores_of=look_up(box_scores, items, single=single, what='box_scores'))
        return Pipeline(self.model, call, find_detector=lambda: self.detector, second_stage=self.second_stage,
                        classes=self.label_set.classes).run(items)

    def options(self, *, boxes: Any = None, box_scores: Any = None, score_thr: float = 0.0,
                part_score_thr: float = 0.0, expected_iou_thr: float = 0.0,
                track: bool | Tracking = False) -> dict[str, Any]:
        """What decides on the results of a call, in short: digests of model, people and options.

        Args:
            boxes, box_scores, score_thr, part_score_thr, expected_iou_thr, track: as in :meth:`stream`.
        """
        people: str | None
        if boxes is None and self.detector is not None:
            people = detector_digest(self.detector)
        else:
            people = boxes if boxes is None or isinstance(boxes, str) else boxes_digest([boxes, box_scores])
        engine = '' if self.backend == 'torch' else f'+{self.backend}'
        return dict(model=f'{model_digest(self.model)}{engine}', people=people, score_thr=score_thr,
                    part_score_thr=part_score_thr, expected_iou_thr=expected_iou_thr,
                    **(dict(track=asdict(rules)) if (rules := Tracking.of(track)) else {}),
                    **(dict(second=self.second_stage.digest()) if self.second_stage else {}))

def load_detector(detector: Any, weights: str | Path | None, device: str, *, score_thr: float | None = None,
                  tiles: int | None = None) -> Any:
    """A detector from what the inferencer was given; ``None`` stays ``None``."""
    if detector is None:  # a checkpoint alone carries its config
        detector, weights = weights, None
    if detector is None or hasattr(detector, 'detect'):
        _check_no_weights(weights, 'an object has its own')
        for name, value in (('box_score_thr', score_thr), ('tiles', tiles)):
            if value is not None:
                raise InputError(f'{name} {value} needs a detector to be built'
                                 + (', but this one is an object with its own' if detector else ''))
        return detector
    if isinstance(detector, str | Path) and Path(detector).suffix == '.pth':
        _check_no_weights(weights, f'{detector} holds some')
        detector, weights = None, detector
    return init_detector(detector, weights, device=device, score_thr=SCORE_THR if score_thr is None else score_thr,
                         tiles=tiles)


def _check_no_weights(weights: str | Path | None, reason: str) -> None:
    if weights is not None:
        raise InputError(f'detector_weights {weights} cannot be used besides the detector: {reason}')


def _is_rgb(channel_order: str) -> bool:
    if channel_order not in ('bgr', 'rgb'):
        raise InputError(f"channel_order is {channel_order!r}, but must be 'bgr' or 'rgb'")
    return channel_order == 'rgb'
