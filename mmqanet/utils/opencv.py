"""What differs between the versions of OpenCV."""
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

# From version 5 on the log level is set in a module of its own.
_get_level, _set_level = ((cv2.utils.logging.getLogLevel, cv2.utils.logging.setLogLevel) if hasattr(cv2.utils, 'logging')
                          else (cv2.getLogLevel, cv2.setLogLevel))
SILENT = 0


@contextmanager
def silent_opencv() -> Iterator[None]:
    """OpenCV says nothing on standard error while this is open: what it would say becomes an error of ours."""
    level = _get_level()
    _set_level(SILENT)
    try:
        yield
    finally:
        _set_level(level)
