"""Small random scenes of rectangles: annotated instances, and detections that are near them, elsewhere or doubled."""
import json

import numpy as np

from mmqanet.analysis.instances.detections import KeptDetections
from mmqanet.functional.rle import encode_rle

SIZE = 40, 50
CLASSES = (3, 7, 9)


def rectangle(x, y, w, h):
    mask = np.zeros(SIZE, np.uint8)
    mask[y:y + h, x:x + w] = 1
    return mask


def random_box(rng):
    w, h = rng.integers(3, 20, size=2)
    return int(rng.integers(0, SIZE[1] - w)), int(rng.integers(0, SIZE[0] - h)), int(w), int(h)


def scenes(folder, *, number=8, seed=0):
    """An annotation file, the images' ids, and detections that are near the instances, elsewhere or doubled."""
    rng = np.random.default_rng(seed)
    annotations, images, found = [], [], []
    for image_id in range(11, 11 + number):
        images.append(dict(id=image_id, file_name=f'{image_id}.jpg', height=SIZE[0], width=SIZE[1]))
        boxes, labels = [], []
        for _ in range(rng.integers(0, 6)):
            box, label = random_box(rng), int(rng.integers(3))
            annotations.append(dict(
                id=len(annotations) + 1, image_id=image_id, category_id=CLASSES[label], bbox=list(box),
                area=box[2] * box[3] * 10, iscrowd=int(rng.random() < 0.1), segmentation=encode_rle(rectangle(*box))))
            for _ in range(rng.integers(0, 3)):
                x, y, w, h = box
                boxes.append((x, y, max(1, w - int(rng.integers(3))), max(1, h - int(rng.integers(3)))))
                labels.append(label if rng.random() < 0.8 else int(rng.integers(3)))
        for _ in range(rng.integers(0, 3)):
            boxes.append(random_box(rng))
            labels.append(int(rng.integers(3)))
        found.append(detections(boxes, labels, rng.integers(1, 8, size=len(boxes)) / 8))
    categories = [dict(id=number, name=str(number)) for number in CLASSES]
    content = dict(images=images, annotations=annotations, categories=categories)
    (folder / 'truth.json').write_text(json.dumps(content))
    return folder / 'truth.json', [image['id'] for image in images], found


def detections(boxes, labels, scores):
    xywh = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    runs = [encode_rle(rectangle(*box))['counts'].encode() for box in boxes]
    scores = np.asarray(scores, dtype=np.float32)
    return KeptDetections(
        image_shape=np.array(SIZE), bboxes=np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1),
        labels=np.array(labels, dtype=np.int64), scores=scores, box_scores=scores, iou_scores=np.ones_like(scores),
        counts=np.zeros((len(scores), 0), np.int64), sums=np.zeros((len(scores), 0)),
        lengths=np.array([len(run) for run in runs], dtype=np.int64), runs=np.frombuffer(b''.join(runs), dtype=np.uint8))
