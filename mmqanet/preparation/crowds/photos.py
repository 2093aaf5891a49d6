"""The photos that crowds are made of: one split of a prepared data set with one person an image."""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from mmqanet.errors import DataError
from mmqanet.preparation.converters.prepared import sample_paths
from mmqanet.preparation.crowds.cutout import Cutout, cut_out
from mmqanet.utils.files import check_shape, read_bytes, read_label_map


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
        image = cv2.imdecode(np.frombuffer(read_bytes(paths['Images']), np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise DataError(f'{paths["Images"]}: the image cannot be read')
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
    names = sorted(path.relative_to(images).with_suffix('').as_posix() for path in images.rglob('*.jpg'))
    if not names:
        raise DataError(f'{images}: no photos (*.jpg); a converted data set with one person an image is needed')
    return tuple(names)
