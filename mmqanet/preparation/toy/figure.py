"""A dressed figure as layers, far to near: limbs, trunk and garments. The head has a module of its own."""
from dataclasses import dataclass

import numpy as np

from mmqanet.preparation.toy.canvas import Layer
from mmqanet.preparation.toy.head import head_layers
from mmqanet.preparation.toy.parts import Part
from mmqanet.preparation.toy.shapes import disc, hull, limb, smooth, tube
from mmqanet.preparation.toy.skeleton import SIDES, Body, Skeleton
from mmqanet.preparation.toy.texture import Material
from mmqanet.preparation.toy.wardrobe import Outfit

_SKIN = {(side, kind): Part[f'{side}_{kind}'.upper()] for side in SIDES for kind in ('arm', 'leg', 'shoe')}
ARM_RADII = np.array([0.039, 0.035, 0.031, 0.033])
LEG_RADII = np.array([0.06, 0.047, 0.037])
# Trunk stations: height (0 pelvis, 1 shoulders), half width to the side, half depth.
STATIONS = np.array([
    (-0.16, 0.098, 0.074), (0.1, 0.096, 0.07), (0.5, 0.08, 0.06), (0.82, 0.098, 0.066), (0.98, 0.098, 0.055),
    (1.1, 0.04, 0.036),
])
_WHITE = Material(np.array([240.0] * 3))


@dataclass(frozen=True)
class Figure:
    """A person ready to be painted: layers far to near, in body heights relative to the pelvis."""

    layers: list[Layer]
    skeleton: Skeleton

    @property
    def front(self) -> bool:
        """Whether the person faces the viewer."""
        return self.skeleton.pose.front

    def extent(self) -> tuple[np.ndarray, np.ndarray]:
        """Upper left and lower right corner of the body and its clothes."""
        points = np.concatenate([polygon for layer in self.layers if layer.part for polygon in layer.polygons])
        return points.min(axis=0), points.max(axis=0)


def arm_radii(body: Body) -> np.ndarray:
    """(4,) half widths of an arm at shoulder, elbow, wrist and hand."""
    return ARM_RADII * body.girth ** 0.6


def leg_radii(body: Body) -> np.ndarray:
    """(3,) half widths of a leg at hip, knee and ankle."""
    return LEG_RADII * body.girth ** 0.8


def arms_far_to_near(skeleton: Skeleton, *, near: bool) -> list[str]:
    """Sides of the arms in front of the trunk (``near``) or behind it, the farther first."""
    sides = sorted(SIDES, key=lambda side: skeleton.depth[f'{side} hand'])
    return [side for side in sides
            if (0.5 * (skeleton.depth[f'{side} elbow'] + skeleton.depth[f'{side} hand']) > -0.01) is near]


def legs_far_to_near(skeleton: Skeleton) -> list[str]:
    """Sides of the legs, the farther first."""
    return sorted(SIDES, key=lambda side: skeleton.depth[f'{side} knee'])


def build_figure(skeleton: Skeleton, outfit: Outfit, *, detailed: bool = False) -> Figure:
    """The layers of a posed body in its clothes; ``detailed``: with the parts of the face as layers of their own."""
    front = skeleton.pose.front
    head = head_layers(skeleton, outfit, detailed=detailed)
    far_arms, near_arms = (
        [layer for side in arms_far_to_near(skeleton, near=near) for layer in _arm(skeleton, outfit, side)]
        for near in (False, True))
    lower = [] if outfit.legwear is None else _legwear(skeleton, outfit)
    legs = [layer for side in legs_far_to_near(skeleton) for layer in _leg(skeleton, outfit, side)]
    body = [_body(skeleton, outfit), *_body_trim(skeleton, outfit)]
    clothes = lower + body if not outfit.tucked else body + lower
    stool = _stool(skeleton, outfit)
    far = [*stool, *_coat_lining(skeleton, outfit), *head.behind] if front else []
    trunk = [*_bare(skeleton, outfit), *clothes, *_coat(skeleton, outfit)]
    scarf = _scarf(skeleton, outfit)
    near = [*head.layers, *scarf] if front else [*scarf, *head.layers]
    if not front:  # who sits with the back to the viewer has the legs behind the seat
        legs += stool
    return Figure(layers=[*far, *far_arms, *legs, *trunk, *near, *near_arms], skeleton=skeleton)


