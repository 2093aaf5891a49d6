"""Large pictures: which people the detector finds there, without and with tiles, and how much memory a parse takes.

    python benchmarks/high_resolution.py data/CCP people
    python benchmarks/high_resolution.py data/CCP memory

Photos of a data set with one person each, in the prepared layout, are put into large pictures at several sizes.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from common import header

from mmqanet.apis import init_detector
from mmqanet.checkpoints.model_index import SHIPPED_DETECTOR, SHIPPED_SCORE_THR
from mmqanet.functional.association import box_iou
from mmqanet.utils.console import say
from mmqanet.utils.wording import count_of

HEIGHTS = (40, 60, 90, 150, 300, 700)  # of people, in pixels
JSON_ONLY = [['--save', *others] for others in ([], ['--tiles'], ['--tiles', '--max-memory', '2600'])]
ALL_FILES = [['--tiles', '--max-memory', most] for most in ('700', '3200')]
SIDES = (None, 2048, 1024, 512)  # of tiles


@dataclass(frozen=True)
class Photo:
    """A photo and the box of the person in it, x1, y1, x2, y2."""

    path: Path
    box: np.ndarray

    def scaled(self, height: float) -> tuple[np.ndarray, np.ndarray]:
        """Picture and box where the person is so many pixels high."""
        image, factor = cv2.imread(str(self.path)), height / (self.box[3] - self.box[1])
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        return cv2.resize(image, None, fx=factor, fy=factor, interpolation=method), self.box * factor


def main(argv: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('data', type=Path, help='prepared data set, e.g. data/CCP')
    parser.add_argument('what', choices=['people', 'memory'])
    parser.add_argument('--photos', type=int, default=24, help='of each height (default: 24)')
    args = parser.parse_args(argv)
    photos = read_photos(args.data)[:args.photos]
    say(header('Large pictures'))
    if args.what == 'people':
        compare_tiles(photos)
    else:
        measure_memory(photos)


def read_photos(data: Path) -> list[Photo]:
    """The validation photos with one person."""
    document = json.loads(next((data / 'annotations').glob('*_val.json')).read_text())
    boxes: dict[int, list] = {}
    for person in document['annotations']:
        boxes.setdefault(person['image_id'], []).append(person['bbox'])
    return [Photo(data / 'Validation/Images' / image['file_name'], np.array([x, y, x + w, y + h], float))
            for image in document['images'] for x, y, w, h in boxes[image['id']][:1] if len(boxes[image['id']]) == 1]


def scene(photos: list[Photo], heights: list[float], *, size: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A grey picture (height, width) with a photo for each height, none over another, and the boxes of the people."""
    rng = np.random.default_rng(seed)
    canvas = np.full((*size, 3), 120, np.uint8)
    taken, boxes = np.zeros(size, dtype=bool), []
    for photo, height in zip(photos, heights):
        image, box = photo.scaled(height)
        rows, columns = image.shape[:2]
        for _ in range(1000):
            y, x = int(rng.integers(0, size[0] - rows + 1)), int(rng.integers(0, size[1] - columns + 1))
            if not taken[y:y + rows, x:x + columns].any():
                break
        else:
            raise SystemExit('the photos do not fit into the picture')
        taken[y:y + rows, x:x + columns] = True
        canvas[y:y + rows, x:x + columns] = image
        boxes.append(box + [x, y, x, y])
    return canvas, np.array(boxes)


def compare_tiles(photos: list[Photo]) -> None:
    """People of several heights in pictures of 24 megapixels: shares that are found, boxes of nobody, seconds."""
    detectors = {side: init_detector(None, SHIPPED_DETECTOR, score_thr=SHIPPED_SCORE_THR, tiles=side) for side in SIDES}
    for height in HEIGHTS:
        image, people = scene(photos, [height] * len(photos), size=(4000, 6000), seed=height)
        for side, detector in detectors.items():
            start = time.process_time()
            (boxes, _), = detector.detect([image])
            seconds = time.process_time() - start
            overlaps = np.array([[box_iou(person, box) for box in boxes] for person in people]).reshape(len(people), -1)
            found = (overlaps.max(axis=1, initial=0) > 0.5).mean()
            nobody = (overlaps.max(axis=0, initial=0) <= 0.5).sum()
            say(f'{height:4} pixels, tiles {side or "none":>4}: found {100 * found:3.0f} %, {nobody:2} boxes of nobody, '
                f'{seconds:.1f} s of a processor')


def write_scene(path: Path, photos: list[Photo]) -> None:
    """A picture of 12,000 x 9,000 pixels with three people."""
    image, _ = scene(photos, [7000, 900, 90], size=(9000, 12000), seed=0)
    cv2.imwrite(str(path), image)


def measure_memory(photos: list[Photo]) -> None:
    """Peak of a parse of 12,000 x 9,000 pixels with three people, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'large.jpg'
        # By another process: the peak of the one that starts a program counts as the program's.
        drawer = get_context('spawn').Process(target=write_scene, args=(path, photos))
        drawer.start()
        drawer.join()
        for number, options in enumerate([*JSON_ONLY, *ALL_FILES]):
            out = Path(folder, str(number))
            command = [sys.executable, '-m', 'mmqanet', 'parse', str(path), '--out', str(out), *options]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            usage = os.wait4(process.pid, 0)[2]
            record = out / 'large.json'
            people = json.loads(record.read_text())['people'] if record.exists() else None
            found = 'failed' if people is None else count_of(len(people), 'person', 'people')
            say(f'{" ".join(options)}: {usage.ru_maxrss / 1024:.0f} MiB at most, {found}')


if __name__ == '__main__':
    main()
