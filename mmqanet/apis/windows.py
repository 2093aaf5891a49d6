"""Showing pictures in a window."""
import subprocess
import sys
from functools import cache

import cv2
import numpy as np

from mmqanet.errors import InputError

PROBE = "import cv2; cv2.namedWindow('mmqanet'); cv2.destroyAllWindows()"
PATIENCE = 30  # seconds


@cache
def window_problem() -> str | None:
    """Why no window can be opened here; ``None`` where one can.

    Tried in a process of its own: without a display the toolkit behind OpenCV ends its process.
    """
    try:
        done = subprocess.run(  # noqa: S603 (the arguments are constant)
            [sys.executable, '-c', PROBE], capture_output=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return 'no window can be opened here'
    return 'no window can be opened here (is there a display?)' if done.returncode else None


def check_window() -> None:
    """Raise ``InputError`` if no window can be opened here."""
    if window_problem() is not None:
        raise InputError(f'show: {window_problem()}')


def show_image(image: np.ndarray, title: str, *, wait_time: float) -> None:
    """Show (H, W, 3) uint8 BGR in a window for ``wait_time`` seconds, or until a key is pressed (0).

    Raises:
        InputError: no window can be opened here.
    """
    check_window()
    try:
        cv2.imshow(title, image)
        cv2.waitKey(round(1000 * wait_time))
    except cv2.error:
        raise InputError('show: no window can be opened here') from None
