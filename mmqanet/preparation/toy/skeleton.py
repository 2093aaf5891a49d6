"""A jointed body in three dimensions, its pose, and its projection to the picture.

Body frame: x to the person's own left, y up, z forward; unit: the height of the body when it stands; origin: pelvis.
Picture frame: x right, y down, same unit and origin. Turned by yaw 0 the person faces the viewer, so that the person's
left lies right in the picture; at yaw 180° it lies left.
"""
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

SIDES = {'left': 1, 'right': -1}

# Degrees, each (low, high). An arm or leg is two pieces, each given by its lift (away from the other side of the body;
# 0 hangs down, 180 points up) and its swing (forward).
#         upper piece: lift     swing        lower piece: lift     swing
_ARMS = {
    'rest': ((8, 24), (-14, 14), (2, 22), (0, 34)),
    'out': ((55, 100), (-10, 20), (50, 105), (0, 25)),
    'wave': ((70, 112), (-10, 15), (145, 190), (0, 20)),
    'up': ((128, 162), (-5, 15), (150, 188), (0, 15)),
    'akimbo': ((42, 58), (-22, 0), (-58, -38), (5, 25)),
    'hold': ((10, 24), (10, 40), (-45, -8), (55, 90)),
    'ahead': ((8, 18), (22, 42), (4, 14), (40, 66)),
    'back': ((8, 18), (-42, -22), (4, 14), (-22, 4)),
}
_LEGS = {
    'stand': ((2, 9), (-5, 6), (0, 7), (-9, 0)),
    'apart': ((13, 24), (-5, 10), (9, 20), (-10, 5)),
    'ahead': ((2, 8), (18, 36), (1, 6), (2, 20)),
    'back': ((2, 8), (-34, -16), (1, 6), (-58, -30)),
    'raised': ((4, 16), (42, 66), (2, 12), (-30, 5)),
    'sit': ((9, 24), (62, 80), (4, 16), (-14, 12)),
}
# Left arm, right arm, left leg, right leg; 'any' stands for one of the free arms.
_STANCES = {
    'stand': ('any', 'any', 'stand', 'stand'),
    'star': ('any', 'any', 'apart', 'apart'),
    'walk': ('back', 'ahead', 'ahead', 'back'),
    'stroll': ('any', 'any', 'ahead', 'back'),
    'step': ('any', 'any', 'raised', 'stand'),
    'sit': ('any', 'any', 'sit', 'sit'),
}
_STANCE_ODDS = (0.36, 0.18, 0.14, 0.1, 0.08, 0.14)
_FREE_ARMS = ('rest', 'out', 'wave', 'up', 'akimbo', 'hold')
_FREE_ARM_ODDS = (0.42, 0.12, 0.12, 0.1, 0.13, 0.11)


@dataclass(frozen=True)
class Body:
    """Proportions, each around 1: ``girth`` of trunk and limbs, size of the ``head``, length of the ``legs``."""

    girth: float = 1.0
    head: float = 1.0
    legs: float = 1.0


@dataclass(frozen=True)
class Pose:
    """Angles in degrees. ``limbs``: 'left arm', ... → lift and swing of the upper, then of the lower piece.
    ``mouth``: how far it is open, in head radii, where faces are drawn in detail."""

    limbs: dict[str, tuple[float, ...]]
    yaw: float = 0.0
    lean: float = 0.0
    bow: float = 0.0
    head_turn: float = 0.0
    head_tilt: float = 0.0
    camera: float = 11.0
    mouth: float = 0.0

    @property
    def front(self) -> bool:
        """Whether the person faces the viewer."""
        return bool(np.cos(np.radians(self.yaw)) > 0)

    @property
    def sitting(self) -> bool:
        """Whether both thighs point forward."""
        return all(self.limbs[f'{side} leg'][1] > 55 for side in SIDES)


@dataclass(frozen=True)
class Skeleton:
    """A posed body seen by the camera.

    joints: name → (2,) picture position. depth: name → how near to the viewer.
    across, forward: (2,), how one unit to the person's left and one unit forward appear in the picture.
    """

    body: Body
    pose: Pose
    joints: dict[str, np.ndarray]
    depth: dict[str, float]
    across: np.ndarray
    forward: np.ndarray

    def trunk(self, height: float, aside: float = 0.0, ahead: float = 0.0) -> np.ndarray:
        """A point of the trunk: ``height`` 0 at the pelvis, 1 at the shoulders; then to the left, and forward."""
        spine = self.joints['pelvis'] * (1 - height) + self.joints['chest'] * height
        return spine + self.across * aside + self.forward * ahead

    def half_width(self, wide: float, deep: float) -> float:
        """Half width, as seen, of an upright elliptic trunk with half axes ``wide`` (to the side), ``deep``."""
        return float(np.hypot(wide * self.across[0], deep * self.forward[0])) * self.body.girth


def random_body(rng: np.random.Generator) -> Body:
    """A body of random proportions."""
    return Body(girth=rng.uniform(0.88, 1.2), head=rng.uniform(0.92, 1.14), legs=rng.uniform(0.88, 1.08))


