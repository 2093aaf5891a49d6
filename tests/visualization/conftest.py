"""Drawings are compared with small pictures of what they looked like."""
from pathlib import Path

import pytest
from looks import compare_look


@pytest.fixture
def looks_like():
    """A function that compares a drawing (H, W, 3) uint8 BGR with ``looks/NAME.png``."""
    return lambda name, drawing: compare_look(Path(__file__).parent / f'looks/{name}.png', drawing)
