"""Drawings are compared with small pictures of what they looked like."""
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

LOOKS = Path(__file__).parent / 'looks'
CELL = 8  # pixels of a drawing that become one: what is left of letters tells whether they moved, not how they are smoothed


@pytest.fixture
def looks_like():
    """A function that compares a drawing (H, W, 3) uint8 BGR with ``looks/NAME.png``.

    With ``MMQANET_NEW_LOOKS=1`` in the environment it writes the file instead: look at what has changed before you do.
    """
    def compare(name: str, drawing: np.ndarray) -> None:
        small = cv2.resize(drawing, (drawing.shape[1] // CELL, drawing.shape[0] // CELL), interpolation=cv2.INTER_AREA)
        path = LOOKS / f'{name}.png'
        if os.environ.get('MMQANET_NEW_LOOKS'):
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), small)
        expected = cv2.imread(str(path))
        assert small.shape == expected.shape
        difference = np.abs(small.astype(int) - expected)
        assert difference.mean() < 0.15
        assert difference.max() < 10

    return compare
