"""Clothing Co-Parsing to the prepared layout.

Reads the public repository's layout: ``photos/NAME.jpg``, ``annotations/pixel-level/NAME.mat`` (``groundtruth``, (H, W)
uint8, 0-58) and ``label_list.mat``. Every photo shows one person: the human map is ``label > 0``.

With ``labels='sides'`` also ``bodypix/NAME.png``, the body parts that :mod:`.ccp_sides` tells left and right by.

Not every annotation can be used. :func:`find_fault` holds the rules; a photo that breaks one is left out and named:

- ``size``: the annotation has another size than the photo.
- ``empty``: the person covers less than 5 % of the photo.
- ``no head``: less than 5 % of the person's top tenth is skin, hair, hat or eyewear: the head was left out.
- ``in pieces``: the labelled region falls apart, and a part holds more than a tenth as much of skin and clothes as the
  largest one: what joins them was left out. Bags and what else is held may lie apart.
- ``two people``: two large patches of hair, a tenth of the photo's width apart, with background between them.
- ``wrong tags``: leg wear or shoes cover more than a fifth of the person's top quarter, or one such tag has its centre
  in the top 35 %: 'skirt' for a face, 'jeans' for a denim jacket, 'tights' for a camisole.
- ``by eye``: seen on the picture, and caught by no rule (:data:`REJECTED`).
"""
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmqanet.datasets.ccp import CCP_CLASSES, CCP_MERGE, CCP_MERGED_CLASSES, CCP_MERGED_IDS
from mmqanet.datasets.ccp_sides import CCP_SIDES_CLASSES, CCP_SIDES_PARTIAL_LABELS
from mmqanet.errors import DataError, InputError
from mmqanet.preparation.converters.base import Converter, Split, draw_names
from mmqanet.preparation.converters.batch import Sample, UnusableSample
from mmqanet.preparation.converters.ccp_sides import read_parts, tell_sides
from mmqanet.preparation.converters.prepared import image_size
from mmqanet.utils.files import read_bytes
from mmqanet.utils.folders import visible_files
from mmqanet.utils.matlab import read_mat

REJECTED = {'0161': 'the shadow on the ground is labelled as pants'}
OFFICIAL = 1004  # photos with pixel labels
LABEL_SETS = {  # with partial labels
    'full': CCP_CLASSES, 'merged': CCP_MERGED_CLASSES, 'sides': (*CCP_SIDES_CLASSES, *CCP_SIDES_PARTIAL_LABELS)}


def _labels(*groups: str) -> np.ndarray:
    return np.array([CCP_CLASSES.index(tag) for group in groups for tag in CCP_MERGE[group]])


HEAD = _labels('skin', 'hair', 'hat', 'eyewear')
LEGS = _labels('trousers', 'shorts', 'skirt', 'hosiery', 'shoes')
HELD = np.append(_labels('bag'), CCP_CLASSES.index('accessories'))
HAIR = CCP_CLASSES.index('hair')


@dataclass(frozen=True, kw_only=True)
class CCPConverter(Converter):
    """The folder of the CCP repository.

    Args:
        labels: ``'full'`` (59 classes), ``'merged'`` (17) or ``'sides'`` (23).
        val: photos of the validation split; unusable ones among them are left out without replacement.
        seed: of the split.
    """

    labels: str = 'merged'
    val: int = 100
    seed: int = 0

    title = 'CCP'
    version = 1  # goes up with every change of rules, of REJECTED or of the merged labels as well

    def __post_init__(self) -> None:
        if self.labels not in LABEL_SETS:
            raise InputError(f'labels must be one of {sorted(LABEL_SETS)}, got {self.labels!r}')

    @property
    def splits(self) -> tuple[Split, ...]:
        """Training and validation, with their official sizes where those are known."""
        return Split('Training', 'train', OFFICIAL - self.val), Split('Validation', 'val', self.val)

    @property
    def num_classes(self) -> int:
        """C of the labels that are written, background and partial labels included."""
        return len(LABEL_SETS[self.labels])

    @property
    def settings(self) -> dict:
        """What decides on the files that are written; another run into the folder must agree with it."""
        return {'converter': 'ccp', 'version': self.version, 'labels': self.labels, 'val': self.val, 'seed': self.seed}

    def names(self, split: Split) -> list[str]:
        """The sorted names of a split's images; raises ``DataError`` where the source lacks what belongs to them."""
        check_tags(self.source / 'label_list.mat')
        names = photo_names(self.source)
        if not 0 <= self.val < len(names):
            raise InputError(f'val must be in [0, {len(names) - 1}] for {len(names)} photos, got {self.val}')
        train, held_out = draw_names(names, self.val, seed=self.seed)
        return train if split.short == 'train' else held_out

    def load(self, split: Split, name: str) -> Sample:
        """An image of the source with its maps; raises ``DataError`` where a file is missing or broken."""
        return load_photo(name, root=self.source, labels=self.labels)


