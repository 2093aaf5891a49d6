"""The files of a folder. Links are followed, each folder is read once, and hidden files are passed over."""
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mmqanet.errors import DataError
from mmqanet.utils.files import PathLike


@dataclass(frozen=True)
class FolderContent:
    """What a folder holds, in no order.

    Hidden files and folders, such as the ``._`` files of macOS, are not in it.

    Attributes:
        files: paths of regular files, behind links too.
        folders: paths of folders that were not looked into.
        remarks: lines on what was left out.
    """

    files: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def visible_files(folder: PathLike, *, recursive: bool = False) -> list[Path]:
    """Paths of the files of a folder, sorted, but for hidden ones; with ``recursive`` also those of its folders.

    Raises:
        DataError: there is no such folder, or it cannot be read.
    """
    try:
        return sorted(list_files(Path(folder), recursive=recursive).files)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f'{folder}: no such folder') from None
    except OSError as error:
        raise DataError(f'{folder}: this folder cannot be read ({error.strerror})') from None


def list_files(folder: Path, *, recursive: bool = False,
               skip: Callable[[os.DirEntry], bool] = lambda entry: False) -> FolderContent:
    """List the files of a folder.

    Folders come first, then what links lead to: a folder keeps the name it has, and is read once.

    Args:
        folder: where.
        recursive: also look into its folders; a folder of them that cannot be read becomes a remark.
        skip: tells what is passed over like hidden files.

    Raises:
        OSError: the folder cannot be read.
    """
    os.scandir(folder).close()
    content = FolderContent()
    waiting, links = [folder], list[Path]()
    seen = set[tuple[int, int]]()
    while waiting or links:
        path = waiting.pop() if waiting else links.pop(0)
        try:
            found = path.stat()
            if (found.st_dev, found.st_ino) in seen:
                content.remarks.append(f'{path}: left out, leads to a folder that is read already')
                continue
            seen.add((found.st_dev, found.st_ino))
            for entry in _sort_entries(path, content, recursive=recursive, skip=skip):
                (links if entry.is_symlink() else waiting).append(Path(entry.path))
        except OSError as error:
            content.remarks.append(f'{path}: left out, cannot be read ({error.strerror})')
    return content


def _sort_entries(folder: Path, content: FolderContent, *, recursive: bool,
                  skip: Callable[[os.DirEntry], bool]) -> Iterator[os.DirEntry]:
    """Put the files of one folder into ``content``; yield the folders in it that are to be looked into."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = Path(entry.path)
            if entry.name.startswith('.') or skip(entry):
                continue
            if path.is_dir():
                if recursive:
                    yield entry
                else:
                    content.folders.append(path)
            elif path.is_file():
                content.files.append(path)
            else:
                reason = 'is a pipe, socket or device' if path.exists() else 'links to nothing'
                content.remarks.append(f'{path}: left out, {reason}')
