"""Parse people with exported models: numpy, Pillow and onnxruntime are all it needs.

    python runtime.py photo.jpg [more.jpg ...] --out DIR [--model DIR]

    parser = Parser('DIR')
    people = parser('photo.jpg')['people']

This file stands alone, so that it can be copied beside the models; ``mmqanet export`` does that. It finds people, crops
them, runs the network, pastes, scores (paper, Algorithm 1 and Eq. 1) and merges as ``mmqanet parse`` does, and writes the
same JSON and palette PNG.

Letters: N people, C classes with background as class 0, H, W size of the image, h, w of a crop.
"""
import argparse
import io
import json
import os
import secrets
import stat
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

VERSION = 1
DIGITS = 5  # of scores in the JSON; boxes have two decimals
BAND = 2**20  # numbers in a band of a pasted person
PER_PIXEL = 4  # places of a detected box's side; finer ones are an engine's last digits
SLIMMEST = 40  # an image whose sides differ by more shows nobody
MOST_PASSES = 4  # of the search for small regions


FORMATS = ('JPEG', 'MPO', 'PNG', 'WEBP', 'BMP', 'DIB', 'GIF', 'TIFF', 'PPM', 'JPEG2000', 'AVIF', 'TGA')  # none is a program
MOST_BYTES = 2**31  # of a file
ELSEWHERE = b'\n\x08location\x12'  # how an ONNX file begins to say that a tensor lies in another file


class RuntimeProblem(ValueError):
    """A file, picture or box that cannot be used; one line that names it."""

    def __init__(self, message: str) -> None:
        super().__init__(shown(message))


def shown(text: object) -> str:
    """A text with what a terminal would obey, such as control characters in the name of a file, escaped."""
    return ''.join(char if char.isprintable() else char.encode('unicode_escape').decode() for char in str(text))


