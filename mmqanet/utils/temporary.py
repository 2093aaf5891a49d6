"""Names of files and folders in the making. Whatever ends the process in good order, none of them is left behind.

A signal may come between the making of a temporary file and the block that would remove it, or inside that block; so names
are noted before anything gets them, and what is still noted at the end goes.
"""
import atexit
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

_NOTED: set[tuple[int, Path]] = set()  # with the process whose they are


def temporary_path(folder: Path, *, prefix: str = '.', suffix: str = '') -> Path:
    """A path in a folder that nobody has; it is for a hidden file or folder, until :func:`remove_temporary`."""
    path = Path(folder, f'{prefix}{secrets.token_hex(6)}{suffix}')
    _NOTED.add((os.getpid(), path))
    return path


def remove_temporary(path: Path) -> None:
    """Remove what has a temporary path, if anything has; it may have got another name meanwhile."""
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError, ValueError):  # nothing is there, or nothing can be
            os.unlink(path)
    _NOTED.discard((os.getpid(), path))


@atexit.register
def remove_temporaries() -> None:
    """Remove everything of this process that still has a temporary path."""
    for process, path in tuple(_NOTED):
        if process == os.getpid():
            remove_temporary(path)