def photo_names(source: Path) -> list[str]:
    """Names of the photos with a pixel annotation, sorted."""
    names = [path.stem for path in visible_files(source / 'annotations' / 'pixel-level') if path.suffix == '.mat']
    if not names:
        raise DataError(f'{source}: no .mat files in annotations/pixel-level')
    return names


def load_photo(name: str, *, root: Path, labels: str) -> Sample:
    """Read one photo and its maps.

    Raises:
        UnusableSample: the annotation breaks a rule of the module's docstring, which it names.
        DataError: a file is missing or broken.
    """
    photo = root / 'photos' / f'{name}.jpg'
    image = read_bytes(photo)
    tags = read_tags(root / 'annotations' / 'pixel-level' / f'{name}.mat')
    fault = 'by eye' if name in REJECTED else find_fault(tags, image_size(image, str(photo)))
    if fault:
        raise UnusableSample(fault)
    category = tags if labels == 'full' else np.array(CCP_MERGED_IDS, np.uint8)[tags]
    if labels == 'sides':
        category = tell_sides(category, read_parts(root / 'bodypix' / f'{name}.png', category.shape))
    return Sample(image, category, (tags > 0).astype(np.uint8))


def check_tags(path: Path) -> None:
    """Raise a ``DataError`` unless ``label_list.mat`` holds CCP's 59 tags in their order."""
    tags = tuple(map(str, np.ravel(read_mat(path, 'label_list'))))
    if tags != ('null', *CCP_CLASSES[1:]):
        raise DataError(f'{path}: not the 59 tags of CCP')


def read_tags(path: Path) -> np.ndarray:
    """Read an annotation: (H, W) uint8, 0-58."""
    tags = np.asarray(read_mat(path, 'groundtruth'))
    if tags.ndim != 2 or tags.dtype.kind not in 'ui' or tags.min(initial=0) < 0 or tags.max(initial=0) > 58:
        raise DataError(f'{path}: groundtruth must be (H, W) integers in [0, 58], got {tags.dtype} {tags.shape}')
    return tags.astype(np.uint8)


def find_fault(tags: np.ndarray, photo_size: tuple[int, int]) -> str | None:
    """The first rule of the module's docstring that an annotation breaks, or ``None``.

    Args:
        tags: (H, W) uint8, CCP's 59 labels.
        photo_size: (height, width) of the photo.
    """
    if tags.shape != photo_size:
        return 'size'
    if (tags > 0).mean() < 0.05:
        return 'empty'
    rows = np.flatnonzero((tags > 0).any(axis=1))
    top, height = rows[0], rows[-1] - rows[0] + 1
    if _share(tags[top:top + max(height // 10, 1)], HEAD) < 0.05:
        return 'no head'
    if _in_pieces(tags):
        return 'in pieces'
    if _two_people(tags):
        return 'two people'
    if _share(tags[top:top + max(height // 4, 1)], LEGS) > 0.2 or _leg_wear_on_top(tags, top, height):
        return 'wrong tags'
    return None


def _share(region: np.ndarray, labels: np.ndarray) -> float:
    """Share of the labelled pixels of a region that have one of the labels."""
    return np.isin(region, labels).sum() / max((region > 0).sum(), 1)


def _in_pieces(tags: np.ndarray) -> bool:
    _, pieces = cv2.connectedComponents((tags > 0).astype(np.uint8))
    worn = np.bincount(pieces[~np.isin(tags, HELD)])[1:]
    worn.sort()
    return len(worn) > 1 and worn[-2] > 0.1 * worn[-1]


def _two_people(tags: np.ndarray) -> bool:
    _, _, stats, centres = cv2.connectedComponentsWithStats((tags == HAIR).astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    if len(areas) < 2:
        return False
    small, large = np.argsort(areas)[-2:] + 1
    smallest = max(0.2 * stats[large, cv2.CC_STAT_AREA], 0.005 * (tags > 0).sum())
    if stats[small, cv2.CC_STAT_AREA] < smallest:
        return False
    line = np.linspace(centres[small], centres[large], 200).round().astype(int)
    apart = abs(centres[small] - centres[large])[0] > 0.1 * tags.shape[1]
    return bool(apart and (tags[line[:, 1], line[:, 0]] == 0).mean() > 0.1)


def _leg_wear_on_top(tags: np.ndarray, top: int, height: int) -> bool:
    per_row = np.apply_along_axis(np.bincount, 1, tags, minlength=len(CCP_CLASSES))[:, LEGS]
    area = per_row.sum(axis=0)
    centre = (per_row * np.arange(len(tags))[:, None]).sum(axis=0) / np.maximum(area, 1)
    return bool(((area > 0.005 * (tags > 0).sum()) & (centre < top + 0.35 * height)).any())
