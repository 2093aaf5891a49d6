"""The head as layers: face, hair, hat and sunglasses. From behind only hair (and hat) shows."""
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from mmqanet.preparation.toy.canvas import Layer
from mmqanet.preparation.toy.parts import FacePart, Part
from mmqanet.preparation.toy.shapes import disc, limb, smooth, tube
from mmqanet.preparation.toy.skeleton import Skeleton, head_axes
from mmqanet.preparation.toy.texture import Material
from mmqanet.preparation.toy.wardrobe import Outfit

RADIUS = 0.092  # of the head, in body heights
_WHITE, _DARK = Material(np.array([245.0] * 3)), Material(np.array([30.0] * 3))
_LIPS = Material(np.array([72.0, 64.0, 168.0]))
_FACES: dict[Part | None, FacePart] = {Part.FACE: FacePart.SKIN, Part.HAIR: FacePart.HAIR, Part.SUNGLASSES: FacePart.GLASSES}


@dataclass(frozen=True)
class Head:
    """Layers far to near. ``behind``: hair that lies behind the trunk, on a person seen from the front."""

    behind: list[Layer]
    layers: list[Layer]


@dataclass(frozen=True)
class _Frame:
    """Head coordinates (unit: the radius of the head; x right and y down in the picture) → body heights."""

    centre: np.ndarray
    unit: float
    tilt: np.ndarray
    across: np.ndarray
    gaze: np.ndarray

    def layer(self, polygons: Sequence[ArrayLike], material: Material, part: Part | None = None, outlined: bool = True,
              face: FacePart | None = None) -> Layer:
        placed = [self.centre + np.asarray(polygon) @ self.tilt * self.unit for polygon in polygons]
        return Layer(placed, material, part, outlined=outlined, face=_FACES.get(part) if face is None else face)

    def surface(self, aside: float, down: float, ahead: float = 0.7) -> np.ndarray:
        """A point of the face: to the person's left, down, and along the gaze."""
        return self.across * aside + self.gaze * ahead + (0, down)


def head_down(skeleton: Skeleton) -> np.ndarray:
    """(2,) direction from the crown to the chin in the picture."""
    tilt = np.radians(skeleton.pose.head_tilt + skeleton.pose.lean) * np.sign(head_axes(skeleton.pose)[0][0])
    return np.array([-np.sin(tilt), np.cos(tilt)])


def head_layers(skeleton: Skeleton, outfit: Outfit, *, detailed: bool = False) -> Head:
    """The layers of the head, far to near; ``detailed``: each part of the face is a layer, and mouths may open."""
    across, gaze = head_axes(skeleton.pose)
    down = head_down(skeleton)
    rotation = np.array([[down[1], -down[0]], down])
    frame = _Frame(skeleton.joints['head'], RADIUS * skeleton.body.head, rotation, across, gaze * (1, 0.5))
    materials = outfit.materials
    hair = _hair_behind(frame, outfit)
    if not skeleton.pose.front:
        crown = frame.layer([disc((0, 0), 1.02, 1.14), disc((0, 0.45), 0.86, 0.7)], materials['hair'], Part.HAIR)
        strands = [frame.layer([tube([(x * 0.4, -0.7), (x, 0.1), (x * 0.9, 0.8)], [0.025] * 3)],
                               materials['hair'].toned(0.65), outlined=False) for x in (-0.45, 0.05, 0.5)]
        return Head([], [crown, *strands, *hair, *_hat(frame, outfit, front=False)])
    hat = _hat(frame, outfit, front=True)
    if detailed:
        features = _detailed_features(frame, outfit, skeleton.pose.mouth)
        return Head(hair, [*_face(frame, outfit, detailed=True), *_fringe(frame, outfit), *features, *hat])
    return Head(hair, [*_face(frame, outfit), *_fringe(frame, outfit), *_features(frame, outfit), *hat])