def random_pose(rng: np.random.Generator, *, front: bool) -> Pose:
    """A pose seen from the front or from the back, up to 50° to the side."""
    stance = _STANCES[rng.choice(list(_STANCES), p=_STANCE_ODDS)]
    names = ['left arm', 'right arm', 'left leg', 'right leg']
    if rng.random() < 0.5:
        names = ['right arm', 'left arm', 'right leg', 'left leg']
    limbs = {}
    for name, kind in zip(names, stance):
        if kind == 'any':
            kind = rng.choice(_FREE_ARMS, p=_FREE_ARM_ODDS)
        limbs[name] = tuple(rng.uniform(*span) for span in (_ARMS if 'arm' in name else _LEGS)[kind])
    yaw = float(np.clip(rng.normal(0, 21), -50, 50))
    turn = float(np.clip(yaw + rng.normal(0, 14), -48, 48)) - yaw
    return Pose(limbs=limbs, yaw=yaw if front else yaw + 180, lean=rng.normal(0, 5), bow=rng.normal(2, 4),
                head_turn=turn, head_tilt=rng.normal(0, 6), camera=rng.uniform(7, 15))


def random_walk(rng: np.random.Generator, *, yaw: float) -> tuple[Pose, Pose]:
    """The two ends of a stride, left leg ahead and right leg ahead, of somebody who walks in the direction of ``yaw``."""
    back, ahead = ([tuple(rng.uniform(*span) for span in table[kind]) for table in (_ARMS, _LEGS)]
                   for kind in ('back', 'ahead'))
    left = {'left arm': back[0], 'right arm': ahead[0], 'left leg': ahead[1], 'right leg': back[1]}
    right = {'left arm': ahead[0], 'right arm': back[0], 'left leg': back[1], 'right leg': ahead[1]}
    shared = dict(yaw=yaw, lean=rng.normal(0, 3), bow=rng.normal(2, 3), head_tilt=rng.normal(0, 4),
                  camera=rng.uniform(7, 15))
    return Pose(limbs=left, **shared), Pose(limbs=right, **shared)


def between(first: Pose, second: Pose, share: float) -> Pose:
    """The pose on the way from the first (share 0) to the second (1), limbs only."""
    limbs = {name: tuple((1 - share) * a + share * b for a, b in zip(angles, second.limbs[name]))
             for name, angles in first.limbs.items()}
    return replace(first, limbs=limbs)


def pose_body(body: Body, pose: Pose) -> Skeleton:
    """Places the joints of ``body`` in ``pose`` and projects them."""
    lean, bow = np.radians(pose.lean), np.radians(pose.bow)
    up = np.array([np.sin(lean), np.cos(lean) * np.cos(bow), np.sin(bow)])
    across = np.array([np.cos(lean), -np.sin(lean), 0.0])
    points = {'pelvis': np.zeros(3), 'chest': up * 0.27, 'neck': up * 0.315, 'head': up * (0.33 + 0.09 * body.head)}
    for side, sign in SIDES.items():
        shoulder = up * 0.255 + across * sign * 0.108 * body.girth ** 0.7
        _hang(points, f'{side} arm', shoulder, pose, sign, (0.138, 0.125), ('shoulder', 'elbow', 'wrist'))
        _extend(points, side, 'elbow', 'wrist', 'hand', 0.03)
        hip = np.array([sign * 0.052 * body.girth, -0.01, 0.0])
        lengths = 0.205 * body.legs, 0.2 * body.legs
        _hang(points, f'{side} leg', hip, pose, sign, lengths, ('hip', 'knee', 'ankle'))
        # Toes point forward and a little outward, and tip down when the shin swings back.
        tip = np.radians(min(pose.limbs[f'{side} leg'][3] * 0.8, 0))
        toe = np.array([sign * 0.25, np.sin(tip) - 0.12, np.cos(tip)])
        points[f'{side} toe'] = points[f'{side} ankle'] + 0.072 * toe
    view = _camera(pose)
    seen = {name: view @ point for name, point in points.items()}
    return Skeleton(body=body, pose=pose, joints={name: p[:2] for name, p in seen.items()},
                    depth={name: float(p[2]) for name, p in seen.items()}, across=view[:2, 0], forward=view[:2, 2])


def _camera(pose: Pose, turn: float = 0.0) -> np.ndarray:
    """(3, 3): body frame → picture x, picture y, nearness. The camera looks down a little."""
    yaw, pitch = np.radians(pose.yaw + turn), np.radians(pose.camera)
    turned = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    look = np.array([[1, 0, 0], [0, -np.cos(pitch), np.sin(pitch)], [0, 0, 1]])
    return look @ turned


def head_axes(pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """How one unit to the left of the head and one unit along its gaze appear in the picture: (2,) each."""
    view = _camera(pose, turn=pose.head_turn)
    return view[:2, 0], view[:2, 2]


def _direction(lift: float, swing: float, sign: int) -> np.ndarray:
    lift, swing = np.radians(lift), np.radians(swing)
    return np.array([sign * np.sin(lift), -np.cos(lift) * np.cos(swing), abs(np.cos(lift)) * np.sin(swing)])


def _hang(points: dict[str, np.ndarray], limb: str, root: np.ndarray, pose: Pose, sign: int, lengths: Sequence[float],
          names: Sequence[str]) -> None:
    """Adds the three joints of a limb that starts at ``root``."""
    side = limb.split()[0]
    lift, swing, lower_lift, lower_swing = pose.limbs[limb]
    middle = root + lengths[0] * _direction(lift, swing, sign)
    joints = root, middle, middle + lengths[1] * _direction(lower_lift, lower_swing, sign)
    points.update({f'{side} {name}': joint for name, joint in zip(names, joints)})


def _extend(points: dict[str, np.ndarray], side: str, first: str, last: str, name: str, length: float) -> None:
    """Adds a joint ``length`` beyond the line from ``first`` to ``last``."""
    start, end = points[f'{side} {first}'], points[f'{side} {last}']
    points[f'{side} {name}'] = end + length * (end - start) / np.linalg.norm(end - start)
