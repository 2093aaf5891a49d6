"""Close portraits with coarse labels to the prepared layout: partial labels of the shipped parser's label set.

Reads ``photos/NAME.*``, ``labels/NAME.png`` (0 background, 1 hair, 2 clothing of any kind, 3 skin, 255 unknown) and
``bodypix/NAME.png``, body parts as :mod:`.ccp_sides` describes them. Labels and parts come from networks, so they are joined
with care (:func:`join`): what they contradict each other on is ignored.
"""
import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from mmqanet.datasets.ccp_sides import CCP_SIDES_CLASSES
from mmqanet.errors import DataError, InputError
from mmqanet.preparation.converters.base import Converter, Split, draw_names
from mmqanet.preparation.converters.batch import Sample, UnusableSample
from mmqanet.preparation.converters.ccp_sides import PARTIAL, REGIONS, read_parts
from mmqanet.preparation.converters.prepared import refuse_turned
from mmqanet.utils.files import check_shape, read_bytes, read_label_map
from mmqanet.utils.folders import visible_files
from mmqanet.utils.formats import known_formats

IGNORE = 255
HAIR, CLOTHING, SKIN = 1, 2, 3  # of the labels that are read
FACE_PARTS = [part + 1 for part in REGIONS['face']]
_EYE_LINE = 0.6  # of the face's height: glasses do not hang lower
_LEAST = 0.02  # of the picture: a smaller face is none


@dataclass(frozen=True, kw_only=True)
class PortraitsConverter(Converter):
    """A folder of portraits.

    Args:
        val: photos of the validation split.
        seed: of the split.
        glasses: names of the photos whose person wears glasses; ``None`` where nobody looked.
    """

    val: int = 100
    seed: int = 0
    glasses: frozenset[str] | None = None

    title = 'portraits'

    @property
    def splits(self) -> tuple[Split, ...]:
        """Training and validation, with their official sizes where those are known."""
        return Split('Training', 'train'), Split('Validation', 'val')

    @property
    def num_classes(self) -> int:
        """C of the labels that are written, background and partial labels included."""
        return len(CCP_SIDES_CLASSES) + len(PARTIAL)

    @property
    def settings(self) -> dict:
        """What decides on the files that are written; another run into the folder must agree with it."""
        glasses = None if self.glasses is None else sorted(self.glasses)
        return {**super().settings, 'val': self.val, 'seed': self.seed, 'glasses': glasses}

    def names(self, split: Split) -> list[str]:
        """The sorted names of a split's images; raises ``DataError`` where the source lacks what belongs to them."""
        names = [path.stem for path in visible_files(self.source / 'labels') if path.suffix == '.png']
        if not names:
            raise DataError(f'{self.source}: no .png files in labels')
        if not 0 <= self.val < len(names):
            raise InputError(f'val must be in [0, {len(names) - 1}] for {len(names)} photos, got {self.val}')
        return draw_names(names, self.val, seed=self.seed)[split.short == 'val']

    def load(self, split: Split, name: str) -> Sample:
        """An image of the source with its maps; raises ``DataError`` where a file is missing or broken."""
        image = read_photo(self.source / 'photos', name)
        path = self.source / 'labels' / f'{name}.png'
        labels = read_label_map(path)
        check_shape(labels, image.shape[:2], path)
        glasses = None if self.glasses is None else name in self.glasses
        joined = join(labels, read_parts(self.source / 'bodypix' / f'{name}.png', labels.shape), glasses=glasses)
        if joined is None:
            raise UnusableSample('no face')
        jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
        person = labels > 0  # the unknown as well: outside of the person all is background
        return Sample(jpeg, joined, person.astype(np.uint8))


def read_photo(folder: Path, name: str) -> np.ndarray:
    """The photo (H, W, 3) uint8 BGR of that name, whatever its format.

    Raises:
        DataError: there is none or several, it is not a whole picture, or it is stored turned (EXIF).
    """
    paths = sorted(folder.glob(f'{name}.*'))
    if len(paths) != 1:
        raise DataError(f'{folder}: {len(paths)} files called {name}, but one is needed')
    content = read_bytes(paths[0])
    try:
        with Image.open(io.BytesIO(content), formats=known_formats()) as picture:
            refuse_turned(picture, paths[0])
            picture.load()  # OpenCV fills the missing half of a truncated file with grey
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f'{paths[0]}: the image cannot be read (no known format)') from None
    except Exception as error:  # Pillow raises many kinds for broken files, and one for too many pixels
        raise DataError(f'{paths[0]}: the image cannot be read ({error})') from None
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f'{paths[0]}: the image cannot be read (OpenCV does not know its format)')
    return image


def join(labels: np.ndarray, parts: np.ndarray, *, glasses: bool | None = None) -> np.ndarray | None:
    """Labels of a portrait to partial labels of :class:`~mmqanet.datasets.ccp_sides.CCPSidesDataset`.

    - Skin of the face is the face. Unless it is known to be without glasses, it is the face or eyewear down to 60 % of its
      height. Other skin stays any skin.
    - Clothing on the face is unknown: dark glasses and white hair are taken for it. Where glasses are known to be, it is
      eyewear down to 60 % of the face's height, if there is skin above.
    - Hair below skin is unknown if it hangs together with the hair of the head. Else it is a beard and so the face, or,
      above 60 % of the face's height, brows or dark glasses and unknown.

    Args:
        labels: (H, W) uint8, 0 background, 1 hair, 2 clothing, 3 skin, 255 unknown.
        parts: (H, W) uint8, 0 background, k + 1 for part k of BodyPix.
        glasses: whether the person wears any; ``None``: unknown.

    Returns:
        (H, W) uint8, or ``None`` where the face covers less than 2 % of the picture.
    """
    on_face = np.isin(parts, FACE_PARTS)
    face = on_face & (labels == SKIN)
    if face.mean() < _LEAST:
        return None
    rows = np.flatnonzero(face.any(axis=1))
    lower = np.arange(len(labels))[:, None] > rows[0] + _EYE_LINE * (rows[-1] - rows[0])
    hair = labels == HAIR
    below_skin = (np.cumsum(face, axis=0) > 0) & on_face
    detached = hair & ~_largest_piece(hair) & below_skin
    joined = np.full(labels.shape, IGNORE, np.uint8)
    joined[labels == 0] = 0
    joined[labels == CLOTHING] = PARTIAL['clothing']
    joined[(labels == CLOTHING) & on_face] = IGNORE
    joined[labels == SKIN] = PARTIAL['skin']
    joined[face] = CCP_SIDES_CLASSES.index('face') if glasses is False else PARTIAL['face or eyewear']
    joined[hair] = CCP_SIDES_CLASSES.index('hair')
    joined[hair & below_skin] = IGNORE
    if glasses:
        joined[(labels == CLOTHING) & below_skin & ~lower] = CCP_SIDES_CLASSES.index('eyewear')
    joined[(face | detached) & lower] = CCP_SIDES_CLASSES.index('face')
    return joined


def _largest_piece(mask: np.ndarray) -> np.ndarray:
    """(H, W) bool: the largest 8-connected piece of a mask."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return mask & (pieces == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()) if len(stats) > 1 else mask
