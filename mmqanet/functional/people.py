"""The people of an image as crops of their label maps, since most of an image is background to each of them.

Letters: N people, G annotated people, C classes with background as class 0, H, W the image, h, w a crop.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmqanet.errors import InputError
from mmqanet.functional.overlaps import check_classes, class_ious, clip_labels, histogram, ranks, runs


@dataclass(frozen=True, eq=False)
class CroppedPeople:
    """N people, each with a crop of its label map. Outside its crop a person is background.

    Args:
        label_maps: N arrays (h_i, w_i) uint8, classes in [0, C).
        offsets: (N, 2) int64, the (y, x) of each crop's first pixel in the image.
        image_shape: (H, W).

    Raises:
        InputError: the lengths differ, a crop is no uint8 map or leaves the image; names the argument.
    """

    label_maps: Sequence[np.ndarray]
    offsets: np.ndarray
    image_shape: tuple[int, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, 'offsets', np.asarray(self.offsets, dtype=np.int64).reshape(-1, 2))
        if len(self.offsets) != len(self.label_maps):
            raise InputError(f'offsets has {len(self.offsets)} rows for {len(self.label_maps)} label_maps')
        for index, (label_map, (y, x)) in enumerate(zip(self.label_maps, self.offsets)):
            if label_map.ndim != 2 or label_map.dtype != np.uint8:
                raise InputError(f'label_maps[{index}] must be (h, w) uint8, got {label_map.shape} {label_map.dtype}')
            height, width = label_map.shape
            if y < 0 or x < 0 or y + height > self.image_shape[0] or x + width > self.image_shape[1]:
                raise InputError(f'label_maps[{index}], {height} x {width} at ({y}, {x}), leaves the image of '
                                 f'{self.image_shape[0]} x {self.image_shape[1]}')

    @classmethod
    def nobody(cls, image_shape: tuple[int, int]) -> 'CroppedPeople':
        """An image (H, W) without people."""
        return cls([], np.zeros((0, 2), dtype=np.int64), image_shape)

    @classmethod
    def whole(cls, maps: Sequence[np.ndarray], image_shape: tuple[int, int]) -> 'CroppedPeople':
        """People whose maps are as large as the image."""
        return cls(list(maps), np.zeros((len(maps), 2), dtype=np.int64), image_shape)

    def __len__(self) -> int:
        return len(self.label_maps)

    @property
    def stops(self) -> np.ndarray:
        """(N, 2) int64, the (y, x) after each crop's last pixel."""
        return self.offsets + np.array([label_map.shape for label_map in self.label_maps], dtype=np.int64).reshape(-1, 2)

    def take(self, indices: Sequence[int] | np.ndarray) -> 'CroppedPeople':
        """Some of the people."""
        return CroppedPeople([self.label_maps[index] for index in indices],
                             self.offsets[np.asarray(indices, dtype=np.int64)], self.image_shape)

    def window(self, index: int) -> tuple[slice, slice]:
        """Where a person's crop lies in the image."""
        (y1, x1), (y2, x2) = self.offsets[index], self.offsets[index] + self.label_maps[index].shape
        return slice(y1, y2), slice(x1, x2)

    def full(self, index: int) -> np.ndarray:
        """A person's (H, W) label map."""
        image = np.zeros(self.image_shape, dtype=np.uint8)
        image[self.window(index)] = self.label_maps[index]
        return image

    def common_windows(self, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
        """The label maps of two people where their crops overlap; without an overlap both are empty."""
        start = np.maximum(self.offsets[a], self.offsets[b])
        stop = np.minimum(*(self.offsets[i] + self.label_maps[i].shape for i in (a, b))).clip(start)
        one, other = (label_map[tuple(slice(*ends) for ends in zip(start - offset, stop - offset))]
                      for label_map, offset in ((self.label_maps[i], self.offsets[i]) for i in (a, b)))
        return one, other

    def mask_in(self, index: int, window: tuple[slice, slice]) -> np.ndarray:
        """Where a person lies in a window of the image, bool."""
        corner = np.array([side.start for side in window])
        shape = tuple(side.stop - side.start for side in window)
        mask = np.zeros(shape, dtype=bool)
        start = np.maximum(self.offsets[index], corner)
        stop = np.minimum(self.offsets[index] + self.label_maps[index].shape, corner + shape)
        if (stop > start).all():
            inner, outer = (tuple(slice(*ends) for ends in zip(start - origin, stop - origin))
                            for origin in (corner, self.offsets[index]))
            mask[inner] = self.label_maps[index][outer] > 0
        return mask

    def extents(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """The rows and columns [y1, y2) × [x1, x2) that people's maps span, as (P, 4) int64 rows (y1, x1, y2, x2).

        None of the maps may be empty. The whole map counts, also where others hide it: the official files state this box.
        """
        extents = np.zeros((len(indices), 4), dtype=np.int64)
        for row, index in zip(extents, indices):
            ys, xs = (np.flatnonzero(self.label_maps[index].any(axis=axis)) for axis in (1, 0))
            row[:] = ys[0], xs[0], ys[-1] + 1, xs[-1] + 1
            row += np.tile(self.offsets[index], 2)
        return extents

    def areas(self, num_classes: int) -> np.ndarray:
        """Pixels of each class in each person's map, (N, C) int64; what lies outside a crop counts as background."""
        areas = np.zeros((len(self), num_classes), dtype=np.int64)
        for row, label_map in zip(areas, self.label_maps):
            (labels,), lengths = runs(label_map)
            row[:] = histogram(labels, lengths, num_classes)
        areas[:, 0] = self.image_shape[0] * self.image_shape[1] - areas[:, 1:].sum(axis=1)
        return areas

    def check(self, num_classes: int, **scores: np.ndarray) -> None:
        """Raise an InputError that names what does not fit: a class outside [0, C), scores by name that are not N rows or
        not finite."""
        for name, values in scores.items():
            if len(values) != len(self):
                raise InputError(f'{name} has {len(values)} rows for {len(self)} label_maps')
            if not np.isfinite(values).all():
                raise InputError(f'{name} must be finite')
        for index, label_map in enumerate(self.label_maps):
            check_classes(label_map, num_classes, name=f'label_maps[{index}]')


def people_class_ious(people: CroppedPeople, category: np.ndarray, human: np.ndarray, person_ids: np.ndarray,
                      num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Per-class IoUs, over the whole image, of each predicted with each annotated person.

    An annotated person's map is ``category * (human == id)``; its pixels whose category lies outside [0, C) are left
    out of that person's comparisons, other people have background there.

    Args:
        people: N predicted ones.
        category, human: (H, W) annotated class and person id of every pixel.
        person_ids: (G,) ids of the annotated people.
        num_classes: C.

    Returns:
        (N, G, C) float64, NaN where a class is in neither map; and (G, C) int64, the pixels of each annotated person's
        classes.
    """
    person_ids = np.asarray(person_ids, dtype=np.int64)
    num_rows, bins = len(person_ids) + 1, num_classes + 1  # row 0 is nobody, the last bin labels outside [0, C)
    (labels, humans), lengths = runs(category, human)
    codes = ranks(humans, person_ids) * bins + clip_labels(labels, num_classes)
    areas = histogram(codes, lengths, num_rows, bins)[1:]
    ignored = areas[:, num_classes]
    label_areas = areas[:, :num_classes].copy()
    label_areas[:, 0] = category.size - ignored - label_areas[:, 1:].sum(axis=1)

    ious = np.empty((len(people), len(person_ids), num_classes))
    for index, label_map in enumerate(people.label_maps):
        window = people.window(index)
        (preds, labels, humans), lengths = runs(label_map, category[window], human[window])
        codes = (ranks(humans, person_ids) * bins + clip_labels(labels, num_classes)) * num_classes + preds
        joint = histogram(codes, lengths, num_rows, bins, num_classes)
        totals = joint.sum(axis=(0, 1))
        totals[0] += category.size - label_map.size
        joint = joint[1:]
        joint[:, :, 0] = 0  # where the person predicts background is what remains of each area, in the crop or not
        pred_areas = totals - joint[:, num_classes]
        pred_areas[:, 0] -= ignored - joint[:, num_classes].sum(axis=1)
        inter = np.diagonal(joint, axis1=1, axis2=2).copy()
        missed = areas[:, 1:num_classes] - joint[:, 1:num_classes].sum(axis=2)
        inter[:, 0] = pred_areas[:, 0] - missed.sum(axis=1)
        ious[index] = class_ious(inter, label_areas + pred_areas - inter)
    return ious, label_areas
