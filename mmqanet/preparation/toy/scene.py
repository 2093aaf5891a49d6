"""One picture: people placed on a backdrop, painted far to near, and their label maps."""
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from mmqanet.errors import InputError
from mmqanet.preparation.converters.prepared import part_ids
from mmqanet.preparation.toy.background import draw_background
from mmqanet.preparation.toy.canvas import SUPERSAMPLING, Canvas, Layer
from mmqanet.preparation.toy.figure import Figure, build_figure
from mmqanet.preparation.toy.parts import NUM_CLASSES
from mmqanet.preparation.toy.shapes import disc
from mmqanet.preparation.toy.skeleton import pose_body, random_body, random_pose
from mmqanet.preparation.toy.texture import Material, cloth
from mmqanet.preparation.toy.wardrobe import random_outfit

MIN_SIDE = 48  # pixels of the picture
_MIN_VISIBLE = 0.003  # of the picture: a person of whom less is in sight is left out
_CROWD_ODDS = np.array([0.23, 0.3, 0.21, 0.13, 0.08, 0.05])
_FACING_ODDS = 0.77


@dataclass(frozen=True)
class Placed:
    """A figure on the canvas: ``scale`` canvas pixels a body height, its pelvis at ``origin`` (2,)."""

    figure: Figure
    scale: float
    origin: np.ndarray

    def extent(self) -> np.ndarray:
        """Corners (2, 2) on the canvas."""
        return np.stack(self.figure.extent()) * self.scale + self.origin

    def corners(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 in pixels of the picture."""
        x0, y0, x1, y1 = (self.extent() / SUPERSAMPLING).ravel().tolist()
        return x0, y0, x1, y1


@dataclass(frozen=True)
class ToyPerson:
    """One person of a scene.

    parsing_id: the person's id in the human map, 1, 2, … without gaps, from the farthest to the nearest.
    front: whether the person faces the viewer.
    extent: (x0, y0, x1, y1) of the whole figure in pixels, hidden and cut-off parts included.
    placed: the figure where it is painted.
    """

    parsing_id: int
    front: bool
    extent: tuple[float, float, float, float]
    placed: Placed = field(compare=False, repr=False)


@dataclass(frozen=True)
class ToyScene:
    """A picture and its ground truth.

    image: (H, W, 3) uint8, BGR. category, human: (H, W) uint8, class and person per pixel, 0 for background.
    instance: (H, W) uint8 where it suffices, else uint16: 20 · (human − 1) + category on people.
    """

    image: np.ndarray
    category: np.ndarray
    human: np.ndarray
    instance: np.ndarray
    people: list[ToyPerson]


def draw_scene(rng: np.random.Generator, *, size: tuple[int, int] = (320, 240), max_people: int = 6) -> ToyScene:
    """Draws a picture of 1 to ``max_people`` toy people.

    Args:
        rng: the only source of chance; the same state gives the same arrays.
        size: (W, H) in pixels, each at least 48.
        max_people: at least 1. Above 6, crowds of up to that many people occur.

    Raises:
        InputError: if ``size`` or ``max_people`` is out of its range.
    """
    width, height = check_size(size)
    check_max_people(max_people)
    background = draw_background(rng, width, height)
    light = bool(rng.random() < 0.5)
    placed = _place_people(rng, width, height, max_people)
    props = _foreground(rng, width, height)
    canvas = paint_people(background, light, placed, props)
    seen = np.bincount(canvas.finished()[1].ravel(), minlength=len(placed) + 1)[1:]
    if (seen < _MIN_VISIBLE * width * height).any():
        # Without the hidden ones, so that picture and labels tell the same story; nobody else loses a pixel by it.
        keep = seen >= min(_MIN_VISIBLE * width * height, seen.max())
        placed = [person for person, wanted in zip(placed, keep) if wanted]
        canvas = paint_people(background, light, placed, props)
    image, human, category = canvas.finished()
    people = [ToyPerson(i, person.figure.front, person.corners(), person) for i, person in enumerate(placed, 1)]
    parts = part_ids(category, human, NUM_CLASSES)[0]
    return ToyScene(expose(rng, image), category, human, parts.astype(np.min_scalar_type(parts.max())), people)


def check_size(size: Sequence[int]) -> tuple[int, int]:
    """The (W, H) that ``size`` stands for, or InputError."""
    if len(size) != 2 or not all(isinstance(side, (int, np.integer)) and MIN_SIDE <= side <= 4096 for side in size):
        raise InputError(f'size must be (width, height), two integers in {MIN_SIDE}..4096, not {size}')
    return int(size[0]), int(size[1])


def parse_size(text: str) -> tuple:
    """What ``--size`` says: ``'320x240'`` → (320, 240); ``'240x180-320x240'`` → ((240, 180), (320, 240))."""
    try:
        sizes = [tuple(int(side) for side in size.split('x')) for size in text.split('-')]
    except ValueError as error:
        raise InputError(f'--size must look like 320x240 or 240x180-320x240, not {text!r}') from error
    return sizes[0] if len(sizes) == 1 else tuple(sizes)


def check_max_people(max_people: int) -> None:
    """InputError unless ``max_people`` is in its range."""
    if not isinstance(max_people, (int, np.integer)) or not 1 <= max_people <= 60:
        raise InputError(f'max_people must be an integer in 1..60, not {max_people!r}')


def paint_people(background: np.ndarray, light_from_left: bool, placed: Sequence[Placed],
                 props: Sequence[Layer] = ()) -> Canvas:
    """The canvas with people from far to near, and what stands before them."""
    canvas = Canvas(background, light_from_left)
    for i, person in enumerate(placed, 1):
        (x0, _), (x1, y1) = person.extent()
        canvas.shadow(np.array([(x0 + x1) / 2, y1 - 0.01 * person.scale]), 0.16 * person.scale, 0.035 * person.scale)
        for layer in person.figure.layers:
            canvas.paint(layer, i, person.scale, person.origin)
    for prop in props:
        canvas.paint(prop, 0, SUPERSAMPLING, np.zeros(2))
    return canvas


def _foreground(rng: np.random.Generator, width: int, height: int) -> list[Layer]:
    """Now and then a post, a bush or a ball in front of everybody, in pixels of the picture."""
    if rng.random() > 0.16:
        return []
    x, material = rng.uniform(0, width), cloth(rng, height)
    kind = rng.choice(['post', 'bush', 'ball'])
    if kind == 'post':
        top, half = rng.uniform(0.2, 0.8) * height, rng.uniform(0.008, 0.02) * height
        post = np.array([(x - half, top), (x + half, top), (x + half, height), (x - half, height)])
        return [Layer([post], material, 0)]
    if kind == 'ball':
        radius = rng.uniform(0.05, 0.09) * height
        return [Layer([disc((x, height - radius), radius)], material, 0)]
    leaves = [disc((x + d * 0.06 * height, height), rng.uniform(0.06, 0.16) * height) for d in (-2, -1, 0, 1, 2)]
    return [Layer(leaves, Material(np.array([70.0, 130.0, 80.0]) * rng.uniform(0.6, 1.3)), 0)]


def _place_people(rng: np.random.Generator, width: int, height: int, max_people: int) -> list[Placed]:
    """People side by side with some overlap, far to near; some are cut off by the border."""
    odds = np.concatenate([_CROWD_ODDS, np.full(max(max_people - 6, 0), 0.05)])[:max_people]
    count = 1 + int(rng.choice(len(odds), p=odds / odds.sum()))
    slots = (rng.permutation(count) + rng.uniform(0.22, 0.78, count)) / count
    people = []
    for nearness, slot in zip(np.sort(rng.random(count)), slots):
        close_up = rng.random() < 0.1
        share = rng.uniform(1.1, 1.6) if close_up else rng.uniform(0.55, 0.72) + nearness * rng.uniform(0.1, 0.28)
        share *= 1 if count < 4 else 0.88
        scale = min(share * height, 1.7 * width) * SUPERSAMPLING
        figure = _random_figure(rng, scale)
        (x0, y0), (x1, y1) = figure.extent()
        if close_up:
            top = rng.uniform(0.03, 0.2) * height * SUPERSAMPLING
        else:
            foot = min(0.8 + 0.18 * nearness + rng.normal(0, 0.02), 1.03)
            top = foot * height * SUPERSAMPLING - (y1 - y0) * scale
        centre = slot * width * SUPERSAMPLING
        if rng.random() < 0.08:
            centre = rng.choice([0.02, 0.98]) * width * SUPERSAMPLING
        people.append(Placed(figure, scale, np.array([centre - 0.5 * (x0 + x1) * scale, top - y0 * scale])))
    return people


def _random_figure(rng: np.random.Generator, scale: float) -> Figure:
    front = bool(rng.random() < _FACING_ODDS)
    skeleton = pose_body(random_body(rng), random_pose(rng, front=front))
    return build_figure(skeleton, random_outfit(rng, scale=scale, front=front))


def expose(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Uneven light, a tint, and a little blur and noise."""
    height, width = image.shape[:2]
    light: np.ndarray = rng.uniform(0.84, 1.1, (3, 4)).astype(np.float32)
    light = cv2.resize(light, (width, height), interpolation=cv2.INTER_CUBIC)
    tint = rng.normal(1, 0.04, 3).astype(np.float32)
    exposed: np.ndarray = image * light[..., None] * tint
    if rng.random() < 0.4:
        exposed = cv2.GaussianBlur(exposed, (0, 0), rng.uniform(0.3, 0.9))
    if rng.random() < 0.8:
        exposed += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(1, 7))
    return np.clip(np.rint(exposed), 0, 255).astype(np.uint8)
