"""Pictures of a data set's samples: the whole image with its people, and the crop that the network sees of one of them.

    H, W size of the image, h, w of the crop, C classes, N people.
"""
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from mmqanet.functional.geometry import PersonCrop
from mmqanet.functional.image_parsing import IGNORE, ImageParsing
from mmqanet.structures import LabelSet
from mmqanet.visualization.lettering import Badge, add_legend, text_mask, write
from mmqanet.visualization.overlay import draw_panels
from mmqanet.visualization.paint import INK, PAPER
from mmqanet.visualization.surface_points import PlacedPoints

HEIGHT = 640  # of the panels, in pixels
WIDEST = 1.7  # width of a panel over its height, at most
GAP = 8
BOX, FRAME, CHANGED = (235, 235, 235), (60, 190, 255), (20, 70, 200)  # BGR


@dataclass(frozen=True, kw_only=True)
class CropSample:
    """What the network is given of one person.

    image: (h, w, 3) uint8 BGR. labels: (h, w) uint8, 255 = ignore. person: its id in the human map, at least 1.
    crop: where it lies in the image. plain: where it would lie without augmentation. points: of dense pose, in the crop.
    """

    image: np.ndarray
    labels: np.ndarray
    person: int
    crop: PersonCrop
    plain: PersonCrop
    points: PlacedPoints = field(default_factory=PlacedPoints)

    def changes(self) -> list[str]:
        """What the augmentation did, in words: mirrored, turned, larger or smaller; empty where it did nothing."""
        zoom = self.plain.size[0] / self.crop.size[0]
        turn = self.crop.rotation - self.plain.rotation
        words = ['mirrored'] if self.crop.flipped != self.plain.flipped else []
        # A window that turns clockwise shows its person turned the other way; a mirror turns that round.
        side = 'left' if (turn > 0) != self.crop.flipped else 'right'
        words += [f'turned {abs(turn):.0f}° {side}'] if abs(turn) >= 0.5 else []
        words += [f'person ×{zoom:.2f}'] if abs(zoom - 1) >= 0.005 else []
        shift = np.hypot(*np.subtract(self.crop.centre, self.plain.centre))
        return words + ([f'shifted {shift:.0f} px'] if shift >= 0.5 else [])


def draw_sample(image: np.ndarray, category: np.ndarray, human: np.ndarray, boxes: np.ndarray, *, label_set: LabelSet,
                title: str, crop: CropSample | None = None, points: PlacedPoints | None = None) -> np.ndarray:
    """Draw an image with all its people, their parts by name, and their boxes; where given, one person's crop beside it.

    Args:
        image: (H, W, 3) uint8 BGR.
        category, human: (H, W) integer, class (255 = ignore) and person per pixel, 0 none.
        boxes: (N, 4) xyxy in image pixels.
        label_set: of the data set.
        title: written above.
        crop: also drawn as a frame in the image; then as the network sees it, its labels, and the two together.
        points: of dense pose, in the image.

    Returns:
        (H', W', 3) uint8 BGR.
    """
    panels = [_whole(image, category, human, boxes, label_set, crop, points)]
    present = category.ravel()
    if crop is not None:
        panels += _crop_panels(crop, label_set)
        present = np.concatenate([present, crop.labels.ravel()])
    gap = np.full((HEIGHT, GAP, 3), PAPER, np.uint8)
    joined = np.concatenate([piece for panel in panels for piece in (panel, gap)], axis=1)
    joined = add_legend(joined, present[None].astype(np.uint8), label_set)
    return np.concatenate([_headline(title, joined.shape[1]), joined])


def contact_sheet(pictures: Sequence[np.ndarray], *, width: int = 2400, row: int = 320) -> np.ndarray:
    """Pictures (H', W', 3) uint8 BGR of any size in rows of equal height, as many in a row as fit.

    Args:
        width: of the sheet in pixels, wider only where a picture is.
        row: height of a row in pixels.
    """
    scaled = [cv2.resize(p, (max(round(p.shape[1] * row / p.shape[0]), 1), row), interpolation=cv2.INTER_AREA)
              for p in pictures]
    lines: list[list[np.ndarray]] = [[]]
    for picture in scaled:
        if lines[-1] and sum(p.shape[1] + GAP for p in lines[-1]) + picture.shape[1] > width:
            lines.append([])
        lines[-1].append(picture)
    wide = max(width, *(p.shape[1] for p in scaled))
    sheet = np.full((len(lines) * (row + GAP), wide, 3), PAPER, np.uint8)
    for number, line in enumerate(lines):
        x = 0
        for picture in line:
            sheet[number * (row + GAP):number * (row + GAP) + row, x:x + picture.shape[1]] = picture
            x += picture.shape[1] + GAP
    return sheet


