"""Dense pose of toy people in the official annotation format."""
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from mmqanet.functional.charts import PART_OF_CHART, PARTS
from mmqanet.functional.rle import encode_rle
from mmqanet.preparation.toy.scene import ToyScene
from mmqanet.preparation.toy.surface import draw_surface
from mmqanet.structures.surface_points import SIDE
from mmqanet.utils.files import read_json, write_bytes
from mmqanet.utils.processes import run_many

NUM_POINTS = 100  # of a person
_INSIDE = 0.25  # of a pixel, from its corner to the point: the pixel is the same by rounding and by cutting off
Box = tuple[int, int, int, int]


def write_dense_pose(people: Path, target: Path, *, draw: Callable[[str], ToyScene], workers: int = 0,
                     progress: bool = True) -> None:
    """Write the annotations of a split with dense pose.

    People of whom no part of the body is in sight stay without it.

    Args:
        people: the COCO-style JSON of the split, whose ``file_name`` without its extension is the name of a picture.
        target: JSON to write, the same with ``dp_x``, ``dp_y``, ``dp_I``, ``dp_U``, ``dp_V`` and ``dp_masks``.
        draw: a scene by name; picklable where there are ``workers``.
        progress: draw a progress bar on the terminal.
    """
    content = read_json(people, expected=dict)
    groups: dict[int, list[dict]] = {image['id']: [] for image in content['images']}
    for annotation in content['annotations']:
        groups[annotation['image_id']].append(annotation)
    tasks = [(Path(image['file_name']).stem, [(one['parsing_id'], tuple(one['bbox'])) for one in groups[image['id']]])
             for image in content['images']]
    found = run_many(partial(_annotate, draw), tasks, title=f'dense pose, {target.stem}', workers=workers, progress=progress)
    for image, fields in zip(content['images'], found):
        for annotation, own in zip(groups[image['id']], fields):
            annotation.update(own)
    write_bytes(target, json.dumps(content).encode())


def annotate_person(charts: np.ndarray, uv: np.ndarray, box: Box, rng: np.random.Generator) -> dict:
    """The fields of dense pose of one person.

    Args:
        charts: (H, W) uint8, of that person alone.
        uv: (2, H, W), U and V in [0, 1].
        box: x, y, w, h in whole pixels, around the person.

    Returns:
        ``dp_x``, ``dp_y``, ``dp_I``, ``dp_U``, ``dp_V`` of up to 100 points, drawn evenly from the coarse parts, and the 14
        ``dp_masks`` of 256×256 pixels (an empty list for a part out of sight); nothing where no part is in sight.
    """
    x0, y0, width, height = box
    charts, uv = charts[y0:y0 + height, x0:x0 + width], uv[:, y0:y0 + height, x0:x0 + width]
    parts = PART_OF_CHART[charts].astype(np.uint8)
    if not parts.any():
        return {}
    y, x = _spread(parts, rng)
    u, v = uv[:, y, x]
    return {
        'dp_x': _rounded((x + _INSIDE) * 255 / width), 'dp_y': _rounded((y + _INSIDE) * 255 / height),
        'dp_I': charts[y, x].tolist(), 'dp_U': _rounded(u), 'dp_V': _rounded(v), 'dp_masks': _masks(parts)}


def _annotate(draw: Callable[[str], ToyScene], task: tuple[str, list[tuple[int, Box]]]) -> list[dict]:
    name, people = task
    scene = draw(name)
    charts, uv = draw_surface(scene)
    rng = np.random.default_rng(list(name.encode()))
    return [annotate_person(charts * (scene.human == person), uv, box, rng) for person, box in people]


def _spread(parts: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of pixels of the parts: one of every part in turn."""
    turns, places = [], []
    for part in np.unique(parts[parts > 0]):
        own = rng.permutation(np.flatnonzero(parts == part))
        turns.append(np.arange(len(own)))
        places.append(own)
    order = np.argsort(np.concatenate(turns), kind='stable')[:NUM_POINTS]
    return np.unravel_index(np.concatenate(places)[order], parts.shape)


def _masks(parts: np.ndarray) -> list:
    """The masks of the coarse parts of a box; scaled back, nearest pixels give the same parts again."""
    rows, columns = (np.minimum(-(-np.arange(SIDE) * size // SIDE), size - 1) for size in parts.shape)
    seen = parts[rows[:, None], columns]
    return [encode_rle(seen == part) if (seen == part).any() else [] for part in range(1, len(PARTS))]


def _rounded(values: np.ndarray) -> list[float]:
    return np.round(values.astype(float), 4).tolist()
