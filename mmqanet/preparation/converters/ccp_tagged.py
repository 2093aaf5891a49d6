"""The photos of Clothing Co-Parsing that have tags only: picture, tags and where the person stands.

Reads ``photos_tagged/NAME.*``, ``annotations/image-level/NAME.mat`` (``tags``, of the 59, 0 for the background) and
``bodypix/NAME.png``, body parts as :mod:`.ccp_sides` describes them. The largest connected region of these is the person.
"""
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmqanet.datasets.ccp import CCP_CLASSES
from mmqanet.errors import DataError
from mmqanet.preparation.converters.batch import UnusableSample
from mmqanet.preparation.converters.ccp_sides import read_parts
from mmqanet.preparation.converters.portraits import read_photo
from mmqanet.utils.folders import visible_files
from mmqanet.utils.matlab import read_mat

_LEAST = 0.02  # of the photo: a smaller person is a slip of the body parts
_MARGIN = 0.03  # of the box: body parts are coarse


@dataclass(frozen=True)
class TaggedPhoto:
    """A photo with its tags.

    image: (H, W, 3) uint8 BGR.
    tags: labels of CCP's 59, without background.
    box: (4,) float32 xyxy of the person.
    parts: (H, W) uint8, 0 background, k + 1 for part k of BodyPix.
    """

    image: np.ndarray
    tags: tuple[int, ...]
    box: np.ndarray
    parts: np.ndarray


def tagged_names(source: Path) -> list[str]:
    """Names of the photos with tags, sorted."""
    names = [path.stem for path in visible_files(source / 'annotations' / 'image-level') if path.suffix == '.mat']
    if not names:
        raise DataError(f'{source}: no .mat files in annotations/image-level')
    return names


def load_tagged(source: Path, name: str) -> TaggedPhoto:
    """Read one photo.

    Raises:
        UnusableSample: no person is found in it.
        DataError: a file is missing or broken.
    """
    image = read_photo(source / 'photos_tagged', name)
    parts = read_parts(source / 'bodypix' / f'{name}.png', image.shape[:2])
    tags = read_photo_tags(source / 'annotations' / 'image-level' / f'{name}.mat')
    return TaggedPhoto(image, tags, person_box(parts), parts)


def read_photo_tags(path: Path) -> tuple[int, ...]:
    """The tags of a photo, ascending, without background."""
    tags = np.asarray(read_mat(path, 'tags'))
    if tags.dtype.kind not in 'ui' or tags.min(initial=0) < 0 or tags.max(initial=0) >= len(CCP_CLASSES):
        raise DataError(f'{path}: tags must be integers in [0, {len(CCP_CLASSES) - 1}], got {tags.dtype}')
    return tuple(sorted({int(tag) for tag in tags.ravel()} - {0}))


def person_box(parts: np.ndarray) -> np.ndarray:
    """The box (4,) float32 xyxy of the largest region of body parts (H, W), with a little room.

    Raises:
        UnusableSample: it covers less than 2 % of the photo.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats((parts > 0).astype(np.uint8))
    people = stats[1:]
    if not len(people) or people[:, cv2.CC_STAT_AREA].max() < _LEAST * parts.size:
        raise UnusableSample('nobody found')
    x, y, width, height = people[people[:, cv2.CC_STAT_AREA].argmax(), :4].astype(float)
    room = _MARGIN * np.array([width, height])
    corners = np.array([[x, y], [x + width, y + height]]) + [-room, room]
    return corners.clip(0, parts.shape[::-1]).reshape(4).astype(np.float32)
