"""The steps from inputs to parsings, batch after batch: read, find people, parse, follow, filter, look again."""
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mmqanet.apis.batches import Read, batch_weight, batches, in_flight, read_all
from mmqanet.apis.detector import above, with_score_thr
from mmqanet.apis.inference import filter_by_quality, predict, prepare, whole_image
from mmqanet.apis.inputs import Input
from mmqanet.apis.predictions import Failed, Parsed
from mmqanet.apis.second_stage import SecondStage
from mmqanet.apis.tracking import Tracking, TrackingStage
from mmqanet.apis.videos import Frame, Video
from mmqanet.errors import DataError, InputError, MMQANetError
from mmqanet.models import BaseParser
from mmqanet.utils.memory import in_halves, is_out_of_memory
from mmqanet.utils.prefetch import prefetch


@dataclass(frozen=True, kw_only=True)
class Call:
    """The options of one call, as `HumanParsingInferencer.stream` documents them."""

    batch_size: int
    score_thr: float
    part_score_thr: float
    expected_iou_thr: float
    track: Tracking | None
    boxes_of: Callable[[Input], Any]
    scores_of: Callable[[Input], Any]


class Pipeline:
    """What one call does to its inputs.

    Args:
        model: the parser.
        call: the options.
        find_detector: gives the detector, or ``None``; called where a call does not say where the people are.
        second_stage: parses parts of the people once more.
        classes: of the parser.
    """

    def __init__(self, model: BaseParser, call: Call, *, find_detector: Callable[[], Any],
                 second_stage: SecondStage | None, classes: Sequence[str]) -> None:
        self.model, self.call, self.find_detector = model, call, find_detector
        self.second_stage, self.classes = second_stage, classes
        self.follow = None if call.track is None else TrackingStage(model, call.track, sure_score=self._sure_score)

    def run(self, items: Sequence[Input]) -> Iterator[Parsed | Failed]:
        """The results of all frames, in order; the next batch is read meanwhile, unless it would not fit beside."""
        read = prefetch(batches(read_all(items), self.call.batch_size), depth=1, budget=in_flight(), weigh=batch_weight)
        try:
            for batch in read:
                for result in in_halves(self._parsed, batch, splits=_is_of_a_picture):
                    yield self._finished(result)
        finally:
            read.close()

    def _parsed(self, batch: Sequence[Read]) -> list[Parsed | Failed]:
        """A batch parsed; a picture fails that is too large even alone, or of which the network makes no numbers."""
        try:
            return self._parse(batch, self._find_people(batch))
        except Exception as error:
            if len(batch) > 1 or isinstance(batch[0], Failed) or not _is_of_a_picture(error):
                raise
            return [_failed(batch[0][0], error)]

    def _finished(self, result: Parsed | Failed) -> Parsed | Failed:
        """A result with its tracks, without what is below the thresholds, and with what the second model says."""
        if isinstance(result, Failed):
            return result
        try:
            if self.follow:
                self.follow.take(result)
            self._filter(result)
            if self.second_stage:
                return replace(result, second=self.second_stage.look(result.frame, result.sample, self.classes))
            return result
        except Exception as error:
            if not _is_of_a_picture(error):
                raise
            return _failed(result.item, error)

    def _filter(self, result: Parsed) -> None:
        """Take out people and parts below the thresholds."""
        call = self.call
        if max(call.score_thr, call.part_score_thr, call.expected_iou_thr) > 0:
            filter_by_quality(
                self.model, result.sample, score_thr=call.score_thr, part_score_thr=call.part_score_thr,
                expected_iou_thr=call.expected_iou_thr)

    def _sure_score(self, item: Input) -> float:
        """From which box score on the people of an input count without a track: all but the detector's less sure ones do."""
        detector = self.find_detector()
        detected = detector is not None and self.call.boxes_of(item) is None
        return getattr(detector, 'score_thr', 0.0) if detected else 0.0

    def _find_people(self, batch: Sequence[Any]) -> list[tuple | Failed]:
        """(boxes, scores, whether a detector found them) of each frame; ``None`` for boxes where nobody says."""
        people: list[Any] = []
        for read in batch:
            try:
                people.append(read if isinstance(read, Failed) else (*self._given(*read), False))
            except MMQANetError as error:
                people.append(Failed(item=read[0], error=error))
        wanted = [index for index, found in enumerate(people) if isinstance(found, tuple) and found[0] is None]
        detector = self.find_detector() if wanted else None
        if detector is not None:
            track = self.call.track
            finder = detector if track is None else with_score_thr(detector, track.low_score_thr)
            for index, found in zip(wanted, _detect(finder, [batch[index][1].image for index in wanted])):
                people[index] = *(found if isinstance(batch[index][0], Video) else above(found, detector)), True
        return people

    def _given(self, item: Input, frame: Frame) -> tuple[Any, Any]:
        """The boxes and scores of a frame, with the word for the whole image as a box."""
        boxes = self.call.boxes_of(item)
        return whole_image(frame) if isinstance(boxes, str) else boxes, self.call.scores_of(item)

    def _parse(self, batch: Sequence[Any], people: list[tuple | Failed]) -> list[Parsed | Failed]:
        """Parse a batch; a frame that cannot be parsed does not keep the others from it."""
        keep_probs = bool(self.call.track and self.call.track.smooth_seconds)
        results: list[Any] = list(people)
        packed = {}
        for index, (read, found) in enumerate(zip(batch, people)):
            if isinstance(read, Failed) or isinstance(found, Failed):
                continue
            try:
                packed[index] = prepare(self.model, read[1], boxes=found[0], scores=found[1], found=found[2],
                                        keep_probs=keep_probs and isinstance(read[0], Video))
            except MMQANetError as error:
                results[index] = Failed(item=read[0], error=error)
        for index, sample in zip(packed, predict(self.model, list(packed.values()))):
            item, frame = batch[index]
            results[index] = Parsed(item=item, frame=frame, sample=sample)
        return results


def _is_of_a_picture(error: Exception) -> bool:
    """Whether an error may come of one picture of a batch, so that the others can be parsed."""
    return is_out_of_memory(error) or isinstance(error, MMQANetError)


def _failed(item: Input, error: Exception) -> Failed:
    """A picture that cannot be parsed, with what is said of it."""
    reason = 'not enough memory to parse this picture' if is_out_of_memory(error) else f'cannot be parsed ({error})'
    return Failed(item=item, error=DataError(f'{item.source}: {reason}'))


def _detect(detector: Any, images: list[np.ndarray]) -> list[tuple[Any, Any]]:
    """Boxes and scores of the people in each image, as a detector of any kind finds them."""
    answer = detector.detect(images)
    try:
        found = [(boxes, scores) for boxes, scores in answer]
    except (TypeError, ValueError):
        found = []
    if len(found) != len(images):
        raise InputError(f'{type(detector).__name__}.detect must give a list with boxes and scores of each image')
    return found