def _stool(skeleton: Skeleton, outfit: Outfit) -> list[Layer]:
    """Something to sit on, if the person sits."""
    if not skeleton.pose.sitting:
        return []
    floor = max(skeleton.joints[f'{side} ankle'][1] for side in SIDES) + 0.01
    box = np.array([(-0.15, 0.02), (0.15, 0.02), (0.15, floor), (-0.15, floor)])
    cushion = np.array([(-0.165, 0.0), (0.165, 0.0), (0.165, 0.05), (-0.165, 0.05)])
    material = outfit.materials['stool']
    return [Layer([box], material, Part.BACKGROUND), Layer([cushion], material.toned(0.7), Part.BACKGROUND)]


def _arm(skeleton: Skeleton, outfit: Outfit, side: str) -> list[Layer]:
    """Skin, sleeve, and glove of one arm."""
    joints = [skeleton.joints[f'{side} {name}'] for name in ('shoulder', 'elbow', 'wrist', 'hand')]
    radii = arm_radii(skeleton.body)
    skin = outfit.materials['skin']
    layers = [Layer([*limb(joints, radii), disc(joints[3], radii[3] * 1.1)], skin, _SKIN[side, 'arm'])]
    if outfit.coat_length:
        layers.append(Layer(limb(joints, radii * 1.34, 0, 1.85), outfit.materials['coat'], Part.COAT))
    elif outfit.sleeves:
        layers.append(Layer(limb(joints, radii * 1.22, 0, outfit.sleeves), outfit.materials['body'], outfit.body))
    if outfit.gloves:
        mitten = [*limb(joints, radii * (1, 1.2, 1.25, 1.35), 1.55), disc(joints[3], radii[3] * 1.4)]
        layers.append(Layer(mitten, outfit.materials['gloves'], Part.GLOVE))
    return layers


def _leg(skeleton: Skeleton, outfit: Outfit, side: str) -> list[Layer]:
    """Skin, sock, trouser leg and shoe of one leg."""
    joints = [skeleton.joints[f'{side} {name}'] for name in ('hip', 'knee', 'ankle')]
    radii = leg_radii(skeleton.body)
    materials = outfit.materials
    layers = [Layer(limb(joints, radii), materials['skin'], _SKIN[side, 'leg'])]
    if outfit.socks:
        layers.append(Layer(limb(joints, radii * 1.12, 2 - outfit.socks), materials['socks'], Part.SOCKS))
    if outfit.boots:
        layers.append(Layer(limb(joints, radii * 1.2, 2 - outfit.boots), materials['shoes'], _SKIN[side, 'shoe']))
    if outfit.legwear == Part.PANTS:
        wide = radii * (1.12, 1.22, 1.35)
        layers.append(Layer(limb(joints, wide, 0, outfit.legwear_length), materials['legwear'], Part.PANTS))
    return [*layers, *_shoe(skeleton, outfit, side)]


def _shoe(skeleton: Skeleton, outfit: Outfit, side: str) -> list[Layer]:
    """A shoe: seen from the front a toe cap and laces, from behind a heel."""
    ankle, toe = skeleton.joints[f'{side} ankle'], skeleton.joints[f'{side} toe']
    low = ankle + np.array([0, 0.012])
    sole = hull(disc(low, 0.042, 0.038), disc(toe, 0.041, 0.034))
    shoe = Layer([sole], outfit.materials['shoes'], _SKIN[side, 'shoe'])
    if skeleton.pose.front:
        middle = 0.55 * low + 0.45 * toe
        trim = [Layer([tube(middle + np.array([(-0.02, d), (0.02, d)]), [0.004] * 2)], _WHITE, outlined=False)
                for d in (-0.009, 0.006)]
    else:
        heel = disc(low + np.array([0, 0.01]), 0.015, 0.012)
        trim = [Layer([heel], outfit.materials['shoes'].toned(0.5), outlined=False)]
    return [shoe, *trim]


