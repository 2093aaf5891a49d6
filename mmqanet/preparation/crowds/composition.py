"""One crowd: people of several photos before a backdrop, nearer ones over farther ones, in the picture and in the maps.

Letters: H, W height and width of the picture.
"""
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmqanet.errors import DataError
from mmqanet.preparation.crowds.backdrop import clear
from mmqanet.preparation.crowds.cutout import Cutout
from mmqanet.preparation.crowds.photos import Photo, Photos
from mmqanet.preparation.crowds.view import Placed, View, close_view, street_view

_COUNT_ODDS = (0.03, 0.17, 0.26, 0.22, 0.15, 0.1, 0.07)  # of 0, 1, 2, ... people
_CLOSE_ODDS = 0.4
_OWNER_ODDS = 0.35  # of a street view
_LARGEST = 2.2  # times a person may be enlarged
_TRIES = 12  # places tried for a person before a smaller crowd is accepted
_LEAST = 0.003  # of the picture: the visible pixels a person needs
_LEAST_SHARE = 0.2  # of the pixels that would be visible if nobody stood before
_LIGHT, _TINT = 0.4, 0.12  # how far brightness and colour of people go towards those of the backdrop


@dataclass(frozen=True)
class Crowd:
    """A picture and its ground truth.

    image: (H, W, 3) uint8 BGR. category, human: (H, W) uint8, class and person per pixel, 0 for background; people are
    numbered 1, 2, ... from the farthest to the nearest. sources: names of the photos, the backdrop's first.
    """

    image: np.ndarray
    category: np.ndarray
    human: np.ndarray
    sources: tuple[str, ...]


def compose_crowd(rng: np.random.Generator, photos: Photos, *, width: int, height: int,
                  flip_pairs: Sequence[tuple[int, int]] = ()) -> Crowd:
    """Compose a crowd of 0 to 6 people; every one is visible with at least 0.3 % of the picture.

    Args:
        rng: the only source of chance; the same state gives the same arrays.
        photos: one split's photos, nothing else is used.
        width, height: of the picture in pixels.
        flip_pairs: classes that a mirror swaps.

    Raises:
        DataError: a photo cannot be used.
    """
    count = int(rng.choice(len(_COUNT_ODDS), p=_COUNT_ODDS))
    backdrop, photo, empty = _draw_backdrop(rng, photos, flip_pairs)
    if rng.random() < _CLOSE_ODDS:
        view = close_view(rng, photo, empty, width=width, height=height)
    else:
        keep_owner = backdrop in photos.people and count > 0 and bool(rng.random() < _OWNER_ODDS)
        view = street_view(rng, photo, empty, width=width, height=height, keep_owner=keep_owner)
    others = [name for name in photos.people if name != backdrop]
    names = [str(name) for name in rng.choice(others, min(count - (view.owner is not None), len(others)), replace=False)]
    people = place_people(rng, view, [_turned(rng, photos.load(name), flip_pairs) for name in names])
    image, category, human = paint(view, people)
    return Crowd(_expose(rng, image), category, human, (backdrop, *names))


def place_people(rng: np.random.Generator, view: View, photos: Sequence[Photo]) -> list[Placed]:
    """Give people sizes and places so that each stays visible; who finds no place is left out.

    Returns:
        The people, the view's owner among them, from the farthest to the nearest.
    """
    low, high = view.heights
    heights = np.sort(np.exp(rng.uniform(np.log(low), np.log(high), len(photos))))[::-1]
    if len(photos) and view.owner is None:
        heights[0] = high * rng.uniform(0.85, 1)  # somebody stands where the view was made for
    people = [] if view.owner is None else [view.owner]
    for photo, height in zip(photos, heights):
        person = _lit(photo, view)
        scale = min(height / photo.person.alpha.shape[0], _LARGEST)
        cutout = person.resized(scale * rng.uniform(0.95, 1.05))
        height = scale * photo.person.alpha.shape[0]
        foot = view.horizon + (1 - view.eye_level) * height
        for _ in range(_TRIES):
            x = _column(rng, view, people, cutout.alpha.shape[1])
            candidate = Placed(cutout, x, round(foot) - cutout.alpha.shape[0], height)
            crowd = sorted([*people, candidate], key=lambda one: one.height)
            if _all_visible(crowd, view.image.shape[:2]):
                people = crowd
                break
    return people