def _face(frame: _Frame, outfit: Outfit, *, detailed: bool = False) -> list[Layer]:
    """Hair around the head, ears, and the face itself."""
    skin, turn = outfit.materials['skin'], frame.gaze[0]
    discs = [disc(frame.surface(s * 0.96, 0.14, -0.15), 0.16, 0.23) for s in (-1, 1)]
    ears = [frame.layer(discs, skin, Part.FACE)]
    if detailed:
        ears = [frame.layer([ear], skin, Part.FACE, face=face)
                for ear, face in zip(discs, (FacePart.LEFT_EAR, FacePart.RIGHT_EAR))]
    if outfit.hair == 'bald':
        return [*ears, frame.layer([disc((turn * 0.1, 0), 0.95, 1.1)], skin, Part.FACE)]
    around = frame.layer([disc((-turn * 0.1, -0.08), 1.06, 1.12)], outfit.materials['hair'], Part.HAIR)
    face = frame.layer([disc((turn * 0.22, 0.16), 0.86 - 0.1 * abs(turn), 0.96)], skin, Part.FACE)
    return [around, face] if outfit.hair in ('bob', 'long') else [around, *ears, face]


def _fringe(frame: _Frame, outfit: Outfit) -> list[Layer]:
    """Hair over the forehead, combed to one side."""
    if outfit.hair == 'bald':
        return []
    turn = frame.gaze[0] * 0.2
    arc = np.linspace(np.pi * 1.06, np.pi * 1.94, 9)
    crown = np.stack([np.cos(arc) * 1.02 + turn * 0.3, np.sin(arc) * 1.12], axis=1)
    line = [(0.78 + turn, -0.28), (0.25 + turn, -0.5), (-0.35 + turn, -0.42), (-0.82 + turn, -0.22)]
    return [frame.layer([np.array([*crown, *line])], outfit.materials['hair'], Part.HAIR, outlined=False)]


def _features(frame: _Frame, outfit: Outfit) -> list[Layer]:
    """Eyes or sunglasses, nose, mouth and cheeks."""
    skin = outfit.materials['skin']
    nose = frame.layer([smooth([frame.surface(0, 0.12), frame.surface(0.12, 0.38), frame.surface(-0.12, 0.38)])],
                       skin.toned(0.78), outlined=False)
    smile = [frame.surface(x, 0.62 + y, 0.75) for x, y in ((-0.3, -0.04), (-0.1, 0.06), (0.1, 0.06), (0.3, -0.04))]
    mouth = frame.layer([tube(smile, [0.03, 0.07, 0.07, 0.03])], _LIPS, outlined=False)
    cheeks = frame.layer([disc(frame.surface(s * 0.52, 0.4, 0.6), 0.15, 0.11) for s in (-1, 1)],
                         Material(0.7 * skin.colour + 0.3 * np.array([90.0, 80.0, 235.0])), outlined=False)
    eyes = [frame.surface(s * 0.38, 0.04) for s in (-1, 1)]
    if not outfit.sunglasses:
        arch = np.array([(-0.2, -0.24), (0, -0.32), (0.2, -0.24)])
        white = frame.layer([disc(eye, 0.19, 0.17) for eye in eyes], _WHITE, outlined=False)
        pupils = frame.layer([disc(frame.surface(s * 0.38, 0.06), 0.1, 0.12) for s in (-1, 1)], _DARK, outlined=False)
        brows = frame.layer([tube(eye + arch, [0.035] * 3) for eye in eyes],
                            outfit.materials['hair'].toned(0.7), outlined=False)
        return [cheeks, nose, mouth, white, pupils, brows]
    bar = tube([frame.surface(-0.8, -0.06, 0.4), *eyes, frame.surface(0.8, -0.06, 0.4)], [0.08] * 4)
    lenses = [smooth(eye + np.array([(-0.42, -0.32), (0.42, -0.32), (0.36, 0.36), (-0.36, 0.36)])) for eye in eyes]
    glasses = frame.layer([bar, *lenses], outfit.materials['lenses'], Part.SUNGLASSES)
    shine = frame.layer([disc(eye - 0.11, 0.07, 0.06) for eye in eyes], _WHITE, outlined=False)
    return [cheeks, nose, mouth, glasses, shine]


