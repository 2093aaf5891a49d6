"""Instances of COCO-style data sets, each a crop: what QANet's mask mode trains and tests on."""
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmqanet.datasets.checked import CheckedDataset
from mmqanet.datasets.samplers import SeededIndex
from mmqanet.errors import DataError, InputError
from mmqanet.registry import DATASETS
from mmqanet.structures.coco_people import image_index, load_coco, load_detections, valid_box


@DATASETS.register_module()
class InstanceCropDataset(CheckedDataset):
    """Boxes with a class, out of a COCO-style JSON.

    Training (``test_mode=False``) yields a sample for every annotated instance that is no crowd. Testing yields one for
    every image with all its boxes: the annotated ones with score 1, or those of ``detection_file``.

    Args:
        ann_file (str): COCO-style JSON; its categories are matched to ``classes`` by name, and others left out.
        data_root (str): folder that relative paths start from.
        data_prefix (dict): folder of ``img``.
        detection_file (str, optional): COCO detection JSON with the boxes to test on.
        detection_score_thr (float): detections below this score are left out.
        metainfo (dict): ``classes``, without background.
        pipeline (list[dict]): transforms.
        test_mode (bool): samples are images instead of instances.
        lazy_init (bool): read the annotations at the first use.
        indices, serialize_data, max_refetch: as in mmengine's ``BaseDataset``.

    Raises:
        DataError: the JSON is missing, broken or lacks a field or class, or holds nothing to train on; names the file and
            the annotation.
    """

    METAINFO: dict = dict(classes=())

    def __init__(self, *, ann_file: str, data_root: str = '', data_prefix: dict, detection_file: str | None = None,
                 detection_score_thr: float = 0.0, metainfo: dict | None = None, pipeline: Sequence[dict] = (),
                 test_mode: bool = False, lazy_init: bool = False, indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True, max_refetch: int = 1000) -> None:
        if detection_file and not test_mode:
            raise InputError('detection_file needs test_mode=True: training uses the annotated boxes')
        if not (metainfo or self.METAINFO).get('classes'):
            raise InputError('metainfo: classes are needed')
        self.detection_file = detection_file
        self.detection_score_thr = detection_score_thr
        super().__init__(ann_file=ann_file, metainfo=metainfo, data_root=data_root, data_prefix=dict(data_prefix),
                         pipeline=list(pipeline), test_mode=test_mode, lazy_init=lazy_init, indices=indices,
                         serialize_data=serialize_data, max_refetch=max_refetch)

    def load_data_list(self) -> list[dict]:
        """Read the JSON; a list of instances (training) or images (testing)."""
        content = load_coco(self.ann_file)
        images = image_index(content['images'], self.ann_file)
        labels = self._labels(content)
        if not self.test_mode:
            found = [one for one in self._read(content['annotations'], images, labels, self.ann_file)
                     if not one.get('iscrowd')]
            if not found:
                raise DataError(f'{self.ann_file}: annotations: nothing to train on, crowds and unusable boxes aside')
            return [{**self._image_info(images[one['image_id']]), **_arrays([one]), 'segmentation': one['segmentation']}
                    for one in found]
        source, listed = self.ann_file, content['annotations']
        if self.detection_file:
            source = str(Path(self.data_root) / self.detection_file)
            listed = [one for one in load_detections(source) if one.get('score', 0) >= self.detection_score_thr]
        of_image = defaultdict(list)
        for one in self._read(listed, images, labels, source):
            if not one.get('iscrowd'):
                of_image[one['image_id']].append(one)
        return [{**self._image_info(image), **_arrays(of_image[image_id])} for image_id, image in images.items()]

    def _labels(self, content: dict) -> dict[int, int]:
        """Class from 0 by category id."""
        by_name = {category.get('name'): category.get('id') for category in content.get('categories', [])}
        lacking = [name for name in self.metainfo['classes'] if name not in by_name]
        if lacking:
            raise DataError(f'{self.ann_file}: no category {lacking[0]!r}')
        return {by_name[name]: label for label, name in enumerate(self.metainfo['classes'])}

    def _read(self, listed: Sequence[dict], images: dict[int, dict], labels: dict[int, int], source: str) -> list[dict]:
        """The usable ones of annotations or detections, with their ``label``."""
        fields = ('image_id', 'category_id', 'bbox', *(() if self.test_mode else ('segmentation',)))
        found = []
        for position, one in enumerate(listed):
            name = one.get('id', position)
            missing = [field for field in fields if field not in one]
            if missing:
                raise DataError(f'{source}: annotation {name}: field {missing[0]!r} is missing')
            if one['image_id'] not in images:
                raise DataError(f'{source}: annotation {name}: image_id {one["image_id"]} is not among the images')
            box = {'area': 1, **one}
            if one['category_id'] in labels and valid_box(box, images[one['image_id']]) is None:
                found.append({'id': name, **one, 'label': labels[one['category_id']]})
        return found

    def _image_info(self, image: dict) -> dict:
        return dict(img_id=image['id'], img_path=str(Path(self.data_prefix['img']) / image['file_name']),
                    height=image['height'], width=image['width'], name=str(Path(image['file_name']).with_suffix('')),
                    flip_pairs=())

    def get_cat_ids(self, idx: int) -> list[int]:
        """The classes of a sample's instances; for ``ClassBalancedDataset``."""
        return sorted(set(self.get_data_info(int(idx))['labels'].tolist()))

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on one sample, on the random stream of its :class:`SeededIndex`."""
        if isinstance(idx, SeededIndex):
            idx.seed_generators()
        try:
            return super().prepare_data(idx)
        except DataError as error:
            raise DataError(f'{self.ann_file}: {error}') from None


def _arrays(found: list[dict]) -> dict:
    boxes = np.array([one['bbox'] for one in found], dtype=np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return dict(
        bboxes=boxes, bbox_scores=np.array([one.get('score', 1.0) for one in found], dtype=np.float32),
        labels=np.array([one['label'] for one in found], dtype=np.int64),
        ann_ids=np.array([one['id'] for one in found], dtype=np.int64))
