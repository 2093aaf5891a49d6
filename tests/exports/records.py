"""Described parsings as records have them."""
import numpy as np

from mmqanet.functional.rle import encode_rle
from mmqanet.structures import LabelSet

CLASSES = ('background', 'hat', 'coat & <tie>', 'shoe')
LABELS = LabelSet(CLASSES, ((0, 0, 0), (255, 0, 0), (0, 128, 255), (9, 10, 11)))


def described(name, parts, *, size, source=None):
    """A record: ``parts`` is (person, label, quality, mask (H, W)) of each."""
    people = []
    for person in sorted({part[0] for part in parts}):
        own = [dict(label=label, name=CLASSES[label], quality=quality, pixel_score=round(quality / 2, 5),
                    area=int(mask.sum()), rle=encode_rle(mask)) for owner, label, quality, mask in parts if owner == person]
        people.append(dict(id=person, box=[0, 0, 5, 5], quality=0.5 + person / 100, scores=dict(box=0.9, iou=0.8, pixel=0.7),
                           parts=own))
    return dict(version=1, name=name, source=source or f'photos/{name}.jpg', height=size[0], width=size[1],
                classes=list(CLASSES), people=people)


def random_parts(seed, *, size, number=5):
    """Parts of two people that do not overlap."""
    rng = np.random.default_rng(seed)
    numbers = np.kron(rng.integers(0, number + 1, (-(-size[0] // 4), -(-size[1] // 4))), np.ones((4, 4), int))
    numbers = numbers[:size[0], :size[1]]
    assert len(np.unique(numbers)) == number + 1
    return [(1 + (index > 2), 1 + (index - 1) % 3, round(float(rng.uniform(0.1, 1)), 5), numbers == index)
            for index in range(1, number + 1)]
