"""Whether an output can be written, found out before the work is done and not after."""
from pathlib import Path

from mmqanet.errors import InputError


def refuse_folder(option: str, path: str) -> None:
    """Raise ``InputError`` if the file that an option names is a folder."""
    if Path(path).is_dir():
        raise InputError(f'{option} {path}: is a folder')


def make_folder(folder: str | Path, *, told: str) -> None:
    """Make a folder with its parents; an ``InputError`` that begins with ``told`` says why it cannot be made."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f'{told}: {error.strerror}') from None
