"""A second look: parts of people, such as their heads, are cropped and parsed by another model."""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from mmqanet.apis.fingerprints import model_digest
from mmqanet.apis.inference import predict, prepare, refuse_boxes
from mmqanet.apis.loading import init_model
from mmqanet.apis.videos import Frame
from mmqanet.errors import InputError
from mmqanet.models import BaseParser
from mmqanet.structures import LabelSet, ParsingDataSample

#: Classes that make a head, by the names that the data sets of people have for them.
HEAD = ('hat', 'cap/hat', 'helmet', 'hair', 'face', 'sunglasses', 'eyewear', 'head')
SKIN = ('skin', 'torso-skin')  # counts where it is above the shoulders
SHOULDERS = 0.2  # of a person's height, from the top
SMALLEST = 8  # pixels of a box


@dataclass(frozen=True, kw_only=True)
class SecondLook:
    """What the second model says of an image.

    Attributes:
        sample: its prediction; one person of it is a part of somebody.
        owners: (M,) index in the first prediction's ``pred_instances`` of each.
        label_set: its classes.
    """

    sample: ParsingDataSample
    owners: Sequence[int]
    label_set: LabelSet


class SecondStage:
    """Parses parts of people with a second model.

    Args:
        model: from :func:`mmqanet.apis.init_model`, of a kind that takes boxes.
        parts: names of the first model's classes that a box is around; by default those of a head, with skin above the
            shoulders.

    Raises:
        InputError: the model takes no boxes.
    """

    def __init__(self, model: BaseParser, *, parts: Sequence[str] | None = None) -> None:
        refuse_boxes(model, where='second stage')
        self.model, self.parts = model, None if parts is None else tuple(parts)

    @classmethod
    def load(cls, config: str | Path | None, checkpoint: str | Path | None, device: str, *,
             parts: Sequence[str] | None = None) -> 'SecondStage':
        """From a config and weights, or a checkpoint that carries its config."""
        return cls(init_model(config, checkpoint, device), parts=parts)

    @cached_property
    def label_set(self) -> LabelSet:
        """The classes of the second model."""
        return LabelSet.of(self.model.dataset_meta)

    def digest(self) -> str:
        """What decides on the results of the second model, in short."""
        return ' '.join([model_digest(self.model), *(self.parts or ())])

    def check(self, classes: Sequence[str]) -> None:
        """Raise ``InputError`` unless the first model's classes have the parts that boxes are made around."""
        missing = [name for name in self.parts or () if name not in classes]
        if missing:
            raise InputError(f'second stage: the first model has no class {missing[0]!r}')
        if not self._labels(classes)[0] and not self._labels(classes)[1]:
            raise InputError(f'second stage: none of the first model\'s classes is of a head ({", ".join(HEAD)})')

    def look(self, frame: Frame, sample: ParsingDataSample, classes: Sequence[str]) -> SecondLook:
        """Parse the parts of the visible people of a prediction."""
        people = sample.pred_instances
        labels, upper = self._labels(classes)
        human = sample.pred_maps.human[0].numpy()
        boxes, owners = [], []
        for index in np.unique(sample.pred_parts.people.numpy()).tolist():
            offset = people.offsets[index].tolist()
            label_map = people.label_maps[index].numpy()
            window = tuple(slice(start, start + side) for start, side in zip(offset, label_map.shape))
            box = part_box(np.where(human[window] == index + 1, label_map, 0), labels, upper)
            if box is not None and min(box[2] - box[0], box[3] - box[1]) >= SMALLEST:
                boxes.append(np.asarray(box) + np.tile(offset[::-1], 2))
                owners.append(index)
        found = predict(self.model, [prepare(
            self.model, frame, boxes=np.asarray(boxes, dtype=np.float32).reshape(-1, 4),
            scores=people.qualities[owners].numpy())])
        return SecondLook(sample=found[0], owners=owners, label_set=self.label_set)

    def _labels(self, classes: Sequence[str]) -> tuple[list[int], list[int]]:
        """The labels inside a box, and those inside above the shoulders."""
        inside, upper = (self.parts, ()) if self.parts is not None else (HEAD, SKIN)
        return ([label for label, name in enumerate(classes) if name in inside],
                [label for label, name in enumerate(classes) if name in upper])


def part_box(label_map: np.ndarray, labels: Sequence[int], upper: Sequence[int] = ()) -> tuple[int, int, int, int] | None:
    """The box around the largest piece of some classes of a person.

    Args:
        label_map: (h, w) uint8, the person's classes.
        labels: classes that are inside.
        upper: classes that are inside where they are above the shoulders, such as skin.

    Returns:
        x1, y1, x2, y2 in pixels of the map; ``None`` where there are no such pixels.
    """
    wanted = np.isin(label_map, labels)
    rows = np.flatnonzero(label_map.any(axis=1))
    if len(upper) and len(rows):
        end = rows[0] + round(SHOULDERS * (rows[-1] + 1 - rows[0]))
        wanted[:end] |= np.isin(label_map[:end], upper)
    _, _, stats, _ = cv2.connectedComponentsWithStats(wanted.astype(np.uint8), connectivity=8)
    if len(stats) < 2:
        return None
    x, y, width, height, _ = (int(value) for value in stats[1 + stats[1:, cv2.CC_STAT_AREA].argmax()])
    return x, y, x + width, y + height