def paint(view: View, people: Sequence[Placed]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Paint people, given from the farthest to the nearest, before the backdrop.

    Returns:
        image (H, W, 3) uint8 BGR; category and human (H, W) uint8, person k of ``people`` is human k + 1.
    """
    image = view.image.astype(np.float32)
    category, human = (np.zeros(image.shape[:2], np.uint8) for _ in range(2))
    for number, person in enumerate(people, 1):
        if person.shaded:
            _shade_ground(image, person)
        inside, part = _overlap(person, image.shape[:2])
        alpha = person.cutout.alpha[part][..., None]
        image[inside] += alpha * (person.cutout.image[part] - image[inside])
        mask = person.cutout.mask[part]
        category[inside][mask] = person.cutout.category[part][mask]
        human[inside][mask] = number
    return np.rint(image).astype(np.uint8), category, human


def _draw_backdrop(rng: np.random.Generator, photos: Photos,
                   flip_pairs: Sequence[tuple[int, int]]) -> tuple[str, Photo, np.ndarray]:
    """The name of a photo, the photo, and the photo without its person."""
    for name in rng.permutation(photos.backdrops)[:_TRIES].tolist():
        photo = _turned(rng, photos.load(name), flip_pairs)
        empty = clear(photo.image, photo.mask)
        if empty is not None:
            return name, photo, empty
    raise DataError(f'{photos.folder}: people fill their photos, no surroundings are left for a backdrop')


def _turned(rng: np.random.Generator, photo: Photo, flip_pairs: Sequence[tuple[int, int]]) -> Photo:
    return photo.mirrored(flip_pairs) if rng.random() < 0.5 else photo


def _lit(photo: Photo, view: View) -> Cutout:
    """The person with some of the difference in light between the two photos evened out."""
    gain = (view.ambient + 16) / (photo.ambient() + 16)
    bright = gain.mean()
    gain = np.clip(bright, 0.5, 2) ** _LIGHT * np.clip(gain / bright, 0.5, 2) ** _TINT
    return replace(photo.person, image=np.clip(photo.person.image * gain, 0, 255).astype(np.uint8))


def _column(rng: np.random.Generator, view: View, people: Sequence[Placed], width: int) -> int:
    """A left border: often close to somebody, at times over the picture's border."""
    if people and rng.random() < 0.65:
        other = people[int(rng.integers(len(people)))]
        columns = np.flatnonzero(other.cutout.mask.any(axis=0))
        gap = rng.choice([-1, 1]) * rng.uniform(0.2, 0.65) * (np.ptp(columns) + width)
        middle = other.x + (columns[0] + columns[-1]) / 2 + gap
    else:
        middle = rng.uniform(-0.04, 1.04) * view.image.shape[1]
    return round(middle - width / 2)


def _all_visible(people: Sequence[Placed], shape: tuple[int, int]) -> bool:
    """Whether of each of the people, far to near, enough is in sight."""
    taken = np.zeros(shape, bool)
    for person in reversed(people):
        inside, part = _overlap(person, shape)
        mask = person.cutout.mask[part]
        visible = np.count_nonzero(mask & ~taken[inside])
        if visible < max(_LEAST * taken.size, _LEAST_SHARE * np.count_nonzero(mask), 1):
            return False
        taken[inside] |= mask
    return True


def _overlap(person: Placed, shape: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The window of the picture that a cut-out covers, and the window of the cut-out that lies in the picture."""
    inside, part = [], []
    for start, length, size in zip((person.y, person.x), person.cutout.alpha.shape, shape):
        first, last = max(start, 0), max(min(start + length, size), max(start, 0))
        inside.append(slice(first, last))
        part.append(slice(first - start, last - start))
    return (inside[0], inside[1]), (part[0], part[1])


def _shade_ground(image: np.ndarray, person: Placed) -> None:
    """Darken the ground (H, W, 3) float32 below the feet softly, in place: without it people seem to float."""
    tall = person.cutout.alpha.shape[0]
    soles = np.flatnonzero(person.cutout.mask[-max(tall // 16, 1):].any(axis=0))
    foot = person.y + tall - 0.02 * person.height
    if not len(soles) or foot > image.shape[0] + 0.05 * person.height:
        return
    rows = np.arange(image.shape[0], dtype=np.float32)[:, None]
    columns = np.arange(image.shape[1], dtype=np.float32)
    middle, half = person.x + (soles[0] + soles[-1]) / 2, (soles[-1] - soles[0]) / 2 + 0.04 * person.height
    distance = ((columns - middle) / half) ** 2 + ((rows - foot) / (0.022 * person.height)) ** 2
    image *= (1 - 0.5 * np.exp(-1.2 * distance))[..., None]


def _expose(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """A common light and, now and then, a common grain."""
    exposed = image * rng.normal(1, 0.03, 3).astype(np.float32) * np.float32(rng.uniform(0.9, 1.1))
    if rng.random() < 0.5:
        exposed += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(1, 4))
    return np.clip(np.rint(exposed), 0, 255).astype(np.uint8)
