"""The canvas: layers are painted far to near, into the picture and into the label map at the same time."""
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mmqanet.preparation.toy.shapes import disc
from mmqanet.preparation.toy.texture import Material

SUPERSAMPLING = 2  # canvas pixels for one of the picture, for smooth edges
_LABELS = 32  # a canvas code is person * _LABELS + class
_LIGHT = (1.12, 0.84)  # brightness at the lit and at the shaded side of a layer


@dataclass(frozen=True)
class Layer:
    """One painted piece of a person, in body heights relative to the pelvis, y down.

    polygons: list of (n, 2) arrays, painted as their union.
    material: its colour and pattern.
    part: class of its pixels, background for a thing; None for an adornment (an eye, a button), which shows only on the
        person's own pixels and leaves their class as it is.
    cuts: polygons left out, through which what lies below stays visible.
    outlined: whether its border is drawn darker.
    face: class of its pixels in the label set of faces; None for those of a part: background, and of an adornment: as below.
    """

    polygons: Sequence[np.ndarray]
    material: Material
    part: int | None = None
    cuts: Sequence[np.ndarray] = ()
    outlined: bool = True
    face: int | None = None


class Canvas:
    """A picture and its label codes at ``SUPERSAMPLING`` times the final size.

    Args:
        background: (H, W, 3) uint8 BGR, at the final size.
        light_from_left: where the light comes from.
    """

    def __init__(self, background: np.ndarray, light_from_left: bool = True) -> None:
        height, width = background.shape[:2]
        size = (width * SUPERSAMPLING, height * SUPERSAMPLING)
        self.image = cv2.resize(background, size, interpolation=cv2.INTER_LINEAR)
        self.codes = np.zeros(size[::-1], np.uint16)
        self.faces = np.zeros(size[::-1], np.uint8)
        self.light = _LIGHT if light_from_left else _LIGHT[::-1]

    def paint(self, layer: Layer, person: int, scale: float, origin: np.ndarray) -> None:
        """Paints a layer of ``person`` (≥ 1), ``scale`` canvas pixels a body height, pelvis at ``origin`` (2,)."""
        placed = [np.rint(p * scale + origin).astype(np.int32) for p in layer.polygons]
        window = self._window(placed)
        if window is None:
            return
        x0, y0, x1, y1 = window
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        for polygon in placed:
            cv2.fillPoly(mask, [polygon - (x0, y0)], 255)
        for cut in layer.cuts:
            cv2.fillPoly(mask, [np.rint(cut * scale + origin).astype(np.int32) - (x0, y0)], 0)
        codes = self.codes[y0:y1, x0:x1]
        if layer.part is None:
            mask[codes // _LABELS != person] = 0
        shade = np.linspace(self.light[0], self.light[1], x1 - x0, dtype=np.float32)[:, None]
        patch = np.minimum(layer.material.patch(x0, y0, x1 - x0, y1 - y0) * shade, 255).astype(np.uint8)
        if layer.outlined:
            width = max(int(scale * 0.008), 1) | 1
            edge = cv2.subtract(mask, cv2.erode(mask, np.ones((width, width), np.uint8)))
            cv2.copyTo((patch * np.float32(0.55)).astype(np.uint8), edge, patch)
        cv2.copyTo(patch, mask, self.image[y0:y1, x0:x1])
        if layer.part is not None:
            codes[mask > 0] = person * _LABELS + layer.part if layer.part else 0
        if layer.part is not None or layer.face is not None:
            self.faces[y0:y1, x0:x1][mask > 0] = layer.face or 0

    def shadow(self, centre: np.ndarray, rx: float, ry: float) -> None:
        """Darkens an ellipse of the ground (canvas pixels) softly."""
        for grow in (1.0, 0.7):
            polygon = np.rint(disc(centre, rx * grow, ry * grow)).astype(np.int32)
            window = self._window([polygon])
            if window is None:
                continue
            x0, y0, x1, y1 = window
            mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
            cv2.fillPoly(mask, [polygon - (x0, y0)], 255)
            region = self.image[y0:y1, x0:x1]
            cv2.copyTo((region * np.float32(0.8)).astype(np.uint8), mask, region)

    def finished(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Picture (H, W, 3) uint8, person ids (H, W) uint8 and classes (H, W) uint8 at the final size."""
        height, width = (side // SUPERSAMPLING for side in self.codes.shape)
        image = cv2.resize(self.image, (width, height), interpolation=cv2.INTER_AREA)
        codes = self.codes[::SUPERSAMPLING, ::SUPERSAMPLING]
        return image, (codes // _LABELS).astype(np.uint8), (codes % _LABELS).astype(np.uint8)

    def finished_faces(self) -> np.ndarray:
        """Classes (H, W) uint8 of the label set of faces at the final size."""
        return self.faces[::SUPERSAMPLING, ::SUPERSAMPLING].copy()

    def _window(self, polygons: Sequence[np.ndarray]) -> tuple[int, int, int, int] | None:
        """The part of the canvas that polygons touch, and a margin, as x0, y0, x1, y1; None if they lie outside."""
        points = np.concatenate(polygons)
        height, width = self.codes.shape
        x0, y0 = np.maximum(points.min(axis=0) - 1, 0)
        x1, y1 = np.minimum(points.max(axis=0) + 2, (width, height))
        return (int(x0), int(y0), int(x1), int(y1)) if x0 < x1 and y0 < y1 else None
