"""Drawings are compared with small pictures of what they looked like."""
import os
from pathlib import Path

import cv2
import numpy as np

CELL = 8  # pixels of a drawing that become one: what is left of letters tells whether they moved, not how they are smoothed


def compare_look(path: Path, drawing: np.ndarray) -> None:
    """Compare a drawing (H, W, 3) uint8 BGR with the small picture at ``path``.

    With ``MMQANET_NEW_LOOKS=1`` in the environment it writes the file instead: look at what has changed before you do.
    """
    small = cv2.resize(drawing, (drawing.shape[1] // CELL, drawing.shape[0] // CELL), interpolation=cv2.INTER_AREA)
    if os.environ.get('MMQANET_NEW_LOOKS'):
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), small)
    expected = cv2.imread(str(path))
    assert small.shape == expected.shape
    difference = np.abs(small.astype(int) - expected)
    assert difference.mean() < 0.15
    assert difference.max() < 10
