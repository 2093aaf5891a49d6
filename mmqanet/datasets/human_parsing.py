"""The data set of human parsing in the prepared layout: people or images to train on, images to test on."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import MMLogger

from mmqanet.datasets.checked import CheckedDataset
from mmqanet.datasets.samplers import SeededIndex
from mmqanet.datasets.transforms.loading import LoadImageMaps, LoadPersonMap
from mmqanet.errors import DataError, InputError
from mmqanet.registry import DATASETS
from mmqanet.structures import LabelSet
from mmqanet.structures.coco_people import image_index, load_coco, load_detections, person_boxes, valid_box
from mmqanet.utils.wording import count_of

ON_INVALID = ('error', 'skip')


@DATASETS.register_module()
class HumanParsingDataset(CheckedDataset):
    """People of a COCO-style JSON with their label maps (layout: docs/datasets.md).

    The registered data sets are this class with their classes, palette and flip pairs; give the three in ``metainfo`` to
    read labels of your own without writing Python.

    Training (``test_mode=False``) yields a sample for every person, or for every image with somebody in it. Testing yields
    one for every image with all its boxes, so that an image is decoded once: the annotated boxes with score 1, or those of
    ``detection_file``.

    Args:
        ann_file (str): COCO-style JSON whose annotations carry ``parsing_id``, the person's id in the human map.
        data_root (str): folder that relative paths start from.
        data_prefix (dict): folders of ``img``, ``category``, ``human`` and ``instance`` maps. Without ``human`` all
            labelled pixels of an image belong to its one person; without ``instance`` there is no part ground truth.
        detection_file (str, optional): COCO detection JSON with the boxes to test on.
        detection_score_thr (float): detections below this score are left out.
        annotated_boxes (bool): test on the annotated boxes where there is no ``detection_file``. ``False``: samples carry no
            boxes, for parsers that find the people themselves.
        per_person (bool): a training sample is a person; ``False``: an image with all its people.
        on_invalid (str): ``'error'`` raises a :class:`DataError` at the first broken sample, ``'skip'`` leaves broken
            samples out of training and boxes without area or outside the image out of both, with a counted warning.
            What the pipeline finds broken while testing is always an error.
        metainfo (dict, optional): ``classes`` (background first), ``palette`` (RGB triples), ``flip_pairs``, and
            ``partial_labels``, a dict of names to sets of classes: with C classes, label C + i stands for one of the
            i-th set. For training alone (:class:`~mmqanet.models.PartialCrossEntropyLoss`); tests ignore them.
        pipeline (list[dict]): transforms.
        indices (int | Sequence[int], optional): take the first samples, or these.
        serialize_data (bool): hold the annotations as bytes, which worker processes share.
        test_mode (bool): samples are images instead of people.
        lazy_init (bool): read the annotations at the first use.
        max_refetch (int): most broken samples in a row that others replace where ``on_invalid='skip'``.

    Raises:
        DataError: the JSON is missing, broken, lacks a field or holds nobody; names the file and the annotation.
    """

    METAINFO: dict = dict(classes=(), palette=(), flip_pairs=())

    def __init__(
        self,
        *,
        ann_file: str,
        data_root: str = '',
        data_prefix: dict,
        detection_file: str | None = None,
        detection_score_thr: float = 0.0,
        annotated_boxes: bool = True,
        per_person: bool = True,
        on_invalid: str = 'error',
        metainfo: dict | None = None,
        pipeline: Sequence[dict] = (),
        indices: int | Sequence[int] | None = None,
        serialize_data: bool = True,
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
    ) -> None:
        if on_invalid not in ON_INVALID:
            raise InputError(f'on_invalid is {on_invalid!r}, but must be one of {ON_INVALID}')
        if detection_file and not test_mode:
            raise InputError('detection_file needs test_mode=True: training uses the annotated boxes')
        self.detection_file = detection_file
        self.detection_score_thr = detection_score_thr
        self.boxes_given = bool(detection_file) or annotated_boxes or not test_mode
        self.per_person = per_person and not test_mode
        self.on_invalid = on_invalid
        self._broken: set[int] = set()
        self._unusable: list[str] = []
        LabelSet.of(self._load_metainfo(metainfo))  # which refuses what does not fit
        super().__init__(
            ann_file=ann_file, metainfo=metainfo, data_root=data_root, data_prefix=dict(data_prefix),
            pipeline=list(pipeline), indices=indices, serialize_data=serialize_data, test_mode=test_mode,
            lazy_init=lazy_init, max_refetch=max_refetch)

    # -- annotations ---------------------------------------------------------------------------------------------------

    def load_data_list(self) -> list[dict]:
        """Read the JSON; a list of people (training) or images (testing). What is skipped is told in one counted line."""
        infos = self._read_annotations()
        if self._unusable:
            self._warn(f'skipped {count_of(len(self._unusable), "box", "boxes")}, the first: {self._unusable[0]}')
        if not infos:
            raise DataError(f'{self.ann_file}: annotations: nobody to train on, crowds and unusable boxes aside'
                            if self.per_person else f'{self.ann_file}: images: there is none')
        return infos

    def _read_annotations(self) -> list[dict]:
        content = load_coco(self.ann_file)
        images = image_index(content['images'], self.ann_file)
        annotated = self._annotated_people(content['annotations'], images)
        if self.per_person:
            return [
                {**self._image_info(images[image_id]), **self._person_info(person)}
                for image_id, people in annotated.items() for person in self._valid(people, images, self.ann_file)
                if not person['iscrowd']]
        source, people_of = self.ann_file, annotated
        if self.detection_file:
            source = str(Path(self.data_root) / self.detection_file)
            people_of = person_boxes(load_detections(source), images, source, detections=True)
        infos = []
        for image_id, image in images.items():
            people = [
                person for person in self._valid(people_of.get(image_id, []), images, source)
                if not person['iscrowd'] and person['score'] >= self.detection_score_thr]
            if people or self.test_mode:
                infos.append({**self._image_info(image), **(self._box_arrays(people) if self.boxes_given else {})})
        return infos

    def _annotated_people(self, annotations: list[dict], images: dict[int, dict]) -> dict[int, list[dict]]:
        """The people by image, as :func:`person_boxes` gives them."""
        return person_boxes(annotations, images, self.ann_file)

    def _person_info(self, person: dict) -> dict:
        """What a training sample says of its person."""
        return self._box_arrays([person])

    def _valid(self, people: list[dict], images: dict, source: str) -> list[dict]:
        """The people whose box can be cropped; the others raise or are counted, as ``on_invalid`` says."""
        good = []
        for person in people:
            fault = valid_box(person, images[person['image_id']])
            if fault is None:
                good.append(person)
                continue
            message = f'{source}: annotation {person["id"]}: {fault}'
            if self.on_invalid == 'error':
                raise DataError(message)
            self._unusable.append(message)
        return good

    def _image_info(self, image: dict) -> dict:
        name = image['file_name']
        info = dict(
            img_id=image['id'], img_path=str(Path(self.data_prefix['img']) / name), height=image['height'],
            width=image['width'], name=str(Path(name).with_suffix('')))
        for kind in ('category', 'human', 'instance'):
            if self.data_prefix.get(kind):
                info[f'{kind}_path'] = str(Path(self.data_prefix[kind]) / name).removesuffix(Path(name).suffix) + '.png'
        return info

    @staticmethod
    def _box_arrays(people: list[dict]) -> dict:
        boxes = np.array([person['bbox'] for person in people], dtype=np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        return dict(
            bboxes=boxes,
            bbox_scores=np.array([person['score'] for person in people], dtype=np.float32),
            parsing_ids=np.array([person['parsing_id'] for person in people], dtype=np.int64),
            ann_ids=np.array([person['id'] for person in people], dtype=np.int64))

    # -- samples -------------------------------------------------------------------------------------------------------

    def get_data_info(self, idx: int) -> dict:
        """The record of a sample, with what the pipeline needs of the label set: classes, flip pairs, number of
        partial labels."""
        info = super().get_data_info(int(idx))
        meta = self._metainfo  # of ``metainfo`` every look makes a deep copy
        info.update(classes=meta['classes'], flip_pairs=meta['flip_pairs'],
                    num_partial_labels=len(meta.get('partial_labels', ())))
        return info

    def get_cat_ids(self, idx: int) -> list[int]:
        """The classes that a sample shows, background, partial labels and 255 aside, read from its maps; for
        ``ClassBalancedDataset``.

        A broken sample shows none where ``on_invalid='skip'`` leaves it out.
        """
        info = self.get_data_info(idx)
        info['ori_shape'] = info['height'], info['width']
        info = {key: value for key, value in info.items() if key not in ('human_path', 'instance_path') or self.per_person}
        try:
            labels = LoadPersonMap(keep_mib=0)(info)['gt_map'] if self.per_person else LoadImageMaps()(info)['category_map']
        except DataError:
            if self.on_invalid == 'error':
                raise
            return []
        return [label for label in np.unique(labels).tolist() if 0 < label < len(info['classes'])]

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on one sample, on the random stream of its :class:`SeededIndex`.

        Returns ``None`` for a broken sample that ``on_invalid='skip'`` leaves out; mmengine then draws another. The count is
        told at 1, 2, 4, 8, ...: the file may be one of thousands.
        """
        if isinstance(idx, SeededIndex):
            idx.seed_generators()
        try:
            return super().prepare_data(idx)
        except DataError as error:
            info = self.get_data_info(idx)
            what = f'annotation {info["ann_ids"][0]}' if self.per_person else f'image {info["img_id"]}'
            message = f'{error} ({what} of {self.ann_file})'
            if self.on_invalid == 'error' or self.test_mode:
                raise DataError(message) from None
            if int(idx) not in self._broken:
                self._broken.add(int(idx))
                count = len(self._broken)
                if count & (count - 1) == 0:
                    self._warn(f'skipped {count_of(count, "broken sample")} so far in this process, the last: {message}')
                if count == len(self):
                    raise DataError(f'every sample is broken ({count} of {count}), the last: {message}') from None
            return None

    @staticmethod
    def _warn(message: str) -> None:
        MMLogger.get_current_instance().warning(message)
