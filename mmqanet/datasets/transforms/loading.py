"""Reading images and label maps; whatever is wrong with a file becomes a ``DataError`` that names it."""
import zlib
from collections.abc import Hashable

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmqanet.datasets.transforms.contracts import GroundTruthTransform
from mmqanet.errors import DataError
from mmqanet.registry import TRANSFORMS
from mmqanet.structures.image_truth import IGNORE, read_category_map, read_sized_map, read_truth
from mmqanet.utils.images import decode_image as decode_image
from mmqanet.utils.images import read_image as read_image


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Read the image, unless it is there already.

    Required keys: img_path or img; height, width (optional, checked).
    Added keys: img ((H, W, 3) uint8 BGR), ori_shape ((H, W)).
    """

    def transform(self, results: dict) -> dict:
        """Read the image; raises ``DataError`` where its size is not the one that the annotation states."""
        if 'img' not in results:
            results['img'] = read_image(results['img_path'])
        shape = results['img'].shape[:2]
        if shape != (results.get('height', shape[0]), results.get('width', shape[1])):
            raise DataError(
                f'{results["img_path"]}: the image is {shape[1]}x{shape[0]}, its annotation says '
                f'{results["width"]}x{results["height"]} (width x height)')
        results['ori_shape'] = shape
        return results


@TRANSFORMS.register_module()
class LoadPersonMap(GroundTruthTransform):
    """Read the label map of the sample's one person: its classes, background everywhere else.

    A person's labels are kept, compressed, for the next epoch, which then opens no label file. They are a few hundred bytes
    to a few thousand a person. Every worker process keeps its own.

    Required keys: category_path, human_path (optional), parsing_ids, ann_ids, classes, num_partial_labels (optional),
    ori_shape.
    Added keys: gt_map ((H, W) uint8, 255 = ignore).

    Args:
        keep_mib (float): most memory in MiB for kept labels; 0 keeps none, so that files are read anew every time.
    """

    def __init__(self, *, keep_mib: float = 256) -> None:
        self.kept = KeptMaps(int(keep_mib * 2**20))

    def transform(self, results: dict) -> dict:
        """Read the person's labels; raises ``DataError`` where no labelled pixel lies in the box."""
        key = (results['category_path'], results.get('human_path'), int(results['parsing_ids'][0]), results['ori_shape'],
               results['bboxes'][0].tobytes(), len(results['classes']), results.get('num_partial_labels', 0))
        labels = self.kept.get(key)
        if labels is None:
            labels = self._read(results)
            self.kept.add(key, labels)
        results['gt_map'] = labels
        return results

    def _read(self, results: dict) -> np.ndarray:
        shape, num_labels = results['ori_shape'], len(results['classes']) + results.get('num_partial_labels', 0)
        labels = read_category_map(results['category_path'], shape=shape, num_classes=num_labels)
        if 'human_path' in results:
            labels = labels * (read_sized_map(results['human_path'], shape=shape) == results['parsing_ids'][0])
        x1, y1, x2, y2 = np.round(results['bboxes'][0]).astype(int).clip(0)
        inside = labels[y1:y2, x1:x2]
        if not ((inside > 0) & (inside != IGNORE)).any():
            raise DataError(
                f'{results.get("human_path", results["category_path"])}: annotation {results["ann_ids"][0]}: the person '
                f'with parsing_id {results["parsing_ids"][0]} has no labelled pixel in its box'
                + (', only such that are ignored (255)' if inside.any() else ''))
        return labels


class KeptMaps:
    """Label maps (H, W) uint8 that are background but for one window each: the window is kept, compressed.

    Args:
        max_bytes: of all that is kept; what would pass it is not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.bytes = max_bytes, 0
        self._windows: dict[Hashable, tuple[tuple[int, int], tuple[int, int, int, int], bytes]] = {}

    def get(self, key: Hashable) -> np.ndarray | None:
        """A copy of a map, (H, W) uint8; ``None`` if it is not kept."""
        if key not in self._windows:
            return None
        shape, (x, y, width, height), content = self._windows[key]
        labels: np.ndarray = np.zeros(shape, np.uint8)
        labels[y:y + height, x:x + width] = np.frombuffer(zlib.decompress(content), np.uint8).reshape(height, width)
        return labels

    def add(self, key: Hashable, labels: np.ndarray) -> None:
        """Keep a map, if there is room."""
        x, y, width, height = cv2.boundingRect(labels)
        content = zlib.compress(labels[y:y + height, x:x + width].tobytes(), 1)
        if self.bytes + len(content) <= self.max_bytes:
            self.bytes += len(content)
            self._windows[key] = (labels.shape[0], labels.shape[1]), (x, y, width, height), content


@TRANSFORMS.register_module()
class LoadImageMaps(GroundTruthTransform):
    """Read the ground truth of a whole image, for the metrics.

    Required keys: category_path, human_path and instance_path (both optional), classes, num_partial_labels (optional),
    ori_shape.
    Added keys: category_map, human_map, instance_map ((H, W)), gt_parts ((K, 3) int32: part id, class, human id).
    """

    def transform(self, results: dict) -> dict:
        """Read the maps and the table of parts that the sample has paths for."""
        truth = read_truth(
            results['category_path'], results.get('human_path'), results.get('instance_path'),
            num_classes=len(results['classes']), num_partial_labels=results.get('num_partial_labels', 0),
            shape=results['ori_shape'])
        results['category_map'] = truth.category
        if truth.human is not None:
            results['human_map'] = truth.human
        if truth.parts is not None:
            results['instance_map'], results['gt_parts'] = truth.instance, truth.parts.astype(np.int32)
        return results
