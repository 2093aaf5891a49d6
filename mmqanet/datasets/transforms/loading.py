"""Reading images and label maps; whatever is wrong with a file becomes a ``DataError`` that names it."""
import numpy as np
from mmcv.transforms import BaseTransform

from mmqanet.datasets.transforms.contracts import GroundTruthTransform
from mmqanet.datasets.transforms.kept import KeptMaps, KeptPictures
from mmqanet.errors import DataError
from mmqanet.functional.overlaps import distinct
from mmqanet.registry import TRANSFORMS
from mmqanet.structures.image_truth import IGNORE, read_category_map, read_sized_map, read_truth
from mmqanet.utils.images import decode_image as decode_image
from mmqanet.utils.images import read_image as read_image


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Read the image, unless it is there already.

    Required keys: img_path or img; height, width (optional, checked).
    Added keys: img ((H, W, 3) uint8 BGR, read-only where images are kept), ori_shape ((H, W)).

    Args:
        keep_mib (float): most memory in MiB for decoded images, kept for other people of an image and for later epochs; 0
            keeps none. Worker processes that are forked share it.
    """

    def __init__(self, *, keep_mib: float = 0) -> None:
        self.kept = KeptPictures(int(keep_mib * 2**20))

    def transform(self, results: dict) -> dict:
        """Read the image; raises ``DataError`` where its size is not the one that the annotation states."""
        if 'img' not in results:
            results['img'] = self._read(results['img_path'])
        shape = results['img'].shape[:2]
        if shape != (results.get('height', shape[0]), results.get('width', shape[1])):
            raise DataError(
                f'{results["img_path"]}: the image is {shape[1]}x{shape[0]}, its annotation says '
                f'{results["width"]}x{results["height"]} (width x height)')
        results['ori_shape'] = shape
        return results

    def _read(self, path: str) -> np.ndarray:
        image = self.kept.get(path)
        if image is None:
            image = read_image(path)
            self.kept.add(path, image)
            image.flags.writeable = not self.kept.store.max_bytes
        return image


@TRANSFORMS.register_module()
class LoadPersonMap(GroundTruthTransform):
    """Read the label map of the sample's one person: its classes, background everywhere else.

    When the files of an image are read, the labels of everybody in it are kept, compressed, a few hundred bytes to a few
    thousand a person. Neither the other people nor later epochs open them again.

    Required keys: category_path, human_path (optional), parsing_ids, ann_ids, bboxes, classes, num_partial_labels
    (optional), ori_shape.
    Added keys: gt_map ((H, W) uint8, 255 = ignore).

    Args:
        keep_mib (float): most memory in MiB for kept labels; 0 keeps none, so that files are read anew every time. Worker
            processes that are forked share it.
    """

    def __init__(self, *, keep_mib: float = 256) -> None:
        self.kept = KeptMaps(int(keep_mib * 2**20))

    def transform(self, results: dict) -> dict:
        """Read the person's labels; raises ``DataError`` where no labelled pixel lies in the box."""
        num_labels = len(results['classes']) + results.get('num_partial_labels', 0)
        picture = results['category_path'], results.get('human_path'), results['ori_shape'], num_labels
        labels = self.kept.get((*picture, int(results['parsing_ids'][0])))
        if labels is None:
            labels = self._read(picture, int(results['parsing_ids'][0]))
        x1, y1, x2, y2 = (max(round(side), 0) for side in results['bboxes'][0].tolist())
        inside = labels[y1:y2, x1:x2]
        if not (0 < inside.max(initial=0) < IGNORE or ((inside > 0) & (inside != IGNORE)).any()):
            raise DataError(
                f'{results.get("human_path", results["category_path"])}: annotation {results["ann_ids"][0]}: the person '
                f'with parsing_id {results["parsing_ids"][0]} has no labelled pixel in its box'
                + (', only such that are ignored (255)' if inside.any() else ''))
        results['gt_map'] = labels
        return results

    def _read(self, picture: tuple[str, str | None, tuple[int, int], int], person: int) -> np.ndarray:
        """The labels of a person; those of everybody in the picture are kept."""
        category_path, human_path, shape, num_labels = picture
        categories = read_category_map(category_path, shape=shape, num_classes=num_labels)
        if human_path is None:
            self.kept.add((*picture, person), categories)
            return categories
        people = read_sized_map(human_path, shape=shape)
        own = categories * (people == person)
        self.kept.add((*picture, person), own)
        others = people * (people != person)
        if others.any() and not self.kept.store.full:
            for other in distinct(others).tolist():
                self.kept.add((*picture, other), categories * (people == other))
        return own


@TRANSFORMS.register_module()
class LoadImageMaps(GroundTruthTransform):
    """Read the ground truth of a whole image, for the metrics.

    Required keys: category_path, human_path and instance_path (both optional), classes, num_partial_labels (optional),
    ori_shape.
    Added keys: category_map, human_map, part_map ((H, W)), gt_parts ((K, 3) int32: part id, class, human id).
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
            results['part_map'], results['gt_parts'] = truth.part, truth.parts.astype(np.int32)
        return results
