"""The pictures and videos of a folder, and what in it is none."""
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mmqanet.apis.records import EarlierResults
from mmqanet.errors import InputError
from mmqanet.utils.folders import list_files
from mmqanet.utils.formats import IMAGE_SUFFIXES
from mmqanet.utils.wording import count_of

VIDEO_SUFFIXES = (
    '.mp4', '.m4v', '.mov', '.qt', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.m2v', '.vob', '.wmv', '.asf', '.3gp', '.3g2',
    '.flv', '.f4v', '.ogv', '.mxf', '.ts', '.mts', '.m2ts')
TYPESCRIPT = ('.ts', '.mts')  # also suffixes of programs
PACKET = b'G'  # each packet of an MPEG transport stream starts with it, in cameras' files after a time of four bytes
MOST_REMARKS = 10  # of one kind


@dataclass(frozen=True)
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
    try:
        content = list_files(folder, recursive=recursive, skip=_leads_below(outside, folder))
    except OSError as error:
        raise InputError(f'{folder}: this folder cannot be read ({error.strerror})') from None
    results = EarlierResults(folder)
    found = sorted(path for path in content.files if not results.holds(path))
    files, others = list[Path](), list[Path]()
    for path in found:
        (files if _is_wanted(path) else others).append(path)
    if not files:
        hint = '' if recursive else '; its sub-folders are looked into only with the option recursive'
        raise InputError(f'{folder}: no pictures or videos in this folder{hint}')
    earlier = len(content.files) - len(found)
    left_out = [
        *([count_of(earlier, 'result of an earlier run', 'results of an earlier run')] if earlier else []),
        *([f'{count_of(len(others), "file of another kind", "files of other kinds")} ({_kinds(others)})'] if others else []),
        *([f'{count_of(len(content.folders), "sub-folder")} (only the option recursive looks into them)']
          if content.folders else [])]
    summary = [f'{folder}: left out {", ".join(left_out)}'] if left_out else []
    return Listing(files, [*_shortened(content.remarks), *summary])


def _leads_below(outside: Path | None, folder: Path) -> Callable[[os.DirEntry], bool]:
    """Tells the folders and links that lie or lead below ``outside``; none where ``folder`` itself is there."""
    root = Path(os.path.realpath(outside)) if outside else None
    if root is None or Path(os.path.realpath(folder)).is_relative_to(root):
        return lambda entry: False
    return lambda entry: ((entry.is_symlink() or entry.is_dir(follow_symlinks=False))
                          and Path(os.path.realpath(entry.path)).is_relative_to(root))


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
