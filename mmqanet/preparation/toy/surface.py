"""The surface of toy bodies: round tubes for trunk, head and limbs, with dense pose charts and their coordinates on them.

A point of a tube has a place along it, U, and an angle around it, from the front (0) to the person's left (π / 2). Charts
are sectors of that angle, and V is the share of their sector. Lengths are in body heights, the picture's y points down.
"""
from dataclasses import dataclass

import numpy as np

from mmqanet.functional.charts import CHARTS, MIRRORED_CHARTS
from mmqanet.preparation.toy.canvas import SUPERSAMPLING
from mmqanet.preparation.toy.figure import LEG_RADII, STATIONS, arm_radii, arms_far_to_near, leg_radii, legs_far_to_near
from mmqanet.preparation.toy.head import RADIUS, head_down
from mmqanet.preparation.toy.scene import Placed, ToyScene
from mmqanet.preparation.toy.skeleton import SIDES, Skeleton

EASE = 1.12  # half width in the picture over that of the body: close clothes belong to the part below them
_NECK = (1.25, 0.038)  # a station above those of the trunk
_HALF_TURN = np.pi


@dataclass(frozen=True)
class Sector:
    """A chart on a tube: V goes from 0 at the angle ``start`` to 1 at ``stop``, in radians."""

    chart: int
    start: float
    stop: float

    def across(self, angle: np.ndarray) -> np.ndarray:
        """V of angles; above 1 outside of the sector."""
        width = self.stop - self.start
        return (np.sign(width) * (angle - self.start)) % (2 * _HALF_TURN) / abs(width)

    def angle(self, v: np.ndarray) -> np.ndarray:
        """The angle of V."""
        return self.start + v * (self.stop - self.start)


def front_and_back(name: str) -> tuple[Sector, Sector]:
    """A part with a chart in front and one behind."""
    quarter = _HALF_TURN / 2
    return (Sector(CHARTS.index(f'{name}-front'), -quarter, quarter),
            Sector(CHARTS.index(f'{name}-back'), quarter, 3 * quarter))


def all_around(name: str) -> tuple[Sector]:
    """A part with one chart, whose seam is behind."""
    return (Sector(CHARTS.index(name), -_HALF_TURN, _HALF_TURN),)


def left_and_right(name: str) -> tuple[Sector, Sector]:
    """A part with a chart on either side, both from the front to the back."""
    return (Sector(CHARTS.index(f'left-{name}'), 0, _HALF_TURN), Sector(CHARTS.index(f'right-{name}'), 0, -_HALF_TURN))


def mirror(chart: int, v: np.ndarray) -> np.ndarray:
    """V on the mirrored chart of points of a chart: the angle changes its sign. U stays as it is."""
    other = SECTORS[MIRRORED_CHARTS[chart]]
    middle = (other.start + other.stop) / 2
    angle = -SECTORS[chart].angle(v)
    turns = np.rint((angle - middle) / (2 * _HALF_TURN))
    return (angle - turns * 2 * _HALF_TURN - other.start) / (other.stop - other.start)


_ON_SIDES = [*(front_and_back(f'{side}-{part}') for side in SIDES
               for part in ('upper-leg', 'lower-leg', 'upper-arm', 'lower-arm')),
             *(all_around(f'{side}-{part}') for side in SIDES for part in ('hand', 'foot'))]
SECTORS = {sector.chart: sector for group in [front_and_back('torso'), left_and_right('head'), *_ON_SIDES]
           for sector in group}