def _trunk_tube(skeleton: Skeleton, low: float, high: float, ease: float) -> np.ndarray:
    """The outline of the trunk between two heights, ``ease`` times as wide as the body."""
    inner = [h for h in STATIONS[:, 0] if low < h < high]
    heights = [low, *inner, high]
    wide, deep = (np.interp(heights, STATIONS[:, 0], column) for column in STATIONS.T[1:])
    points = [skeleton.trunk(h) for h in heights]
    return tube(points, [skeleton.half_width(w, d) * ease for w, d in zip(wide, deep)])


def _bare(skeleton: Skeleton, outfit: Outfit) -> list[Layer]:
    """Neck and trunk in the skin; garments go over it."""
    neck = tube([skeleton.trunk(0.95), skeleton.joints['head']], [0.04, 0.034])
    return [Layer([_trunk_tube(skeleton, 0.2, 1.1, 0.92), neck], outfit.materials['skin'], Part.TORSO_SKIN)]


def _hanging(skeleton: Skeleton, length: float, ease: float, flare: float) -> np.ndarray:
    """The outline of cloth that hangs from the hips down to ``length`` along the legs."""
    outlines = [_trunk_tube(skeleton, -0.1, 0.25, ease)]
    for side in SIDES:
        hip, knee, ankle = (skeleton.joints[f'{side} {name}'] for name in ('hip', 'knee', 'ankle'))
        start, end, share = (hip, knee, length) if length <= 1 else (knee, ankle, length - 1)
        hem = start * (1 - share) + end * share
        aside = np.sign(skeleton.across[0]) * SIDES[side] * flare
        outlines.append(disc(hem + np.array([aside, 0]), LEG_RADII[0] * skeleton.body.girth, 0.02))
    return hull(*outlines)


def _legwear(skeleton: Skeleton, outfit: Outfit) -> list[Layer]:
    """A skirt, or the seat of trousers, which joins their legs; and its waistband."""
    material, top = outfit.materials['legwear'], 0.36
    band = Layer([_trunk_tube(skeleton, top - 0.07, top, 1.06)], material.toned(0.6), outlined=False)
    if outfit.legwear == Part.SKIRT:
        outline = [_hanging(skeleton, outfit.legwear_length, 1.05, 0.06), _trunk_tube(skeleton, 0.1, top, 1.05)]
        return [Layer(outline, material, Part.SKIRT), band]
    discs = [disc(skeleton.joints[f'{side} hip'], LEG_RADII[0] * 1.1 * skeleton.body.girth ** 0.8) for side in SIDES]
    seat = [hull(*discs, _trunk_tube(skeleton, 0.0, 0.2, 1.03)), _trunk_tube(skeleton, 0.1, top, 1.04)]
    return [Layer(seat, material, Part.PANTS, outlined=False), band]


def _neckline(skeleton: Skeleton, kind: str) -> list[np.ndarray]:
    """What the neckline leaves bare, seen from the front; from behind next to nothing."""
    deep = {'v': 0.68, 'round': 0.78, 'high': 1.06}[kind] if skeleton.pose.front else 1.03
    ahead = 0.05 if skeleton.pose.front else -0.04
    wide = 0.056
    rim = [skeleton.trunk(1.13 if kind == 'v' else 1.4, s * wide, ahead * 0.4) for s in (1, -1)]
    tip = [skeleton.trunk(deep, s * wide * (0.1 if kind == 'v' else 0.75), ahead) for s in (-1, 1)]
    return [smooth([*rim, *tip], 0 if kind == 'v' else 1)]


def _body(skeleton: Skeleton, outfit: Outfit) -> Layer:
    """The top or the dress, without its sleeves."""
    ease = 1.08
    if outfit.body == Part.DRESS:
        outline = [_trunk_tube(skeleton, -0.1, 1.1, ease), _hanging(skeleton, outfit.body_length, ease, 0.035)]
    else:
        low = (0.22 if outfit.tucked else -0.14) if outfit.body_length == 0 else 0.52
        outline = [_trunk_tube(skeleton, low, 1.1, ease)]
    if outfit.neckline == 'high':
        outline.append(tube([skeleton.trunk(1.0), skeleton.trunk(1.25)], [0.044, 0.038]))
        return Layer(outline, outfit.materials['body'], outfit.body)
    return Layer(outline, outfit.materials['body'], outfit.body, cuts=_neckline(skeleton, outfit.neckline))