class Parser:
    """A parser, and a detector where there is one, out of a folder that ``mmqanet export`` made.

    Args:
        folder: with ``meta.json``, ``parser.onnx`` and perhaps ``detector.onnx``.
        threads: of onnxruntime; 0 takes all processors.

    Raises:
        RuntimeProblem: a file is missing, broken, or of another model.
    """

    def __init__(self, folder: str | Path, *, threads: int = 0) -> None:
        self.folder = Path(folder)
        self.meta = read_meta(self.folder / 'meta.json')
        self.network = open_model(self.folder / 'parser.onnx', self.meta['id'], threads=threads)
        self.detector = None
        if self.meta['detector']:
            self.detector = open_model(self.folder / 'detector.onnx', self.meta['detector']['id'], threads=threads)

    def __call__(self, image: Any, boxes: Any = None, box_scores: Any = None, *, name: str | None = None) -> dict[str, Any]:
        """Parse the people of an image.

        Args:
            image: a path, an image of Pillow, or (H, W, 3) uint8 RGB.
            boxes: (N, 4) x1, y1, x2, y2 in pixels; by default the detector finds them, and without a detector the whole
                image is one person.
            box_scores: (N,) in [0, 1], 1 by default.
            name: what the result calls the image; the path by default.

        Returns:
            dict: a parsing after ``mmqanet/schemas/parsing.schema.json``.

        Raises:
            RuntimeProblem: the image cannot be read, or boxes or scores are out of range.
        """
        return self.parse(image, boxes, box_scores, name=name)[0]

    def parse(self, image: Any, boxes: Any = None, box_scores: Any = None, *,
              name: str | None = None) -> tuple[dict[str, Any], np.ndarray]:
        """As a call; the class map (H, W) uint8 comes along."""
        source = str(image) if isinstance(image, str | Path) else 'image'
        pixels = read_image(image)
        shape = pixels.shape[:2]
        found = boxes is None
        if found:
            boxes, box_scores = self.find_people(pixels)
        boxes, box_scores = _checked_boxes(boxes, box_scores, shape, source)
        people = [self._parse_person(pixels, box, score) for box, score in zip(boxes, box_scores)]
        category, human = merge(people, self.meta, shape, box_score_thr=0.0 if found else self.meta['bbox_score_thr'])
        result = dict(version=VERSION, name=name or Path(source).stem, source=source, height=shape[0], width=shape[1],
                      classes=self.meta['classes'], people=describe(people, category, human, self.meta))
        result['crop_sampler'] = self.meta['sampler']
        return result, category

    def find_people(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes (N, 4) and scores (N,) of the people in (H, W, 3) uint8 RGB."""
        height, width = image.shape[:2]
        if self.detector is None:
            return np.array([[0, 0, width, height]], np.float32), np.ones(1, np.float32)
        if max(height, width) > SLIMMEST * min(height, width):
            return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        return detect(self.detector, image, self.meta['detector'])

    def _parse_person(self, image: np.ndarray, box: np.ndarray, box_score: float) -> dict[str, Any]:
        centre, extent = person_crop(box, self.meta['input_size'], self.meta['padding'])
        window = window_of(centre, extent)
        crop = (align(image, window, self.meta['input_size']) if _averages(self.meta, extent)
                else warp(image, centre, extent, self.meta['input_size']))
        probs, iou = self.network.run(['probs', 'iou'], {'crops': crop.transpose(2, 0, 1)[None]})
        if probs.shape != (1, len(self.meta['classes']), *crop.shape[:2]) or iou.shape != (1,):
            raise RuntimeProblem(f'{self.network.path}: gives {probs.shape} and {iou.shape} for a crop of {crop.shape[:2]}')
        probs = absorb_small_regions(probs[0], min_share=self.meta['min_region'])
        label_map, offset, pixel, parts = paste(probs, window, image.shape[:2], threshold=self.meta['pixel_score_thr'])
        iou_score = float(np.clip(iou[0], 0, 1))
        weights = self.meta['quality_weights']
        return dict(box=box, label_map=label_map, offset=offset, box_score=float(box_score), iou_score=iou_score,
                    pixel_score=float(pixel), part_pixel_scores=parts,
                    quality=float(fuse(box_score, iou_score, pixel, weights)),
                    part_qualities=fuse(box_score, iou_score, parts, weights))


# -- files -------------------------------------------------------------------------------------------------------------

class Network:
    """A session of onnxruntime that knows its file.

    Args:
        session: of onnxruntime.
        path: what errors call it.
    """

    def __init__(self, session: Any, path: Path) -> None:
        self.session, self.path = session, path

    def run(self, names: list[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs called ``names``; a ``RuntimeProblem`` where there are none, or one holds NaN or infinity."""
        try:
            found = [np.asarray(value) for value in self.session.run(names, given)]
            finite = all(np.isfinite(value).all() for value in found)
        except Exception as error:  # onnxruntime raises many kinds
            raise RuntimeProblem(f'{self.path}: cannot be run ({_line(error)})') from None
        if not finite:
            raise RuntimeProblem(f'{self.path}: gives NaN or infinity')
        return found


def read_file(path: str | Path) -> bytes:
    """The content of a regular file: a pipe would be waited for, and a device may never end."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise RuntimeProblem(f'{path}: ' + ('is a folder' if stat.S_ISDIR(found.st_mode) else 'is no file'))
        if found.st_size > MOST_BYTES:
            raise RuntimeProblem(f'{path}: {found.st_size:,} bytes, and files of more than {MOST_BYTES:,} are not read')
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise RuntimeProblem(f'{path}: no such file') from None
    except OSError as error:
        raise RuntimeProblem(f'{path}: {error.strerror}') from None


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [''])[0] or type(error).__name__


def open_model(path: Path, identity: str, *, threads: int = 0) -> Network:
    """An exported model whose metadata hold the ``identity`` that the meta file names."""
    try:
        import onnxruntime
    except ImportError:
        raise RuntimeProblem("the package onnxruntime is missing (pip install onnxruntime)") from None
    content = read_file(path)
    if ELSEWHERE in content:
        raise RuntimeProblem(f'{path}: its tensors lie in other files, which are not opened')
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(content, options, providers=onnxruntime.get_available_providers())
    except Exception as error:  # onnxruntime raises many kinds for broken files
        raise RuntimeProblem(f'{path}: not readable as an ONNX model ({_line(error)})') from None
    found = session.get_modelmeta().custom_metadata_map.get('mmqanet.id')
    if found != identity:
        raise RuntimeProblem(f'{path}: ' + ('of another model than meta.json' if found else 'not made by mmqanet export'))
    return Network(session, path)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**31


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31


def _is_size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_is_count(side) and side <= MOST_SIDE for side in value)


def _is_colour(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(isinstance(part, int) and 0 <= part < 256 for part in value)


def _is_line(value: Any) -> bool:
    """Whether a value is a line of a calibration: qualities that increase, beside IoUs that do not decrease."""
    if not isinstance(value, dict) or not all(
            isinstance(value.get(key), list) and all(map(_is_share, value[key])) for key in ('qualities', 'ious')):
        return False
    qualities, ious = value['qualities'], value['ious']
    return (len(qualities) == len(ious) > 0 and all(one < other for one, other in pairwise(qualities))
            and all(one <= other for one, other in pairwise(ious)))


def _is_calibration(value: Any) -> bool:
    return isinstance(value, dict) and _is_line(value.get('people')) and isinstance(value.get('parts'), list) and all(
        map(_is_line, value['parts']))


MOST_SIDE = 10_000  # pixels of what a network takes
META = {
    'id': _is_text,
    'classes': lambda value: isinstance(value, list) and 2 <= len(value) < 256 and all(map(_is_text, value)),
    'palette': lambda value: isinstance(value, list) and all(map(_is_colour, value)),
    'input_size': _is_size, 'padding': lambda value: _is_number(value) and 0 < value <= 100,
    'sampler': lambda value: value in ('align', 'warp', 'auto'), 'min_region': _is_share, 'pixel_score_thr': _is_share,
    'quality_weights': lambda value: isinstance(value, list) and len(value) == 3 and all(
        _is_number(weight) and weight >= 0 for weight in value) and sum(value) > 0,
    'bbox_score_thr': _is_share, 'nms_iou_thr': _is_number, 'instance_score_thr': _is_share,
    'calibration': lambda value: value is None or _is_calibration(value),
    'detector': lambda value: value is None or isinstance(value, dict)}
DETECTOR_META = {
    'id': _is_text, 'scale': _is_size, 'divisor': lambda value: _is_count(value) and value <= MOST_SIDE,
    'nms_pre': _is_count, 'candidate_thr': _is_share, 'min_bbox_size': _is_number, 'iou_threshold': _is_share,
    'max_per_img': _is_count, 'score_thr': _is_share, 'max_people': _is_count}


def read_meta(path: Path) -> dict[str, Any]:
    """What ``meta.json`` says, each entry checked; a ``RuntimeProblem`` names one that cannot be."""
    try:
        meta = json.loads(read_file(path).decode())
    except RuntimeProblem:
        raise
    except (ValueError, RecursionError) as error:
        raise RuntimeProblem(f'{path}: not readable as JSON ({error})') from None
    _check_entries(meta, META, path)
    if len(meta['palette']) != len(meta['classes']):
        raise RuntimeProblem(f'{path}: {len(meta["palette"])} colours for {len(meta["classes"])} classes')
    if meta['calibration'] is not None and len(meta['calibration']['parts']) != len(meta['classes']) - 1:
        raise RuntimeProblem(f'{path}: calibration of {len(meta["calibration"]["parts"])} parts for '
                             f'{len(meta["classes"])} classes')
    if meta['detector'] is not None:
        _check_entries(meta['detector'], DETECTOR_META, path, 'detector.')
    return meta


def _check_entries(given: Any, wanted: dict[str, Any], path: Path, where: str = '') -> None:
    for name, fits in wanted.items():
        if not isinstance(given, dict) or name not in given:
            raise RuntimeProblem(f'{path}: not the meta file of an export, {where + name!r} is missing')
        if not fits(given[name]):
            raise RuntimeProblem(f'{path}: {where}{name} cannot be {str(given[name])[:60]}')


def read_image(image: Any) -> np.ndarray:
    """(H, W, 3) uint8 RGB of a path, an image of Pillow, or such an array."""
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise RuntimeProblem(f'image: must be (H, W, 3) uint8, not {image.shape} {image.dtype}')
        return image
    try:
        picture = image if isinstance(image, Image.Image) else Image.open(io.BytesIO(read_file(image)), formats=_formats())
        picture = ImageOps.exif_transpose(picture)
        if picture.has_transparency_data:
            paper = Image.new('RGBA', picture.size, 'white')
            picture = Image.alpha_composite(paper, picture.convert('RGBA'))
        return np.asarray(picture.convert('RGB'))
    except RuntimeProblem:
        raise
    except Exception as error:  # Pillow raises many kinds for broken files
        reason = 'no known format' if isinstance(error, UnidentifiedImageError) else _line(error)
        raise RuntimeProblem(f'{image}: not readable as an image ({reason})') from None


def _formats() -> tuple[str, ...]:
    """The formats that are opened, of those that this Pillow knows: one of its others runs a program (PostScript)."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _checked_boxes(boxes: Any, scores: Any, shape: tuple[int, int], source: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
        scores = np.ones(len(boxes), np.float32) if scores is None else np.asarray(scores, np.float32).reshape(-1)
    except (ValueError, TypeError):
        raise RuntimeProblem(f'{source}: boxes must be (N, 4) numbers x1, y1, x2, y2, box_scores (N,)') from None
    x1, y1, x2, y2 = boxes.T
    fine = np.isfinite(boxes).all(axis=1) & (x2 > x1) & (y2 > y1) & (x1 < shape[1]) & (y1 < shape[0]) & (x2 > 0) & (y2 > 0)
    if not fine.all():
        box = boxes[~fine][0].tolist()
        raise RuntimeProblem(f'{source}: box {box} has no area, lies outside the image or is not finite')
    if len(scores) != len(boxes) or not ((scores >= 0) & (scores <= 1)).all():
        raise RuntimeProblem(f'{source}: box_scores must be numbers in [0, 1], one for each box ({len(boxes)})')
    return boxes, scores


# -- from the image to the network -------------------------------------------------------------------------------------

def detect(network: Network, image: np.ndarray, meta: dict) -> tuple[np.ndarray, np.ndarray]:
    """Run the detector on (H, W, 3) uint8 RGB: boxes (N, 4), in quarters of a pixel, and scores (N,), best first."""
    height, width = image.shape[:2]
    long, short = max(meta['scale']), min(meta['scale'])
    factor = min(long / max(height, width), short / min(height, width))
    size = int(width * factor + 0.5), int(height * factor + 0.5)
    small = resize(image, size)
    divisor = meta['divisor']
    padded = np.zeros((-(-size[1] // divisor) * divisor, -(-size[0] // divisor) * divisor, 3), np.uint8)
    padded[:size[1], :size[0]] = small
    boxes, classness, centerness, levels = network.run(
        ['boxes', 'classness', 'centerness', 'levels'],
        {'image': padded.transpose(2, 0, 1)[None], 'size': np.array(size[::-1], np.int64)})
    if boxes.shape != (len(levels), 4) or not classness.shape == centerness.shape == levels.shape:
        raise RuntimeProblem(f'{network.path}: gives boxes of {boxes.shape} and scores of {classness.shape}')
    kept = [np.empty(0, np.int64)]
    for level in np.unique(levels):
        places = np.flatnonzero(levels == level)
        places = places[np.argsort(-classness[places], kind='stable')[:meta['nms_pre']]]
        kept.append(places[classness[places] > meta['candidate_thr']])
    order = np.concatenate(kept)
    scale = np.array([size[0] / width, size[1] / height] * 2, np.float32)
    boxes, scores = boxes[order] / scale, (classness * centerness)[order]
    large = (boxes[:, 2:] - boxes[:, :2] > meta['min_bbox_size']).all(axis=1)
    boxes, scores = suppress(boxes[large], scores[large], meta['iou_threshold'])
    boxes, scores = boxes[:meta['max_per_img']].clip(0, [width, height] * 2), scores[:meta['max_per_img']]
    boxes = (np.rint(boxes * PER_PIXEL) / PER_PIXEL).astype(np.float32)
    good = (scores >= meta['score_thr']) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return boxes[good][:meta['max_people']], scores[good][:meta['max_people']]


def suppress(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Greedy suppression: the boxes that overlap no better one by an IoU above the threshold, best first."""
    order = np.argsort(-scores, kind='stable')
    boxes, scores = boxes[order], scores[order]
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    alive = np.ones(len(boxes), bool)
    for index in range(len(boxes)):
        if alive[index]:
            best, rest = boxes[index], boxes[index + 1:]
            shared = (np.minimum(best[2:], rest[:, 2:]) - np.maximum(best[:2], rest[:, :2])).clip(0).prod(axis=1)
            alive[index + 1:] &= shared <= threshold * (areas[index] + areas[index + 1:] - shared)
    return boxes[alive], scores[alive]


def person_crop(box: np.ndarray, size: tuple[int, int], padding: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Centre (x, y) and extent (w, h) in the image of a crop of ``size``: the box, widened to its shape and padded."""
    x1, y1, x2, y2 = (float(value) for value in box)
    aspect = size[0] / size[1]
    width, height = max(x2 - x1, (y2 - y1) * aspect), max(y2 - y1, (x2 - x1) / aspect)
    return ((x1 + x2) / 2, (y1 + y2) / 2), (width * padding, height * padding)


def window_of(centre: tuple[float, float], extent: tuple[float, float]) -> tuple[float, float, float, float]:
    """x1, y1, x2, y2 of a crop."""
    (x, y), (width, height) = centre, extent
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _averages(meta: dict[str, Any], extent: tuple[float, float]) -> bool:
    """Whether the pixels of a crop are averaged, as ``WarpCrops`` decides."""
    much_larger = max(extent[0] / meta['input_size'][0], extent[1] / meta['input_size'][1]) > 2.0
    return meta['sampler'] == 'align' or (meta['sampler'] == 'auto' and much_larger)


def warp(image: np.ndarray, centre: tuple[float, float], extent: tuple[float, float], size: tuple[int, int]) -> np.ndarray:
    """Interpolate (H, W, 3) uint8 at the pixel centres of a crop → (h, w, 3) uint8; outside the image is 0.

    As OpenCV's ``warpAffine`` does, bit for bit: it inverts the map, rounds places to 1024ths of a pixel, in a column's the
    way from the first column apart from the place of that, and these to 32nds, and weights to 1024ths. The corners of the
    window would not do instead of centre and extent: their last digits decide on places half way between two 1024ths.
    """
    across, down = size[0] / extent[0], size[1] / extent[1]
    area = 1 / (across * down)
    x_step, x_start = down * area, -down * area * _shift(centre[0], across, size[0])
    y_step, y_start = across * area, -across * area * _shift(centre[1], down, size[1])
    columns, column_weights = _warp_taps(
        np.rint(np.arange(size[0]) * x_step * 1024) + np.rint(x_start * 1024), image.shape[1])
    rows, row_weights = _warp_taps(np.rint((np.arange(size[1]) * y_step + y_start) * 1024), image.shape[0])
    left, right = columns.min(), columns.max() + 1
    image = image[:, left:right]
    tall = sum(image[row] * weight[:, None, None] for row, weight in zip(rows, row_weights))
    crop = sum(tall[:, column - left] * weight[:, None] for column, weight in zip(columns, column_weights))
    return ((crop.astype(np.int32) + 512) >> 10).astype(np.uint8)


def _shift(middle: float, scale: float, bins: int) -> float:
    """Where index 0 of an axis of the image lies among the indices of the crop; the order of the sums matters."""
    return bins / 2 - scale * middle + (scale * 0.5 - 0.5)


def _warp_taps(places: np.ndarray, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """The two pixels (2, bins) that each place in 1024ths lies between, and their weights in 32nds, 0 outside the image."""
    places = (places.astype(np.int64) + 16) >> 5
    indices = np.stack([places >> 5, (places >> 5) + 1])
    weights = np.stack([32 - (places & 31), places & 31]) * ((indices >= 0) & (indices < pixels))
    return indices.clip(0, pixels - 1), weights.astype(np.float32)


def align(image: np.ndarray, window: tuple[float, ...], size: tuple[int, int]) -> np.ndarray:
    """Average (H, W, 3) uint8 over the pixels of a crop, as RoIAlign does (``sampling_ratio=0, aligned=True``)."""
    def weights(start: float, length: float, bins: int, pixels: int) -> np.ndarray:
        per_bin = max(int(np.ceil(length / bins)), 1)
        points = start + (np.arange(bins * per_bin) + 0.5) / per_bin * (length / bins) - 0.5
        inside = (points >= -1) & (points <= pixels)
        points = points.clip(0, pixels - 1)
        low = np.minimum(points.astype(np.int64), max(pixels - 2, 0))
        high, fraction = np.minimum(low + 1, pixels - 1), points - low
        table = np.zeros((bins, pixels))
        for index, weight in ((low, 1 - fraction), (high, fraction)):
            np.add.at(table, (np.arange(bins * per_bin) // per_bin, index), np.where(inside, weight, 0) / per_bin)
        return table.astype(np.float32)

    x1, y1, x2, y2 = window
    rows, columns = weights(y1, y2 - y1, size[1], image.shape[0]), weights(x1, x2 - x1, size[0], image.shape[1])
    channels = [rows @ image[..., channel].astype(np.float32) @ columns.T for channel in range(3)]
    return np.stack(channels, axis=-1).round().clip(0, 255).astype(np.uint8)


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Interpolate (H, W, 3) uint8 bilinearly, without averaging → (h, w, 3) uint8; ``size`` is (w, h).

    As OpenCV's ``resize`` does, bit for bit: with weights in 2048ths, and rounded where it rounds.
    """
    def taps(bins: int, pixels: int, *, clip: bool) -> tuple[np.ndarray, np.ndarray]:
        places = ((np.arange(bins) + 0.5) * (pixels / bins) - 0.5).astype(np.float32)
        if clip:  # in a row; the first and last rows are mixed with themselves, which rounds otherwise
            places = places.clip(0, pixels - 1)
        low = np.floor(places).astype(np.int32)
        fraction = places - low
        weights = np.rint(np.stack([1 - fraction, fraction]) * np.float32(2048)).astype(np.int32)
        return np.stack([low, low + 1]).clip(0, pixels - 1), weights

    rows, row_weights = taps(size[1], image.shape[0], clip=False)
    columns, column_weights = taps(size[0], image.shape[1], clip=True)
    wide = sum(image[:, column].astype(np.int32) * weight[:, None] for column, weight in zip(columns, column_weights)) >> 4
    small = sum((wide[row] * weight[:, None, None]) >> 16 for row, weight in zip(rows, row_weights))
    return ((small + 2) >> 2).clip(0, 255).astype(np.uint8)


# -- from the network to people ----------------------------------------------------------------------------------------

def best_class(probs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximum over the classes of (C, ...) and the first class (...) uint8 that has it."""
    best, labels = probs[0].copy(), np.zeros(probs.shape[1:], np.uint8)
    for label in range(1, len(probs)):
        labels[probs[label] > best] = label
        np.maximum(best, probs[label], out=best)
    return best, labels


def absorb_small_regions(probs: np.ndarray, *, min_share: float) -> np.ndarray:
    """Give 4-connected regions of less than a share of (C, h, w) to the next best classes, pixel by pixel."""
    if not min_share:
        return probs
    labels = best_class(probs)[1]
    for _ in range(MOST_PASSES):
        regions = connected_regions(labels)
        small = (np.bincount(regions.ravel()) < min_share * labels.size)[regions]
        if not small.any():
            break
        pixels = probs[:, small]
        others = pixels.copy()
        np.put_along_axis(others, pixels.argmax(0)[None], 0, axis=0)
        total = others.sum(0)
        pixels = np.where(total > 0, others / np.maximum(total, np.finfo(np.float32).tiny), pixels)
        probs = probs.copy()
        probs[:, small] = pixels
        labels[small] = pixels.argmax(0)
    return probs


def connected_regions(labels: np.ndarray) -> np.ndarray:
    """A number (h, w) for the 4-connected region of equal labels that each pixel is in."""
    begins = np.ones(labels.shape, bool)
    np.not_equal(labels[:, 1:], labels[:, :-1], out=begins[:, 1:])
    stretches = begins.ravel().cumsum().reshape(labels.shape) - 1  # runs of a row
    linked = labels[1:] == labels[:-1]
    above, below = stretches[:-1][linked], stretches[1:][linked]
    root = np.arange(stretches[-1, -1] + 1)
    while True:
        one, other = root[above], root[below]
        apart = one != other
        if not apart.any():
            return root[stretches]
        np.minimum.at(root, np.maximum(one, other)[apart], np.minimum(one, other)[apart])
        while (root != root[root]).any():
            root = root[root]


def paste(probs: np.ndarray, window: tuple[float, ...], shape: tuple[int, int], *,
          threshold: float) -> tuple[np.ndarray, tuple[int, int], float, np.ndarray]:
    """Interpolate (C, h, w) probabilities at the image's pixels and reduce them, a band of rows at a time.

    Returns:
        The label map (h_i, w_i) uint8 of the pixels that the window touches, the (y, x) of its first pixel, the instance's
        pixel score and the parts' (C-1,) float32 (paper, Algorithm 1).
    """
    num_classes, height, width = probs.shape
    x1, y1, x2, y2 = window
    top, bottom = _touched(y1, y2, height, shape[0])
    left, right = _touched(x1, x2, width, shape[1])
    label_map = np.zeros((bottom - top, right - left), np.uint8)
    sums, counts = np.zeros(num_classes), np.zeros(num_classes)
    if label_map.size:
        classes = np.flatnonzero(probs.max(axis=(1, 2)) >= 0.9 / num_classes)  # no other can be the largest anywhere
        wide = probs[classes] @ _hats(x1, x2, width, left, right).T
        step = max(BAND // (len(classes) * label_map.shape[1]), 1)
        for first in range(top, bottom, step):
            last = min(first + step, bottom)
            weights = _hats(y1, y2, height, first, last)
            used = np.flatnonzero(weights.any(axis=0))
            rows = slice(used[0], used[-1] + 1) if len(used) else slice(0, 0)
            values, ranks = best_class(weights[:, rows] @ wide[:, rows])
            labels = classes[ranks].astype(np.uint8)
            sure = values >= threshold
            sums += np.bincount(labels[sure], values[sure].astype(np.float64), minlength=num_classes)
            counts += np.bincount(labels[sure], minlength=num_classes)
            labels[values < np.float32(1 / num_classes)] = 0
            label_map[first - top:last - top] = labels
    number = counts.sum()
    if threshold == 0:
        counts[:], number = shape[0] * shape[1], shape[0] * shape[1]
    return label_map, (top, left), sums.sum() / max(number, 1e-6), (sums / np.maximum(counts, 1e-6))[1:].astype(np.float32)


def _touched(start: float, stop: float, samples: int, pixels: int) -> tuple[int, int]:
    """The first and, plus 1, the last pixel whose centre lies less than half a sample outside [start, stop]."""
    margin = (stop - start) / samples / 2
    first = int(np.ceil(start - margin - 0.5).clip(0, pixels))
    return first, int((np.floor(stop + margin - 0.5) + 1).clip(first, pixels))


def _hats(start: float, stop: float, samples: int, first: int, last: int) -> np.ndarray:
    """Bilinear weights (last - first, samples) of the samples that cover [start, stop] at pixels, zeros outside."""
    places = (np.arange(first, last) + 0.5 - start) * (samples / (stop - start)) - 0.5
    return (1 - np.abs(places[:, None] - np.arange(samples))).clip(0).astype(np.float32)


def fuse(box: Any, iou: Any, pixel: Any, weights: Any) -> Any:
    """Weighted geometric mean of box, IoU and pixel scores (paper, Eq. 1)."""
    alpha, beta, gamma = np.asarray(weights, np.float64) / sum(weights)
    return np.float64(box) ** alpha * np.float64(iou) ** beta * np.asarray(pixel, np.float64) ** gamma


# -- from people to the image ------------------------------------------------------------------------------------------

def merge(people: list[dict], meta: dict, shape: tuple[int, int], *, box_score_thr: float) -> tuple[np.ndarray, np.ndarray]:
    """The class map (H, W) uint8 and the person map (H, W) int32, 1-based, 0 for nobody, of the people's own classes.

    The class map shows people of at least a box score, better ones on top; the person map those of a sufficient quality
    that the suppression leaves. ``human`` comes with the class that its person shows: see :func:`describe`.
    """
    box_scores, qualities = (np.array([person[key] for person in people]) for key in ('box_score', 'quality'))
    category = np.zeros(shape, np.uint8)
    for index in np.argsort(box_scores, kind='stable'):
        if box_scores[index] >= box_score_thr:
            _paint(category, people[index], people[index]['label_map'])
    kept = sorted(suppress_people(people, len(meta['classes']), meta['nms_iou_thr'], shape))
    kept = [index for index in kept if qualities[index] >= meta['instance_score_thr']]
    human = np.zeros(shape, np.int32)
    for index in sorted(kept, key=lambda index: qualities[index]):
        _paint(human, people[index], index + 1)
    return category, human


def _paint(canvas: np.ndarray, person: dict, value: Any) -> None:
    """Put a value on the pixels of a person."""
    np.copyto(canvas[_window(person)], value, where=person['label_map'] != 0, casting='unsafe')


def _window(person: dict) -> tuple[slice, slice]:
    (top, left), (height, width) = person['offset'], person['label_map'].shape
    return slice(top, top + height), slice(left, left + width)


def suppress_people(people: list[dict], num_classes: int, threshold: float, shape: tuple[int, int]) -> list[int]:
    """By descending quality, a person suppresses later ones whose mean IoU with it, over the classes of either, background
    included, reaches the threshold; the survivors."""
    areas = np.array([np.bincount(person['label_map'].ravel(), minlength=num_classes) for person in people])
    areas = areas.reshape(-1, num_classes)
    areas[:, 0] = shape[0] * shape[1] - areas[:, 1:].sum(axis=1)
    left = list(np.argsort(-np.array([person['quality'] for person in people]), kind='stable'))
    kept = []
    while left:
        first = left.pop(0)
        kept.append(first)
        left = [other for other in left if _mean_iou(people, areas, first, other) < threshold]
    return kept


def _mean_iou(people: list[dict], areas: np.ndarray, a: int, b: int) -> float:
    """Mean IoU of two people's whole maps over the classes in either."""
    (rows_a, columns_a), (rows_b, columns_b) = _window(people[a]), _window(people[b])
    top, bottom = max(rows_a.start, rows_b.start), min(rows_a.stop, rows_b.stop)
    left, right = max(columns_a.start, columns_b.start), min(columns_a.stop, columns_b.stop)
    inter, both = np.zeros(areas.shape[1], np.int64), 0
    if bottom > top and right > left:
        one, other = (person['label_map'][top - person['offset'][0]:bottom - person['offset'][0],
                                          left - person['offset'][1]:right - person['offset'][1]]
                      for person in (people[a], people[b]))
        inter = np.bincount(one[one == other], minlength=areas.shape[1])
        both = np.count_nonzero((one != 0) & (other != 0))
    inter[0] = areas[a].sum() - areas[a, 1:].sum() - areas[b, 1:].sum() + both
    union = areas[a] + areas[b] - inter
    return float((inter[union > 0] / union[union > 0]).mean())


def describe(people: list[dict], category: np.ndarray, human: np.ndarray, meta: dict) -> list[dict[str, Any]]:
    """The people with visible pixels and their visible parts, as plain data."""
    described, calibration = [], meta['calibration'] or dict(people=None, parts=[None] * len(meta['classes']))
    for index in np.unique(human[human > 0]) - 1:
        person = people[index]
        window = _window(person)
        visible = np.where(human[window] == index + 1, person['label_map'], 0)
        parts = []
        for label in np.unique(visible[visible > 0]).tolist():
            mask, quality = visible == label, person['part_qualities'][label - 1]
            parts.append(dict(
                label=label, name=meta['classes'][label], quality=_score(quality),
                **_expected(calibration['parts'][label - 1], quality),
                pixel_score=_score(person['part_pixel_scores'][label - 1]), area=int(mask.sum()),
                rle=encode_rle(mask, person['offset'], category.shape)))
        described.append(dict(
            id=int(index) + 1, box=[round(float(value), 2) for value in person['box']], quality=_score(person['quality']),
            **_expected(calibration['people'], person['quality']),
            scores=dict(box=_score(person['box_score']), iou=_score(person['iou_score']),
                        pixel=_score(person['pixel_score'])), parts=parts))
    return described


def _expected(line: dict[str, list[float]] | None, quality: float) -> dict[str, float]:
    """The IoU to expect at a quality, by a line of the calibration, if there is one."""
    return {} if line is None else dict(expected_iou=_score(np.interp(quality, line['qualities'], line['ious'])))


def _score(value: Any) -> float:
    return round(float(value), DIGITS)


def encode_rle(mask: np.ndarray, offset: tuple[int, int], shape: tuple[int, int]) -> dict[str, Any]:
    """A mask at (y, x) of an image of (H, W) → COCO's compressed run lengths, ``{'size': [H, W], 'counts': str}``."""
    rows, columns = np.nonzero(mask)
    inside = np.sort((columns + offset[1]) * shape[0] + rows + offset[0])
    breaks = np.flatnonzero(np.diff(inside) > 1)
    starts, stops = inside[np.r_[0, breaks + 1]], inside[np.r_[breaks, len(inside) - 1]] + 1
    edges = np.stack([starts, stops], axis=1).ravel()
    runs = np.diff(np.r_[0, edges, shape[0] * shape[1]])
    runs = runs[:-1] if runs[-1] == 0 else runs
    return dict(size=list(shape), counts=_characters(np.r_[runs[:3], runs[3:] - runs[1:-2]]))


def _characters(numbers: np.ndarray) -> str:
    unfinished = np.ones(len(numbers), bool)
    columns = []
    while unfinished.any():
        groups = numbers & 31
        numbers = numbers >> 5
        more = numbers != -(groups >> 4)
        columns.append(np.where(unfinished, groups + 32 * more + 48, 0).astype(np.uint8))
        unfinished &= more
    codes = np.stack(columns, axis=1)
    return codes[codes > 0].tobytes().decode('ascii')


# -- the command -------------------------------------------------------------------------------------------------------

def write(folder: Path, result: dict[str, Any], category: np.ndarray, palette: Any) -> None:
    """Write ``NAME.png``, the class map as a palette PNG, and then ``NAME.json``, each whole or not at all."""
    colours = np.full((256, 3), 255, np.uint8)
    colours[:len(palette)] = palette
    picture = Image.fromarray(category)
    picture.putpalette(colours.tobytes())
    content = io.BytesIO()
    picture.save(content, format='PNG')
    files = targets(folder, result['name'])
    described = dict(result, source=shown(result['source']), files=dict(palette=[files[0].name]))
    for path, data in zip(files, (content.getvalue(), f'{json.dumps(described, indent=1)}\n'.encode())):
        temporary = folder / f'.{secrets.token_hex(6)}.part'
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def targets(folder: Path, name: str) -> tuple[Path, Path]:
    """The palette PNG and the JSON of a picture."""
    return folder / f'{name}.png', folder / f'{name}.json'


def check_targets(picture: str, folder: Path, *, given: list[Path], taken: dict[str, str]) -> None:
    """Raise ``RuntimeProblem`` if the results of a picture would take the place of a file that was given, or of another's.

    Args:
        picture: its path.
        folder: of the results.
        given: files that are read.
        taken: to names of results the pictures that they are of; this one is added.
    """
    name = Path(picture).stem
    other = taken.setdefault(name.casefold(), picture)
    if os.path.abspath(other) != os.path.abspath(picture):
        raise RuntimeProblem(f'{picture}: its results would be called as those of {other}; parse them apart')
    for target in targets(folder, name):
        for path in given:
            if target.exists() and path.exists() and target.samefile(path):
                raise RuntimeProblem(f'{picture}: its results would overwrite {path}; choose another --out')


def main(argv: list[str] | None = None) -> int:
    """Parse the pictures that the arguments name; the exit status is 1 where one of them failed."""
    parser = argparse.ArgumentParser(description='Parse the people of pictures; no torch needed.')
    parser.add_argument('pictures', nargs='+')
    parser.add_argument('--out', default='parsed', help='folder to write NAME.json and NAME.png to (default: parsed)')
    parser.add_argument('--model', default=Path(__file__).parent, help='folder of the export (default: that of this file)')
    parser.add_argument('--threads', type=int, choices=range(1025), default=0, metavar='N',
                        help='of onnxruntime (default: all processors)')
    args = parser.parse_args(argv)
    status, taken = 0, dict[str, str]()
    given = [*map(Path, args.pictures), Path(args.model, 'meta.json')]
    try:
        network = Parser(args.model, threads=args.threads)
        Path(args.out).mkdir(parents=True, exist_ok=True)
    except RuntimeProblem as error:
        print(f'runtime: {error}', file=sys.stderr)
        return 1
    except OSError as error:
        print(f'runtime: {shown(args.out)}: cannot be made ({error.strerror})', file=sys.stderr)
        return 1
    for picture in args.pictures:
        try:
            check_targets(picture, Path(args.out), given=given, taken=taken)
            result, category = network.parse(picture)
            write(Path(args.out), result, category, network.meta['palette'])
            number = len(result['people'])
            print(f'{shown(picture)}: {number} {"person" if number == 1 else "people"}')
        except (RuntimeProblem, OSError) as error:
            print(f'runtime: {shown(error)}', file=sys.stderr)
            status = 1
    return status


if __name__ == '__main__':
    sys.exit(main())
