"""The boxes of people from a JSON file."""
import json
from collections import Counter
from pathlib import Path

import numpy as np

from mmqanet.errors import DataError


def read_boxes(path: str) -> dict[str, np.ndarray]:
    """Boxes by file name, (N, 4) xyxy: from {"name": [[x1, y1, x2, y2]]} or a COCO-style JSON (xywh).

    A name with folders is found by its last part too, where no other ends in the same.
    """
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
        if 'images' in content and 'annotations' in content:
            names = {image['id']: image['file_name'] for image in content['images']}
            boxes: dict = {name: [] for name in names.values()}
            for annotation in content['annotations']:
                x, y, w, h = annotation['bbox']
                boxes[names[annotation['image_id']]].append([x, y, x + w, y + h])
        else:
            boxes = content
        arrays = {name: np.array(rows, dtype=np.float32).reshape(-1, 4) for name, rows in boxes.items()}
        endings = Counter(Path(name).name for name in arrays)
        return {Path(name).name: rows for name, rows in arrays.items() if endings[Path(name).name] == 1} | arrays
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f'{path}: not a readable file of boxes ({error!r})') from None
