"""Which path each result gets, and that none of them is a file that was given, another's, or outside the output folder."""
import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from mmqanet.apis.inputs import Input, Picture
from mmqanet.apis.layout import (
    CUT_OUTS,
    SUBMISSION,
    SUMMARIES,
    cut_out_folder,
    is_cut_out,
    planned_paths,
    video_kinds,
)
from mmqanet.apis.videos import Video
from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import PathLike, check_inside

LONGEST_NAME, LONGEST_PATH = 255, 4095  # bytes, of most file systems


class OutputPlan:
    """The results of all inputs of a run.

    Args:
        folder: of the results.
        kinds: what is written, of ``KINDS`` and ``SUMMARIES``.
        given: files that are never overwritten, besides the inputs: checkpoints, configs, lists of boxes.

    Raises:
        InputError: no folder can have this name.
    """

    def __init__(self, folder: Path, kinds: Sequence[str], *, given: Iterable[PathLike] = ()) -> None:
        if '\0' in str(folder):
            raise InputError(f'{folder}: no folder can have this name')
        self.folder, self.kinds = folder, tuple(kind for kind in kinds if kind not in SUMMARIES)
        self._summaries = {_place(folder / path) for kind in kinds for path in SUMMARIES.get(kind, ())}
        self._given: dict[str, str] = {}
        self._files: dict[str, tuple[str, str]] = {}  # to name and source of the input that a path is for
        self._places: dict[str, tuple[str, str]] = {}  # the same of places for several files
        self._visited: dict[str, tuple[str, str]] = {}  # places in which a file of an input lies
        for path in given:
            self.protect(path, what='this file, which was given')

    def protect(self, path: PathLike, *, what: str) -> None:
        """Never write to a path, or to what it links to; ``what`` errors call it."""
        if '\0' not in os.fspath(path):  # then it is of no file
            self._given |= {_place(path): what, os.path.realpath(path): what}

    def paths(self, item: Input) -> list[str]:
        """The record and the files of an input whose names are known beforehand, relative to the folder."""
        return planned_paths(item.name, self._kinds_of(item))

    def claim(self, items: Iterable[Input]) -> None:
        """Reserve the paths of inputs, none of which is overwritten.

        Raises:
            InputError: a path is of a file that was given, or of another input.
        """
        items = list(items)
        for item in items:
            self._protect_input(item)
        for place in sorted(self._summaries):
            self.check_not_given(Path(place))
        for item in items:
            self._claim(item)

    def check_name(self, item: Input) -> None:
        """Raise ``InputError`` if the name of an input leads out of the folder or is too long for its results."""
        try:
            check_inside(item.name)
        except DataError:
            raise InputError(f'{item.source}: results called {item.name!r} would lead out of the output folder') from None
        for path in self.paths(item):
            whole = os.fsencode(os.path.abspath(self.folder / path))
            if len(whole) > LONGEST_PATH or any(len(part) > LONGEST_NAME for part in whole.split(os.fsencode(os.sep))):
                raise InputError(f'{item.source}: the names of its results would be too long')

    def _claim(self, item: Input) -> None:
        for path in self.paths(item):
            self.check_not_given(self.folder / path)
            if _place(self.folder / path) in self._summaries:
                raise InputError(f'{item.source}: its results would be called as a file about all pictures, {path}')
        files = planned_paths(item.name, [kind for kind in self._kinds_of(item) if kind != SUBMISSION])
        for path in files:
            self._reserve(path, item, among=(self._files,), enter=self._files)
        for place in map(_shared_place, files):
            if place is not None:
                self._reserve(place, item, among=(self._places,), enter=self._visited)
        for place in self._places_of(item):
            self._reserve(place, item, among=(self._places, self._visited), enter=self._places)

    def check(self, target: Path) -> None:
        """Raise ``DataError`` or ``InputError`` if a path must not be written: given, or behind a link out of the folder."""
        self.check_not_given(target)
        if not _is_inside(target.parent, self.folder):
            raise DataError(f'{target}: cannot be written (a link leads out of the output folder)')

    def check_not_given(self, target: Path) -> None:
        """Raise ``InputError`` if a path is of a file that was given."""
        what = self._given.get(_place(target))
        if what is not None:
            raise InputError(f'{target}: the output would overwrite {what}; choose another --out')

    def _protect_input(self, item: Input) -> None:
        if isinstance(item, Picture) and isinstance(item.content, Path):
            self.protect(item.content, what='this picture')
        elif isinstance(item, Video) and not item.is_camera:
            self.protect(str(item.handle), what='this video')

    def _kinds_of(self, item: Input) -> tuple[str, ...]:
        return video_kinds(self.kinds) if isinstance(item, Video) else self.kinds

    def _places_of(self, item: Input) -> list[str]:
        """Where the submission files and cut-outs of an input lie."""
        kinds = self._kinds_of(item)
        cut_outs = [f'{cut_out_folder(kind, item.name)}/*' for kind in CUT_OUTS if kind in kinds]
        return cut_outs + [f'{SUBMISSION}/*/{item.name}'] * (SUBMISSION in kinds)

    def _reserve(self, path: str, item: Input, *, among: Sequence[dict], enter: dict) -> None:
        owner = item.name, item.source
        for taken in among:
            other = taken.get(path, owner)
            if other != owner:
                raise InputError(f'{item.source} and {other[1]} would both be written to {self.folder / path}; '
                                 'parse them apart')
        enter[path] = owner


def _shared_place(path: str) -> str | None:
    """Where a file lies if it could be a submission file or cut-out of some other input, as :meth:`_places_of` says it."""
    file = PurePosixPath(path)
    if is_cut_out(file):
        return f'{file.parent.as_posix()}/*'
    if file.parts[0] == SUBMISSION and len(file.parts) > 2:
        return f'{SUBMISSION}/*/{PurePosixPath(*file.parts[2:]).with_suffix("").as_posix()}'
    return None


def _place(path: PathLike) -> str:
    """An absolute path without links in its folders; what it names may be one."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), name)


def _is_inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
