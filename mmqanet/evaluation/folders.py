"""Which images a folder of predictions or ground truth holds."""
from collections.abc import Sequence
from pathlib import Path

from mmqanet.errors import DataError
from mmqanet.utils.folders import visible_files


def find_names(folder: Path, suffix: str = '.png') -> list[str]:
    """Names (path below ``folder`` without suffix) of the files of a kind in a folder and its sub-folders, sorted.

    Links to folders are followed, as data sets are often put together of them.

    Raises:
        DataError: no such folder, or a file whose suffix is written in another case.
    """
    names = []
    for path in visible_files(folder, recursive=True):
        if path.suffix.lower() != suffix:
            continue
        if path.suffix != suffix:
            raise DataError(f'{path}: the suffix must be written {suffix}')
        names.append(path.relative_to(folder).as_posix()[:-len(suffix)])
    return sorted(names)


def complete_names(folder: Path, kinds: Sequence[tuple[str, str]]) -> list[str]:
    """Sorted names of the images that have a file of every kind (sub-folder, suffix) under ``folder``.

    Raises:
        DataError: a sub-folder is missing, all are empty, or an image has some of its maps but not all, or a TXT alone.
    """
    names = {kind: set(find_names(folder / kind[0], kind[1])) for kind in kinds}
    everything = sorted(set().union(*names.values()))
    if not everything:
        raise DataError(f'{folder}: no files in {", ".join(dict(kinds))}')
    for kind, suffix in kinds:
        if suffix == '.txt':
            continue  # a table may be absent beside a map without ids; its reader sees to it
        absent = [name for name in everything if name not in names[kind, suffix]]
        if absent:
            raise DataError(f'{folder / kind / absent[0]}{suffix}: missing, though {absent[0]} has other files '
                            f'({len(absent)} such images)')
    return everything
