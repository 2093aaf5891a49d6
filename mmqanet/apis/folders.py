"""The pictures and videos of a folder, and what in it is none."""
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mmqanet.apis.records import EarlierResults
from mmqanet.errors import InputError
from mmqanet.utils.formats import IMAGE_SUFFIXES
from mmqanet.utils.wording import count_of

VIDEO_SUFFIXES = (
    '.mp4', '.m4v', '.mov', '.qt', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.m2v', '.vob', '.wmv', '.asf', '.3gp', '.3g2',
    '.flv', '.f4v', '.ogv', '.mxf', '.ts', '.mts', '.m2ts')
TYPESCRIPT = ('.ts', '.mts')  # also suffixes of programs
PACKET = b'G'  # each packet of an MPEG transport stream starts with it, in cameras' files after a time of four bytes
MOST_REMARKS = 10  # of one kind


@dataclass
class Listing:
    """What a folder holds.

    Attributes:
        files: paths of pictures and videos, sorted.
        remarks: lines on what was left out.
    """

    files: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def list_folder(folder: Path, *, recursive: bool, outside: Path | None = None) -> Listing:
    """Look for pictures and videos; links are followed, each folder is read once, hidden files are passed over.

    Args:
        folder: where.
        recursive: also look into its folders.
        outside: leave out what lies below this folder, unless ``folder`` itself does.

    Raises:
        InputError: the folder cannot be read, or holds neither pictures nor videos.
    """
    walk = _Walk(folder, recursive=recursive, outside=outside)
    walk.run()
    results = EarlierResults(folder)
    files = sorted(path for path in walk.files if not results.holds(path))
    others = [path for path in walk.others if not results.holds(path)]
    if not files:
        hint = '' if recursive else '; its sub-folders are looked into only with the option recursive'
        raise InputError(f'{folder}: no pictures or videos in this folder{hint}')
    earlier = len(walk.files) + len(walk.others) - len(files) - len(others)
    left_out = [
        *([count_of(earlier, 'result of an earlier run', 'results of an earlier run')] if earlier else []),
        *([f'{count_of(len(others), "file of another kind", "files of other kinds")} ({_kinds(others)})'] if others else []),
        *([f'{count_of(len(walk.folders), "sub-folder")} (only the option recursive looks into them)']
          if walk.folders else [])]
    summary = [f'{folder}: left out {", ".join(left_out)}'] if left_out else []
    return Listing(files, [*_shortened(walk.remarks), *summary])


class _Walk:
    """One way through a folder and what it leads to."""

    def __init__(self, folder: Path, *, recursive: bool, outside: Path | None) -> None:
        self.folder, self.recursive = folder, recursive
        self.outside = Path(os.path.realpath(outside)) if outside else None
        if self.outside is not None and Path(os.path.realpath(folder)).is_relative_to(self.outside):
            self.outside = None  # it is not the folder's, the folder is in it
        self.files: list[Path] = []
        self.others: list[Path] = []
        self.folders: list[Path] = []  # that are not looked into
        self.remarks: list[str] = []

    def run(self) -> None:
        """Folders first, then what links lead to: a folder keeps the name it has, and is read once."""
        try:
            os.scandir(self.folder).close()
        except OSError as error:
            raise InputError(f'{self.folder}: this folder cannot be read ({error.strerror})') from None
        waiting, links = [self.folder], list[Path]()
        seen = set[tuple[int, int]]()
        while waiting or links:
            path = waiting.pop() if waiting else links.pop(0)
            try:
                found = path.stat()
                if (found.st_dev, found.st_ino) in seen:
                    self.remarks.append(f'{path}: left out, leads to a folder that is read already')
                    continue
                seen.add((found.st_dev, found.st_ino))
                for entry in self._entries(path):
                    (links if entry.is_symlink() else waiting).append(Path(entry.path))
            except OSError as error:
                self.remarks.append(f'{path}: left out, cannot be read ({error.strerror})')

    def _entries(self, folder: Path) -> Iterator[os.DirEntry]:
        """Sort the files of a folder; yield the folders in it that are to be looked into."""
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = Path(entry.path)
                if entry.name.startswith('.') or self._is_outside(entry):
                    continue
                if path.is_dir():
                    if self.recursive:
                        yield entry
                    else:
                        self.folders.append(path)
                elif not path.is_file():
                    reason = 'is a pipe, socket or device' if path.exists() else 'links to nothing'
                    self.remarks.append(f'{path}: left out, {reason}')
                else:
                    (self.files if _is_wanted(path) else self.others).append(path)

    def _is_outside(self, entry: os.DirEntry) -> bool:
        if self.outside is None or not (entry.is_symlink() or entry.is_dir(follow_symlinks=False)):
            return False
        return Path(os.path.realpath(entry.path)).is_relative_to(self.outside)


def _is_wanted(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in TYPESCRIPT:
        try:
            with path.open('rb') as file:
                start = file.read(5)
        except OSError:
            return True  # said when it is its turn
        return PACKET in (start[:1], start[4:5])
    return suffix in IMAGE_SUFFIXES or suffix in VIDEO_SUFFIXES


def _kinds(paths: list[Path]) -> str:
    """E.g. ``'.txt 3, .psd 1'``."""
    counts = Counter(path.suffix.lower() or 'without suffix' for path in paths).most_common()
    shown = ', '.join(f'{suffix} {number}' for suffix, number in counts[:5])
    return shown + (', ...' if len(counts) > 5 else '')


def _shortened(remarks: list[str]) -> list[str]:
    more = len(remarks) - MOST_REMARKS
    return remarks if more <= 0 else [*remarks[:MOST_REMARKS], f'and {more} more']