def _detailed_features(frame: _Frame, outfit: Outfit, mouth: float) -> list[Layer]:
    """Brows, eyes, glasses, nose and lips, each with its class of a face; the mouth is open by ``mouth`` head radii."""
    plain = _features(frame, outfit)
    cheeks, nose, rest = plain[0], replace(plain[1], face=FacePart.NOSE), plain[3:]
    corners = [frame.surface(x, 0.62, 0.75) for x in (-0.32, 0.32)]
    upper = [frame.surface(x, 0.6 - mouth * share, 0.75) for x, share in ((-0.12, 0.4), (0.12, 0.4))]
    lower = [frame.surface(x, 0.66 + mouth * share, 0.75) for x, share in ((-0.12, 0.8), (0.12, 0.8))]
    inside = frame.layer([smooth([corners[0], *upper, corners[1], *lower[::-1]], 1)], _DARK, outlined=False,
                         face=FacePart.INNER_MOUTH)
    kinds = (lower, 0.075, 1.1, FacePart.LOWER_LIP), (upper, 0.06, 0.85, FacePart.UPPER_LIP)
    lips = [frame.layer([tube([corners[0], *line, corners[1]], [0.03, width, width, 0.03])], _LIPS.toned(tone),
                        outlined=False, face=face) for line, width, tone, face in kinds]
    if outfit.sunglasses:
        return [cheeks, nose, inside, *lips, *rest]
    sides = (FacePart.LEFT_EYE, FacePart.RIGHT_EYE), (FacePart.LEFT_BROW, FacePart.RIGHT_BROW)
    white, pupils, brows = rest
    split = [replace(white, polygons=[polygon], face=face) for polygon, face in zip(white.polygons, sides[0])]
    split.append(pupils)
    split += [replace(brows, polygons=[polygon], face=face) for polygon, face in zip(brows.polygons, sides[1])]
    return [cheeks, nose, inside, *lips, *split]


def _hair_behind(frame: _Frame, outfit: Outfit) -> list[Layer]:
    """What of a hair style lies behind the face."""
    shapes = {
        'bob': [smooth([(-0.9, -0.6), (0.9, -0.6), (1.2, 1.1), (-1.2, 1.1)], 2)],
        'long': [smooth([(-0.9, -0.6), (0.9, -0.6), (1.3, 2.3), (-1.3, 2.3)], 2)],
        'bun': [disc((0, -1.3), 0.5, 0.46)],
        'tail': limb([(0.75, -0.7), (1.35, 0.2), (1.4, 1.3)], [0.3, 0.28, 0.12]),
        'curls': [disc((1.12 * np.cos(a), 1.05 * np.sin(a) - 0.2), 0.5) for a in np.linspace(2.6, 6.8, 8)],
    }
    if outfit.hair not in shapes:
        return []
    return [frame.layer(shapes[outfit.hair], outfit.materials['hair'], Part.HAIR)]


def _hat(frame: _Frame, outfit: Outfit, *, front: bool) -> list[Layer]:
    if outfit.hat == 'none':
        return []
    material = outfit.materials['hat']
    arc = np.linspace(np.pi, 2 * np.pi, 13)
    dome = np.stack([np.cos(arc) * 1.14, np.sin(arc) * 1.08 - 0.32], axis=1)
    if outfit.hat == 'beanie':
        rim = np.array([(1.17, -0.6), (1.17, -0.26), (-1.17, -0.26), (-1.17, -0.6)])
        return [frame.layer([disc((0, -1.45), 0.26)], material, Part.HAT), frame.layer([dome], material, Part.HAT),
                frame.layer([smooth(rim, 1)], material.toned(0.75), Part.HAT)]
    if outfit.hat == 'brim':
        brim = disc((0, -0.36), 1.9, 0.36)
        ribbon = np.array([(-1.12, -0.74), (1.12, -0.74), (1.14, -0.5), (-1.14, -0.5)])
        return [frame.layer([brim], material, Part.HAT), frame.layer([dome], material, Part.HAT),
                frame.layer([ribbon], material.toned(0.5), outlined=False)]
    cap = [frame.layer([dome], material, Part.HAT)]
    if front:
        cap.append(frame.layer([disc(frame.gaze * 0.75 + (0, -0.36), 1.0, 0.24)], material.toned(0.8), Part.HAT))
    return cap