def _whole(image: np.ndarray, category: np.ndarray, human: np.ndarray, boxes: np.ndarray,
           label_set: LabelSet, crop: CropSample | None, points: PlacedPoints | None) -> np.ndarray:
    scale = min(HEIGHT / image.shape[0], WIDEST * HEIGHT / image.shape[1])
    size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    for box in np.asarray(boxes, np.float64).reshape(-1, 2, 2) * scale:
        x1, y1, x2, y2 = (int(v) for v in np.rint(box).ravel())
        cv2.rectangle(small, (x1, y1), (x2 - 1, y2 - 1), INK, 3)
        cv2.rectangle(small, (x1, y1), (x2 - 1, y2 - 1), BOX, 1)
    if crop is not None:
        _draw_frame(small, crop.crop, scale)
    panel = _parsing(small, _nearest(category, size), _nearest(human, size), label_set, 'image', alpha=0.45)
    if points is not None:
        points.draw(panel, zoom=scale)
    return _pad_rows(panel)


def _draw_frame(panel: np.ndarray, crop: PersonCrop, scale: float) -> None:
    """The border of a crop, and a triangle at its upper side; in place."""
    w, h = crop.output_size
    tip = 0.05 * w
    corners = crop.to_image([(0, 0), (w, 0), (w, h), (0, h)])
    arrow = crop.to_image([(w / 2 - tip, 0), (w / 2 + tip, 0), (w / 2, -1.2 * tip)])
    for colour, width in ((INK, 5), (FRAME, 2)):
        cv2.polylines(panel, [np.rint(corners * scale).astype(np.int32)], True, colour, width, cv2.LINE_AA)
    cv2.fillPoly(panel, [np.rint(arrow * scale).astype(np.int32)], FRAME, cv2.LINE_AA)


def _crop_panels(crop: CropSample, label_set: LabelSet) -> list[np.ndarray]:
    """The crop, its labels, and the labels over it."""
    size = max(round(crop.image.shape[1] * HEIGHT / crop.image.shape[0]), 1), HEIGHT
    image = cv2.resize(crop.image, size, interpolation=cv2.INTER_CUBIC)
    labels = _nearest(crop.labels, size)
    person = ((labels > 0) & (labels != IGNORE)) * np.int32(crop.person)
    seen = image.copy()
    _tag(seen, ['network input', *crop.changes()])
    alone = {'labels': ImageParsing.annotated(labels, 0 * person)}
    plain = draw_panels(np.full_like(image, PAPER), alone, label_set=label_set, alpha=1.0, legend=False, part_labels=False)
    both = _parsing(image, labels, person, label_set, 'both', alpha=0.45)
    crop.points.draw(both, zoom=HEIGHT / crop.image.shape[0])
    return [seen, plain, both]


def _parsing(image: np.ndarray, category: np.ndarray, human: np.ndarray,
             label_set: LabelSet, title: str, *, alpha: float) -> np.ndarray:
    parsing = ImageParsing.annotated(category.astype(np.uint8), human)
    return draw_panels(image, {title: parsing}, label_set=label_set, alpha=alpha, legend=False)


def _nearest(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(labels.astype(np.int32), size, interpolation=cv2.INTER_NEAREST_EXACT)


def _pad_rows(panel: np.ndarray) -> np.ndarray:
    return np.pad(panel, ((0, HEIGHT - panel.shape[0]), (0, 0), (0, 0)), constant_values=PAPER[0])


def _tag(image: np.ndarray, lines: Sequence[str]) -> None:
    """Badges below each other in the upper left corner, the first plain, the others in a warning colour; in place."""
    y = 8
    for number, text in enumerate(lines):
        badge = Badge([(text, PAPER if number else INK)], size=17, fill=CHANGED if number else PAPER)
        badge.draw(image, (8, y, 8 + badge.size[0], y + badge.size[1]))
        y += badge.size[1] + 5


def _headline(title: str, width: int) -> np.ndarray:
    size = 20
    line = np.full((text_mask(title, size).shape[0] + 14, width, 3), PAPER, np.uint8)
    write(line, title, at=(GAP, 7), size=size, colour=INK)
    return line