def _body_trim(skeleton: Skeleton, outfit: Outfit) -> list[Layer]:
    """Buttons down the front, a seam down the back of a top, a belt on a dress."""
    material = outfit.materials['body']
    trim = []
    if skeleton.pose.front and outfit.neckline != 'round':
        trim += [Layer([disc(skeleton.trunk(h, 0, 0.06), 0.007)], _WHITE) for h in (0.6, 0.5, 0.4)]
    elif not skeleton.pose.front and outfit.body != Part.DRESS:
        line = [skeleton.trunk(h, 0, -0.05) for h in (1.0, 0.6, 0.3)]
        trim.append(Layer([tube(line, [0.003] * 3)], material.toned(0.6), outlined=False))
    if outfit.body == Part.DRESS:
        trim.append(Layer([_trunk_tube(skeleton, 0.4, 0.48, 1.1)], material.toned(0.55), outlined=False))
    return trim


def _coat_lining(skeleton: Skeleton, outfit: Outfit) -> list[Layer]:
    """The back of an open coat as seen between the legs from the front."""
    if not outfit.coat_length or not skeleton.pose.front:
        return []
    outline = _hanging(skeleton, outfit.coat_length * 0.97, 1.15, 0.02)
    return [Layer([outline], outfit.materials['coat'].toned(0.5), Part.COAT)]


def _coat(skeleton: Skeleton, outfit: Outfit) -> list[Layer]:
    """A long coat, worn open: from the front two panels with lapels, from behind whole, with a collar and a vent."""
    if not outfit.coat_length:
        return []
    material = outfit.materials['coat']
    outline = [_trunk_tube(skeleton, -0.1, 1.1, 1.24), _hanging(skeleton, outfit.coat_length, 1.24, 0.03)]
    if not skeleton.pose.front:
        seam = tube([skeleton.trunk(h, 0, -0.06) for h in (1.0, 0.4, -0.6)], [0.004] * 3)
        pockets = [tube([skeleton.trunk(0.1, s * 0.03, -0.06), skeleton.trunk(0.1, s * 0.075, -0.04)], [0.008] * 2)
                   for s in (1, -1)]
        collar = tube([skeleton.trunk(1.04, s, -0.03) for s in (-0.055, 0, 0.055)], [0.02] * 3)
        trim = [Layer([shape], material.toned(0.6), outlined=False) for shape in (seam, collar, *pockets)]
        return [Layer(outline, material, Part.COAT), *trim]
    hem = np.mean([skeleton.joints[f'{side} knee'] for side in SIDES], axis=0) + (0, 0.3) + skeleton.forward * 0.06
    left, right = ([skeleton.trunk(1.12, s * 0.05, 0.02), skeleton.trunk(0.5, s * 0.02, 0.07),
                    skeleton.trunk(-0.1, s * 0.035, 0.08), hem + skeleton.across * s * 0.09] for s in (1, -1))
    opening = np.array([*left, *right[::-1]])
    lapels = [smooth([skeleton.trunk(1.1, s * 0.05, 0.03), skeleton.trunk(0.86, s * 0.088, 0.06),
                      skeleton.trunk(0.52, s * 0.022, 0.07)], 1) for s in (1, -1)]
    return [Layer(outline, material, Part.COAT, cuts=[opening]),
            *(Layer([lapel], material.toned(0.72), Part.COAT) for lapel in lapels)]


def _scarf(skeleton: Skeleton, outfit: Outfit) -> list[Layer]:
    """A band around the neck with one end that hangs down, in front or on the back."""
    if not outfit.scarf:
        return []
    material = outfit.materials['scarf']
    sign = 1 if skeleton.pose.front else -1
    knot = skeleton.trunk(1.06, 0.03, sign * 0.05)
    end = Layer([tube([knot, skeleton.trunk(0.8, 0.05, sign * 0.07), skeleton.trunk(0.45, 0.045, sign * 0.07)],
                      [0.028, 0.034, 0.038])], material, Part.SCARF)
    band = Layer([smooth([skeleton.trunk(1.24, 0.075), skeleton.trunk(1.24, -0.075), skeleton.trunk(1.02, -0.095),
                          skeleton.trunk(0.9, 0, sign * 0.05), skeleton.trunk(1.02, 0.095)])], material, Part.SCARF)
    return [end, band]
