"""Several top-down parsers as one: their probabilities are averaged in the image, each in its own windows.

    M members, B images, N_i people of image i, S_m scales of member m, C classes, h_m, w_m size of its input.
"""
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mmqanet.errors import InputError
from mmqanet.functional.pasting import PastedPerson
from mmqanet.models.parsers.base import BaseParser, BoxUse
from mmqanet.models.parsers.crops import DEVICE_CROPS, take_predictions
from mmqanet.models.parsers.topdown import TopdownParser, merge_calibration
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample
from mmqanet.utils.wording import count_of

Predictions = list[tuple[Tensor, Tensor]]  # (probabilities (C, h, w), IoU score ()) of a person at the scales of a member


@MODELS.register_module()
class ParserEnsemble(BaseParser):
    """Averages what several parsers say of the same people.

    Members may differ in network, crop size, padding and augmentation. Their probabilities meet on the pixels of the image:
    each map is pasted in its own window and weighs its member's weight by the number of the member's maps. IoU scores are
    averaged by the same weights; box scores stay. Pasting, quality and merging are those of one post-processor.

    A config file may name members by ``config``, ``checkpoint`` and ``weight`` instead of describing them;
    :func:`mmqanet.apis.ensembles.read_ensemble` reads these. The inputs are made by :class:`MemberInputs`.

    Args:
        members (Sequence[dict]): M configs of a :class:`TopdownParser`, all of the same classes; the post-processors of
            members are not used.
        weights (Sequence[float], optional): M weights, none negative and not all 0; equal ones by default.
        one_at_a_time (bool): keep the network of one member at a time on the device; the others wait in the memory of the
            host. Saves the memory of a GPU and costs time.
        max_crops_per_batch (int, optional): of every member, as in :class:`TopdownParser`.
        postprocessor, data_preprocessor, init_cfg: as in :class:`BaseParser`.

    Raises:
        InputError: no member, one is no :class:`TopdownParser`, numbers of classes differ, or the weights make no mean.
    """

    box_use = BoxUse.REQUIRED
    speed_options = ('max_crops_per_batch', 'one_at_a_time')

    def __init__(self, *, members: Sequence[dict], weights: Sequence[float] | None = None, one_at_a_time: bool = False,
                 max_crops_per_batch: int | None = None, postprocessor: dict | None = None,
                 data_preprocessor: dict | None = None, init_cfg: dict | None = None) -> None:
        super().__init__(data_preprocessor=data_preprocessor, postprocessor=postprocessor, init_cfg=init_cfg)
        self.weights = check_member_weights(weights, len(members))
        self.members: Any = nn.ModuleList(MODELS.build(member) for member in members)
        for index, member in enumerate(self.members):
            if not isinstance(member, TopdownParser):
                raise InputError(f'members: {index} is a {type(member).__name__}, which cuts no crops of people')
            if member.num_classes != self.num_classes:
                raise InputError(f'members: {index} has {member.num_classes} classes, and the first has {self.num_classes}')
            member.max_crops_per_batch = max_crops_per_batch or member.max_crops_per_batch
        self.one_at_a_time = one_at_a_time

    @property
    def num_classes(self) -> int:
        """C, the same for all members."""
        return self.members[0].num_classes

    @classmethod
    def classes_in(cls, model: Mapping[str, Any]) -> int:
        """C that the config of the first member states."""
        member = model['members'][0]
        return _parser_of(member).classes_in(member)

    @classmethod
    def set_test_options(cls, model: dict[str, Any], *, flip: bool | None = None, max_batch: int | None = None) -> None:
        """Write options of testing into the configs of all members, in place."""
        for member in model['members']:
            _parser_of(member).set_test_options(member, flip=flip)
        if max_batch is not None:
            model['max_crops_per_batch'] = max_batch

    @classmethod
    def set_precision(cls, model: dict[str, Any], precision: str) -> None:
        """Write the precision of the features into the configs of all members, in place."""
        for member in model['members']:
            _parser_of(member).set_precision(member, precision)

    @classmethod
    def set_merging(cls, model: dict[str, Any], *, table: Sequence[int], flip_pairs: Sequence[tuple[int, int]]) -> None:
        """Let all members merge their classes, in place."""
        for member in model['members']:
            _parser_of(member).set_merging(member, table=table, flip_pairs=flip_pairs)
        merge_calibration(model, table)

    def loss(self, inputs: Any, data_samples: list[ParsingDataSample]) -> dict[str, Any]:
        """Raises ``InputError``: members are trained alone."""
        raise InputError('ParserEnsemble: an ensemble is not trained, its members are, each by its own config')

    def _forward(self, inputs: Sequence[Tensor]) -> list[tuple[Tensor, Tensor | None]]:
        """Normalised crops (B_m, 3, h_m, w_m) of every member → what each member's bare network makes of them."""
        return [member(crops, mode='tensor') for member, crops in zip(self.members, inputs, strict=True)]

    @torch.no_grad()
    def predict(self, inputs: Sequence[Sequence[Tensor]],
                data_samples: list[ParsingDataSample]) -> list[ParsingDataSample]:
        """Parse the people in the boxes of all images.

        Args:
            inputs: for each member a uint8 tensor (N_i · S_m, 3, h_m, w_m) an image.
            data_samples: as for :meth:`TopdownParser.predict`, with the metainfo ``member_crops`` in place of ``crops``: for
                each member its N_i · S_m ``PersonCrop``.

        Raises:
            InputError: the crops do not fit the boxes, the inputs or the members.
        """
        counts = [_scales_of_members(sample, len(self.members)) for sample in data_samples]
        streams = [member.forward_crops(list(given), flip_pairs=data_samples[0].flip_pairs)
                   for member, given in zip(self.members, inputs, strict=True)]
        people = self._predictions(streams, [scales for sample, scales in zip(data_samples, counts)
                                             for _ in sample.gt_instances.bboxes])
        for sample, scales in zip(data_samples, counts):
            self._parse_people(sample, people, scales)
        return data_samples

    def _predictions(self, streams: Sequence[Iterator[tuple[Tensor, Tensor]]],
                     people: Sequence[Sequence[int]]) -> Iterator[list[Predictions]]:
        """Yield what the members say of each person, given the numbers of scales (M,) of all people.

        Memory holds the maps of one person, or, one member at a time, those of as many people as make a batch.
        """
        size = max(DEVICE_CROPS // max(people[0]), 1) if people and self.one_at_a_time else 1
        for first in range(0, len(people), size):
            group = people[first:first + size]
            taken = []
            for index, (member, stream) in enumerate(zip(self.members, streams)):
                with self._present(member):
                    taken.append([take_predictions(stream, scales[index]) for scales in group])
            for person in zip(*taken):
                yield list(person)

    @contextmanager
    def _present(self, member: TopdownParser) -> Iterator[None]:
        """While a member is on the device, alone if that is wanted."""
        if self.one_at_a_time:
            for other in self.members:
                other.to(self.data_preprocessor.device if other is member else 'cpu')
        yield

    def _parse_people(self, sample: ParsingDataSample, people: Iterator[list[Predictions]], scales: Sequence[int]) -> None:
        """Take the predictions of one image's people and write the parsing into its sample."""
        boxes = sample.gt_instances
        pasted, iou_scores = [], []
        for index in range(len(boxes.bboxes)):
            windows = [crop.window for crops, number in zip(sample.member_crops, scales)
                       for crop in crops[index * number:(index + 1) * number]]
            person, iou_score = self._paste(next(people), windows, sample.ori_shape[:2])
            pasted.append(person)
            iou_scores.append(iou_score)
        self.postprocessor.pack(sample, pasted, bboxes=boxes.bboxes, bbox_scores=boxes.bbox_scores, iou_scores=iou_scores,
                                num_classes=self.num_classes)

    def _paste(self, person: list[Predictions], windows: Sequence[Sequence[float]],
               image_shape: tuple[int, int]) -> tuple[PastedPerson, float]:
        """The person as all members see it, and its mean IoU score."""
        shares = [weight / sum(self.weights) for weight in self.weights]
        probs = [probs for predictions in person for probs, _ in predictions]
        weights = [share / len(predictions) for share, predictions in zip(shares, person) for _ in predictions]
        means = [sum(float(iou) for _, iou in predictions) / len(predictions) for predictions in person]
        pasted = self.postprocessor.paste(probs, windows, image_shape=image_shape, weights=weights)
        return pasted, sum(share * mean for share, mean in zip(shares, means))


def check_member_weights(weights: Sequence[float] | None, number: int) -> list[float]:
    """The weights of so many members; raises ``InputError`` unless they make a mean."""
    if not number:
        raise InputError('members: an ensemble needs one at least')
    given = [1.0] * number if weights is None else [float(weight) for weight in weights]
    if len(given) != number or not all(0 <= weight < float('inf') for weight in given) or not sum(given):
        raise InputError(f'weights: {given} for {count_of(number, "member")}; each needs one, none negative and not all 0')
    return given


def _parser_of(member: Mapping[str, Any]) -> type[BaseParser]:
    """The class that the config of a member names."""
    parser: Any = MODELS.get(member['type'])
    return parser


def _scales_of_members(sample: ParsingDataSample, members: int) -> list[int]:
    """How many crops of each person of an image every member has."""
    people = len(sample.gt_instances.bboxes)
    counts = [len(crops) for crops in sample.member_crops]
    if len(counts) != members or any(count % max(people, 1) or bool(count) != bool(people) for count in counts):
        raise InputError(f'member_crops: {counts} of them do not fit {members} members and {people} boxes')
    return [count // people for count in counts] if people else counts
