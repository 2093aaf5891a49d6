"""A tiny tree in the layout of the Clothing Co-Parsing repository."""
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from mmqanet.datasets.ccp import CCP_CLASSES

HEIGHT, WIDTH = 120, 60


def tag(name: str) -> int:
    return CCP_CLASSES.index(name)


def draw_person() -> np.ndarray:
    """A standing figure, rows 10 to 109: hair, face, shirt, belt, pants, shoes, and a bag that hangs apart."""
    tags = np.zeros((HEIGHT, WIDTH), np.uint8)
    for name, top, bottom, left, right in (
            ('hair', 10, 16, 24, 36), ('skin', 16, 25, 25, 35), ('shirt', 25, 55, 18, 42), ('belt', 55, 58, 20, 40),
            ('pants', 58, 100, 20, 40), ('shoes', 100, 110, 18, 42), ('bag', 60, 75, 46, 58)):
        tags[top:bottom, left:right] = tag(name)
    return tags


class CCPTree:
    """Writes photos and annotations."""

    def __init__(self, root: Path):
        self.root = root
        (root / 'photos').mkdir(parents=True)
        (root / 'annotations/pixel-level').mkdir(parents=True)
        cells = np.empty((1, 59), object)
        cells[0] = ['null', *CCP_CLASSES[1:]]
        savemat(root / 'label_list.mat', {'label_list': cells})

    def photo(self, name: str) -> Path:
        return self.root / 'photos' / f'{name}.jpg'

    def annotation(self, name: str) -> Path:
        return self.root / 'annotations/pixel-level' / f'{name}.mat'

    def add(self, name: str, tags: np.ndarray | None = None) -> None:
        pixels = np.random.default_rng(int(name)).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        Image.fromarray(pixels).save(self.photo(name))
        savemat(self.annotation(name), {'groundtruth': draw_person() if tags is None else tags}, do_compression=True)


@pytest.fixture
def ccp_tree(tmp_path) -> CCPTree:
    """Eight good photos, 0001 to 0008."""
    tree = CCPTree(tmp_path / 'clothing-co-parsing')
    for i in range(1, 9):
        tree.add(f'{i:04}')
    return tree


@pytest.fixture
def person_tags() -> np.ndarray:
    return draw_person()