@dataclass(frozen=True)
class Tube:
    """A round part of a body, as the camera sees it.

    start, stop: (2,) ends of its axis. Hanging down, the right side of the picture is at its right.
    radii: (k, 2), share of the axis and half width there.
    reach: how far the tube goes on before the start and after the stop; U is 0 and 1 there.
    joint: another tube goes on at the stop: the end is rounded, and U stays 1 on it.
    turn: yaw of the part in radians, 0 if its front is towards the viewer.
    """

    sectors: tuple[Sector, ...]
    start: np.ndarray
    stop: np.ndarray
    radii: np.ndarray
    turn: float
    reach: tuple[float, float] = (0.0, 0.0)
    joint: bool = False

    @property
    def length(self) -> float:
        """Of the axis, not 0."""
        return max(float(np.linalg.norm(self.stop - self.start)), 1e-6)

    @property
    def along(self) -> np.ndarray:
        """(2,) direction of the axis; down where it points at the viewer."""
        return (self.stop - self.start) / self.length if self.length > 1e-6 else np.array([0.0, 1.0])

    def half_width(self, share: np.ndarray) -> np.ndarray:
        """Half width at shares of the axis."""
        return np.interp(share, *self.radii.T)

    def locate(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points (..., 2) of the picture → chart (0 off the tube), U and V, (...) each."""
        away = points - self.start
        place, aside = away @ self.along, away @ np.array([self.along[1], -self.along[0]])
        axis = np.clip(place, 0, self.length)
        half = self.half_width(axis / self.length) * EASE
        end = self.length + (half if self.joint else self.reach[1] * EASE)
        inside = (np.hypot(aside, place - axis) <= half) & (place >= -self.reach[0] * EASE) & (place <= end)
        u = np.clip((place + self.reach[0]) / (self.length + sum(self.reach)), 0, 1)
        angle = np.arcsin(np.clip(aside / half, -1, 1)) - self.turn
        charts, v = np.zeros(inside.shape, np.uint8), np.zeros(inside.shape)
        for sector in self.sectors:
            share = sector.across(angle)
            own = inside & (charts == 0) & (share <= 1)
            charts[own], v[own] = sector.chart, share[own]
        return charts, u, v


def body_tubes(skeleton: Skeleton) -> dict[str, Tube]:
    """The tubes of a posed body by name, in the order in which they are painted, far to near."""
    far, near = (arms_far_to_near(skeleton, near=near) for near in (False, True))
    tubes: dict[str, Tube] = {}
    for side in far:
        tubes |= _arm(skeleton, side)
    for side in legs_far_to_near(skeleton):
        tubes |= _leg(skeleton, side)
    tubes |= {'trunk': _trunk(skeleton), 'head': _head(skeleton)}
    for side in near:
        tubes |= _arm(skeleton, side)
    return tubes


def draw_surface(scene: ToyScene) -> tuple[np.ndarray, np.ndarray]:
    """The surface of the people of a scene where it is in sight.

    Clothes count as the part that they cover; those that hang off the body, and loose hair, are background.

    Returns:
        Charts (H, W) uint8, and U, V (2, H, W) float32 in [0, 1].
    """
    charts, uv = np.zeros(scene.human.shape, np.uint8), np.zeros((2, *scene.human.shape), np.float32)
    for person in scene.people:
        own = scene.human == person.parsing_id
        for tube in body_tubes(person.placed.figure.skeleton).values():
            _paint(tube, person.placed, own, charts, uv)
    return charts, uv


def _paint(tube: Tube, placed: Placed, own: np.ndarray, charts: np.ndarray, uv: np.ndarray) -> None:
    """Paint a tube onto the person's own pixels."""
    ends = np.stack([tube.start, tube.stop])
    margin = tube.radii[:, 1].max() * 2
    corners = (np.stack([ends.min(0) - margin, ends.max(0) + margin]) * placed.scale + placed.origin) / SUPERSAMPLING
    (x0, y0), (x1, y1) = np.clip(corners.astype(int), 0, own.shape[::-1])
    pixels = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), axis=-1) * SUPERSAMPLING
    found, u, v = tube.locate((pixels - placed.origin) / placed.scale)
    painted = own[y0:y1, x0:x1] & (found > 0)
    charts[y0:y1, x0:x1][painted] = found[painted]
    uv[:, y0:y1, x0:x1][:, painted] = np.stack([u, v])[:, painted]


def _trunk(skeleton: Skeleton) -> Tube:
    """From the neck down to the crotch."""
    heights = np.array([*STATIONS[:, 0], _NECK[0]])[::-1]
    half = np.array([*(skeleton.half_width(wide, deep) for _, wide, deep in STATIONS), _NECK[1]])[::-1]
    shares = (heights[0] - heights) / (heights[0] - heights[-1])
    return Tube(front_and_back('torso'), skeleton.trunk(heights[0]), skeleton.trunk(heights[-1]),
                np.stack([shares, half], axis=1), np.radians(skeleton.pose.yaw))


def _head(skeleton: Skeleton) -> Tube:
    """From the crown to the chin."""
    half = RADIUS * skeleton.body.head
    down, centre = head_down(skeleton) * half * 0.12, skeleton.joints['head']
    return Tube(left_and_right('head'), centre - down, centre + down, np.array([(0, half), (1, half)]),
                np.radians(skeleton.pose.yaw + skeleton.pose.head_turn), reach=(half, half))


def _arm(skeleton: Skeleton, side: str) -> dict[str, Tube]:
    joints = [skeleton.joints[f'{side} {name}'] for name in ('shoulder', 'elbow', 'wrist', 'hand')]
    radii = arm_radii(skeleton.body)
    palm = radii[2:] * 1.1
    return {
        f'{side} upper arm': _piece(skeleton, front_and_back(f'{side}-upper-arm'), joints[:2], radii[:2], joint=True),
        f'{side} lower arm': _piece(skeleton, front_and_back(f'{side}-lower-arm'), joints[1:3], radii[1:3], joint=True),
        f'{side} hand': _piece(skeleton, all_around(f'{side}-hand'), joints[2:], palm, reach=(0.0, float(palm[1])))}


def _leg(skeleton: Skeleton, side: str) -> dict[str, Tube]:
    joints = [skeleton.joints[f'{side} {name}'] for name in ('hip', 'knee', 'ankle')]
    radii = leg_radii(skeleton.body)
    return {
        f'{side} upper leg': _piece(skeleton, front_and_back(f'{side}-upper-leg'), joints[:2], radii[:2], joint=True),
        f'{side} lower leg': _piece(skeleton, front_and_back(f'{side}-lower-leg'), joints[1:], radii[1:], joint=True),
        f'{side} foot': _foot(skeleton, side)}


def _foot(skeleton: Skeleton, side: str) -> Tube:
    """Upright, since it points at the viewer or away from him."""
    ankle, toe = skeleton.joints[f'{side} ankle'], skeleton.joints[f'{side} toe']
    middle, half = (ankle + (0, 0.012) + toe) / 2, float(LEG_RADII[2] + abs(ankle[0] - toe[0]) / 2)
    span = np.array([0, 0.005])
    return Tube(all_around(f'{side}-foot'), middle - span, middle + span, np.array([(0, half), (1, half)]),
                np.radians(skeleton.pose.yaw), reach=(half, half))


def _piece(skeleton: Skeleton, sectors: tuple[Sector, ...], ends: list[np.ndarray], radii: np.ndarray,
           reach: tuple[float, float] = (0.0, 0.0), joint: bool = False) -> Tube:
    return Tube(sectors, ends[0], ends[1], np.array([(0, radii[0]), (1, radii[1])]), np.radians(skeleton.pose.yaw),
                reach=reach, joint=joint)
