"""A tiny data set in the prepared layout, drawn with rectangles: what every test of reading it starts from."""
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


class TinyDataset:
    """Two 60×40 images: the first with two people (one of them a crowd box more), the second with one.

    Person 1 of image 1 has a left arm (14) in its left half and a right arm (15) in its right half.
    """

    def __init__(self, root: Path):
        self.root = root
        self.boxes = {1: [[5, 4, 20, 30], [35, 10, 15, 25]], 2: [[10, 5, 30, 30]]}
        self.ann_file = root / 'annotations/tiny.json'
        images, annotations = [], []
        for image_id, boxes in self.boxes.items():
            category, human = np.zeros((40, 60), np.uint8), np.zeros((40, 60), np.uint8)
            for person, (x, y, w, h) in enumerate(boxes, start=1):
                human[y:y + h, x:x + w] = person
                category[y:y + h, x:x + w // 2] = 14
                category[y:y + h, x + w // 2:x + w] = 15
                annotations.append(dict(
                    id=10 * image_id + person, image_id=image_id, category_id=1, bbox=[x, y, w, h], area=w * h,
                    iscrowd=0, segmentation=[], parsing_id=person))
            pixels = np.random.default_rng(image_id).integers(0, 256, (40, 60, 3), dtype=np.uint8)
            name = f'pic{image_id}'
            self.save(f'Images/{name}.png', pixels)
            self.save(f'Category_ids/{name}.png', category)
            self.save(f'Human_ids/{name}.png', human)
            self.save(f'Instance_ids/{name}.png', np.where(human > 0, 20 * (human - 1) + category, 0).astype(np.uint16))
            lines = [f'{20 * (p - 1) + c} {c} {p}' for p in range(1, len(boxes) + 1) for c in (14, 15)]
            (root / f'Instance_ids/{name}.txt').write_text('\n'.join(lines))
            images.append(dict(id=image_id, file_name=f'{name}.png', height=40, width=60))
        self.content = dict(images=images, annotations=annotations, categories=[dict(id=1, name='person')])
        self.write()

    def save(self, name: str, array: np.ndarray) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path)
        return path

    def write(self) -> None:
        self.ann_file.parent.mkdir(parents=True, exist_ok=True)
        self.ann_file.write_text(json.dumps(self.content))

    def args(self, **changes) -> dict:
        """Constructor arguments of ``HumanParsingDataset`` for this folder."""
        prefix = dict(img='Images', category='Category_ids', human='Human_ids', instance='Instance_ids')
        return {**dict(ann_file='annotations/tiny.json', data_root=str(self.root), data_prefix=prefix), **changes}


@pytest.fixture
def tiny(tmp_path) -> TinyDataset:
    return TinyDataset(tmp_path)
