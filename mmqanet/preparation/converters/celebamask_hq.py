"""CelebAMask-HQ to the prepared layout.

Reads ``CelebA-HQ-img/N.jpg``, ``CelebAMask-HQ-mask-anno/FOLDER/NNNNN_PART.png`` (a binary mask a part, absent where the part
is; FOLDER is N // 2000; ``CelebAMaskHQ-mask-anno`` is read as well) and ``CelebA-HQ-to-CelebA-mapping.txt``, by whose column
orig_idx the pictures are split as CelebA is. Masks are painted in the order of the official list, later over earlier, and
enlarged to the picture's size. Parts are matched to classes by name.
"""
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmqanet.datasets.faces import CelebAMaskHQDataset
from mmqanet.errors import DataError
from mmqanet.preparation.converters.base import Converter, Split, find
from mmqanet.preparation.converters.batch import Sample
from mmqanet.preparation.converters.faces import head_sample, read_masks
from mmqanet.preparation.converters.prepared import image_size
from mmqanet.utils.files import read_bytes

CLASSES = CelebAMaskHQDataset.METAINFO['classes']
PARTS = {
    'skin': 'skin', 'nose': 'nose', 'eye_g': 'glasses', 'l_eye': 'left-eye', 'r_eye': 'right-eye', 'l_brow': 'left-brow',
    'r_brow': 'right-brow', 'l_ear': 'left-ear', 'r_ear': 'right-ear', 'mouth': 'inner-mouth', 'u_lip': 'upper-lip',
    'l_lip': 'lower-lip', 'hair': 'hair', 'hat': 'hat', 'ear_r': 'earring', 'neck_l': 'necklace', 'neck': 'neck',
    'cloth': 'cloth'}  # of the files, in the order of painting, to classes
ENDS = dict(train=162_771, val=182_638, test=10**9)  # of CelebA's splits, in orig_idx
A_FOLDER = 2000  # pictures
MOST_DIGITS = 9  # of the number of a picture


@dataclass(frozen=True, kw_only=True)
class CelebAMaskHQConverter(Converter):
    """The folder CelebAMask-HQ, or one that holds it."""

    title = 'CelebAMask-HQ'
    num_classes = len(CLASSES)
    splits = (Split('Training', 'train', 24183), Split('Validation', 'val', 2993), Split('Testing', 'test', 2824))

    def names(self, split: Split) -> list[str]:
        """The numbers of a split's pictures; raises ``DataError`` where the source lacks what belongs to them."""
        find(self.source, 'CelebA-HQ-img')
        self._masks()
        path = find(self.source, 'CelebA-HQ-to-CelebA-mapping.txt')
        begin = dict(train=0, val=ENDS['train'], test=ENDS['val'])[split.short]
        return [str(number) for number, original in read_mapping(path) if begin <= original < ENDS[split.short]]

    def load(self, split: Split, name: str) -> Sample:
        """A picture with its labels; raises ``DataError`` where a file is missing or broken."""
        image = find(self.source, 'CelebA-HQ-img') / f'{name}.jpg'
        size = image_size(read_bytes(image), str(image))
        start = self._masks() / str(int(name) // A_FOLDER) / f'{int(name):05d}_'
        paths = {start.with_name(f'{start.name}{part}.png'): CLASSES.index(label) for part, label in PARTS.items()}
        there = [path for path in paths if path.is_file()]
        if not there:
            raise DataError(f'{start}*.png: no mask of this picture')
        masks = read_masks(there)
        category = np.zeros(masks[0].shape, np.uint8)
        for path, mask in zip(there, masks):
            category[mask > 0] = paths[path]
        return head_sample(image, cv2.resize(category, size[::-1], interpolation=cv2.INTER_NEAREST), CLASSES, where=image)

    def _masks(self) -> Path:
        try:
            return find(self.source, 'CelebAMask-HQ-mask-anno')
        except DataError:
            return find(self.source, 'CelebAMaskHQ-mask-anno')


def read_mapping(path: Path) -> list[tuple[int, int]]:
    """(number in CelebA-HQ, number in CelebA) of each line but the first."""
    rows = []
    for line, text in enumerate(read_bytes(path).decode('utf-8', 'replace').splitlines()[1:], 2):
        words = text.split()
        if not words:
            continue
        if len(words) < 2 or not all(word.isdecimal() and word.isascii() and len(word) <= MOST_DIGITS for word in words[:2]):
            raise DataError(f'{path}:{line}: {text[:100]!r} is not "idx orig_idx orig_file"')
        rows.append((int(words[0]), int(words[1])))
    return rows
