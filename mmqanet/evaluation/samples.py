"""Reading the data samples that mmengine hands to a metric (dicts of a ``ParsingDataSample``) into plain arrays."""
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.records import People
from mmqanet.evaluation.submission import Submission, make_submission
from mmqanet.functional.average_precision import INSTANCE_THRESHOLD
from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.functional.people import CroppedPeople
from mmqanet.structures.image_truth import ImageTruth


def sample_name(sample: dict) -> str:
    """What identifies the sample's image in messages and files: its name (with sub-folder), path or id."""
    for key in ('name', 'img_path', 'img_id'):
        if sample.get(key) is not None:
            return str(sample[key])
    raise DataError('a data sample carries neither name, img_path nor img_id')


def sample_identity(sample: dict) -> str:
    """What tells the sample's image from all others: names may repeat in data sets that are joined, paths do not."""
    return str(sample['img_path']) if sample.get('img_path') is not None else sample_name(sample)


def truth_of(sample: dict, *, name: str) -> ImageTruth:
    """The annotation; a DataError names the image if it has no ground-truth maps."""
    maps = sample.get('gt_maps') or {}
    if 'category' not in maps:
        raise DataError(f'{name}: the data sample has no ground-truth maps (gt_maps.category)')
    return ImageTruth(
        category=_image_map(maps['category'], name, 'gt_maps.category'),
        human=_image_map(maps['human'], name, 'gt_maps.human') if 'human' in maps else None,
        part=_image_map(maps['part'], name, 'gt_maps.part') if 'part' in maps else None,
        parts=_array(sample['gt_parts']).reshape(-1, 3) if sample.get('gt_parts') is not None else None)


def read_prediction(sample: dict, *, name: str, image_only: bool = False) -> tuple[ImageParsing, People | None] | None:
    """The prediction and the people that AP^p and PCP compare, or None where nobody was predicted.

    ``pred_instances.kept`` (N,) bool, where present, says who survived the parsing NMS and so enters AP^p and PCP;
    without it everybody does. Of them, people below the sample's ``instance_score_thr`` (0.01 where it has none) are left
    out.

    Args:
        image_only: read no more than the category map; then there are no people to compare.
    """
    people = sample.get('pred_instances')
    if people is None:
        raise DataError(f'{name}: the data sample has no pred_instances')
    if not len(people.get('qualities', people.get('label_maps', ()))):
        return None
    maps = _field(sample, 'pred_maps', name)
    category = _image_map(_field(maps, 'category', name), name, 'pred_maps.category')
    if image_only:
        return ImageParsing.of_nobody(category), None
    parsing, crops = read_parsing(sample, name=name)
    assert parsing.person_scores is not None
    kept = np.flatnonzero(_array(people['kept'])) if 'kept' in people else np.arange(len(crops))
    return parsing, People(
        crops.take(kept), parsing.person_scores[kept],
        score_thr=float(sample.get('instance_score_thr', INSTANCE_THRESHOLD)))


def read_submission_sample(sample: dict, *, name: str) -> Submission | None:
    """The prediction as the official files hold it, or None where nobody was predicted."""
    people = sample.get('pred_instances')
    if people is None or not len(people.get('qualities', ())):
        read_prediction(sample, name=name)  # which says what is missing
        return None
    return make_submission(*read_parsing(sample, name=name))


def read_parsing(sample: dict, *, name: str) -> tuple[ImageParsing, CroppedPeople]:
    """The predicted image and its people, whole; a DataError names the image if something is missing or inconsistent."""
    people, maps, parts = (_field(sample, key, name) for key in ('pred_instances', 'pred_maps', 'pred_parts'))
    qualities = _array(_field(people, 'qualities', name))
    category, human, part = (
        _image_map(_field(maps, key, name), name, f'pred_maps.{key}') for key in ('category', 'human', 'part'))
    if human.max(initial=0) > len(qualities):
        raise DataError(f'{name}: pred_maps.human holds id {human.max()}, but there are {len(qualities)} people')
    label_maps = [_array(label_map) for label_map in _field(people, 'label_maps', name)]
    try:
        crops = CroppedPeople(label_maps, _array(_field(people, 'offsets', name)), (category.shape[0], category.shape[1]))
    except InputError as error:
        raise DataError(f'{name}: {error}') from None
    labels = _array(_field(parts, 'labels', name))
    return ImageParsing(
        category=category, human=human, part=part, part_labels=labels, part_scores=_array(_field(parts, 'scores', name)),
        part_people=_array(parts['people']) if 'people' in parts else np.full(len(labels), -1),
        person_scores=qualities), crops


def _field(container: dict, key: str, name: str) -> Any:
    if container.get(key) is None:
        raise DataError(f'{name}: the prediction lacks {key!r}')
    return container[key]


def _image_map(values: Tensor | ArrayLike, name: str, field: str) -> np.ndarray:
    array = _array(values)
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2 or array.dtype.kind not in 'iu':
        raise DataError(f'{name}: {field} must be (1, H, W) integers, got {array.shape} {array.dtype}')
    return array


def _array(values: Tensor | ArrayLike) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
