"""The photos that crowds are made of: one split of a prepared data set with one person an image."""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from mmqanet.errors import DataError
from mmqanet.preparation.converters.prepared import image_size, sample_paths
from mmqanet.preparation.crowds.cutout import Cutout, cut_out
from mmqanet.utils.files import check_shape, read_bytes, read_label_map
from mmqanet.utils.folders import visible_files

# Clothing Co-Parsing, photos that show nobody but the labelled person, so that their surroundings may be a backdrop. All
# 880 were looked at; on the others unlabelled passers-by are seen, or may be.
_CCP = """
    0002 0003 0004 0006 0008 0011 0012 0013 0018 0019 0021 0025 0032 0034 0037 0039 0043 0045 0046 0049 0054 0055 0060
    0063 0065 0072 0076 0078 0079 0081 0084 0088 0092 0093 0107 0109 0117 0120 0121 0126 0130 0131 0134 0136 0139 0153
    0154 0156 0160 0163 0164 0165 0166 0169 0175 0178 0181 0182 0188 0190 0199 0200 0202 0204 0207 0215 0216 0218
    0229 0245 0246 0247 0248 0249 0258 0268 0272 0279 0280 0287 0288 0290 0293 0295 0296 0297 0300 0306 0308 0309 0310
    0311 0312 0314 0320 0323 0325 0326 0329 0330 0335 0339 0340 0341 0344 0348 0349 0351 0358 0365 0366 0368 0371
    0376 0379 0383 0396 0397 0398 0400 0403 0404 0405 0408 0412 0416 0419 0422 0425 0431 0432 0436 0445 0448 0449 0450
    0457 0461 0475 0481 0485 0486 0489 0495 0497 0498 0499 0503 0504 0509 0517 0518 0521 0526 0527 0529 0533 0534 0535
    0541 0542 0544 0547 0548 0551 0556 0561 0562 0563 0564 0566 0569 0570 0578 0581 0584 0585 0587 0588 0589 0596 0597
    0598 0599 0600 0603 0604 0606 0607 0608 0614 0617 0619 0621 0624 0627 0630 0631 0632 0638 0639 0645 0646 0648
    0649 0650 0655 0656 0659 0662 0664 0674 0684 0690 0694 0695 0696 0697 0698 0700 0702 0703 0704 0706 0709 0716 0717
    0718 0720 0721 0723 0724 0725 0733 0738 0740 0746 0748 0753 0757 0758 0760 0762 0767 0769 0771 0773 0774 0775
    0781 0783 0788 0793 0795 0799 0800 0802 0805 0806 0807 0809 0814 0817 0822 0823 0825 0828 0830 0833 0835 0836 0837
    0841 0847 0850 0852 0853 0856 0860 0861 0862 0869 0871 0880 0891 0894 0895 0896 0900 0901 0905 0909 0910 0918 0922
    0923 0929 0930 0932 0933 0937 0941 0945 0948 0952 0955 0956 0957 0959 0966 0967 0968 0973 0974 0975 0982 0984 0985
    0996 1001
"""
CCP_ALONE = frozenset(_CCP.split())

# People behind something that splits them: cut out, their legs would fly.
CCP_SPLIT = frozenset(('0870',))


@dataclass(frozen=True)
class Photo:
    """A photo of one person.

    image: (H, W, 3) uint8 BGR. mask: (H, W) bool, the person's pixels. person: the person cut out.
    """

    image: np.ndarray
    mask: np.ndarray
    person: Cutout

    def ambient(self) -> np.ndarray:
        """Mean colour (3,) of the surroundings, BGR."""
        return np.array(cv2.mean(self.image, (~self.mask).astype(np.uint8)))[:3]

    def mirrored(self, flip_pairs: Sequence[tuple[int, int]] = ()) -> 'Photo':
        """Left for right."""
        x, y = self.person.origin
        x = self.mask.shape[1] - x - self.person.alpha.shape[1]
        person = replace(self.person.mirrored(flip_pairs), origin=(x, y))
        return Photo(np.ascontiguousarray(self.image[:, ::-1]), np.ascontiguousarray(self.mask[:, ::-1]), person)


@dataclass(frozen=True)
class Photos:
    """Photos of one split.

    folder: of the split, e.g. ``CCP/Training``.
    people: names of the photos whose people may be cut out.
    backdrops: names of those whose surroundings, which must show nobody else, may be used.
    """

    folder: Path
    people: tuple[str, ...]
    backdrops: tuple[str, ...]

    def load(self, name: str) -> Photo:
        """Read a photo.

        Raises:
            DataError: a file is missing or broken, or the photo shows another number of people than one.
        """
        paths = sample_paths(self.folder, name)
        content = read_bytes(paths['Images'])
        image_size(content, str(paths['Images']))  # OpenCV fills the missing half of a truncated file with grey
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise DataError(f'{paths["Images"]}: the image cannot be read (OpenCV does not know its format)')
        human, category = read_label_map(paths['Human_ids']), read_label_map(paths['Category_ids'])
        for labels, folder in ((human, 'Human_ids'), (category, 'Category_ids')):
            check_shape(labels, image.shape[:2], paths[folder])
        people = np.unique(human[human > 0])
        if len(people) != 1:
            raise DataError(f'{paths["Human_ids"]}: crowds are made of photos of one person, this one shows {len(people)}')
        mask = human > 0
        if not category[mask].any():
            raise DataError(f'{paths["Category_ids"]}: the person has no label')
        return Photo(image, mask, cut_out(image, category.astype(np.uint8), mask))


def list_photos(folder: Path) -> tuple[str, ...]:
    """Names of a split's photos, sorted, with their sub-folders.

    Raises:
        DataError: there is none.
    """
    images = Path(folder, 'Images')
    names = sorted(path.relative_to(images).with_suffix('').as_posix() for path in visible_files(images, recursive=True)
                   if path.suffix == '.jpg')
    if not names:
        raise DataError(f'{images}: no photos (*.jpg); a converted data set with one person an image is needed')
    return tuple(names)
