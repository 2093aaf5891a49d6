"""What the converters have in common: a data set's splits, and the run over them from the archive to the prepared layout."""
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from mmqanet.errors import DataError
from mmqanet.preparation.converters.batch import Sample, claim_folder, convert_split
from mmqanet.preparation.converters.report import SplitReport
from mmqanet.utils.files import read_bytes
from mmqanet.utils.folders import visible_files

REPORT = 'report.txt'  # in a converted folder


@dataclass(frozen=True)
class Split:
    """One split of a data set.

    Args:
        folder: its name in the prepared layout, e.g. ``'Training'``.
        short: what the JSON and the archive call it, e.g. ``'train'``.
        official: images it is published with, where that is known.
        labelled: it has public labels; without, images alone are converted, and it may be absent from the archive.
    """

    folder: str
    short: str
    official: int | None = None
    labelled: bool = True


@dataclass(frozen=True, kw_only=True)
class Converter(ABC):
    """One data set's archive, and how it becomes the prepared layout. A converter goes to other processes: it is plain data.

    Args:
        source: folder of the archive; not looked at where only a converted folder is verified.
    """

    source: Path

    title: ClassVar[str]
    whole_image: ClassVar[bool] = False  # people's boxes are the image: one person an image
    own_boxes: ClassVar[bool] = False  # boxes are those of `box`, not the extents of people
    unlabelled_is_fault: ClassVar[bool] = True  # a person without a labelled pixel is no known quirk of the archive
    version: ClassVar[int] = 1  # goes up with every change that alters what is written: folders do not mix versions

    @property
    @abstractmethod
    def splits(self) -> tuple[Split, ...]:
        """The splits, in the order of conversion."""

    @property
    @abstractmethod
    def num_classes(self) -> int:
        """Classes with background."""

    @property
    def settings(self) -> dict:
        """What tells one conversion from another, recorded in the converted folder."""
        return {'converter': self.title, 'version': self.version}

    def json_path(self, target: Path, split: Split) -> Path:
        """The split's JSON in a converted folder."""
        return Path(target, 'annotations', f'{self.title}_{split.short}.json')

    @abstractmethod
    def names(self, split: Split) -> list[str]:
        """File names, without extension, of the split's images; raises ``DataError`` where the split cannot be read."""

    @abstractmethod
    def load(self, split: Split, name: str) -> Sample:
        """One image with its maps, without them where the split is not ``labelled``.

        Raises:
            DataError: a file is missing or broken; the message names it.
        """

    def box(self, split: Split, name: str) -> list[float]:
        """The box (x, y, width, height) of an image's one person; only of converters with ``own_boxes``.

        Raises:
            DataError: a file is missing or broken; the message names it.
        """
        raise NotImplementedError


def convert(converter: Converter, target: Path, *, workers: int = 0, show_progress: bool = True) -> list[SplitReport]:
    """Convert every split of an archive; run again, finished files are kept.

    Args:
        converter: the archive.
        target: folder to write the prepared layout to.
        workers: processes; 0 or 1 works in this one.
        show_progress: draw a progress bar on the terminal.

    Returns:
        A report for each split. One that cannot be read has a ``fault``, and the others are converted.

    Raises:
        DataError: no split can be read, ``target`` holds a conversion with other settings, or a process died.
    """
    target = Path(target)
    names: dict[Split, list[str] | DataError] = {}
    for split in converter.splits:
        try:
            names[split] = converter.names(split)
        except DataError as error:
            names[split] = error
    faults = [found for found in names.values() if isinstance(found, DataError)]
    if len(faults) == len(names):
        raise faults[0]
    claim_folder(target, converter.settings, written=[
        target / REPORT, *(converter.json_path(target, split) for split in converter.splits)])
    return [
        _fault(converter, split, found) if isinstance(found, DataError) else
        _convert_split(converter, split, found, target, workers=workers, show_progress=show_progress)
        for split, found in names.items()]


def empty_report(converter: Converter, split: Split, *, fault: str = '') -> SplitReport:
    """A report of a split with what is expected of it, to be filled."""
    return SplitReport(split.folder, official=split.official, fault=fault, optional=not split.labelled,
                       unlabelled_is_fault=converter.unlabelled_is_fault)


def _fault(converter: Converter, split: Split, error: DataError) -> SplitReport:
    return empty_report(converter, split, fault=str(error))


def _convert_split(converter: Converter, split: Split, names: Sequence[str], target: Path, *, workers: int,
                   show_progress: bool) -> SplitReport:
    report = empty_report(converter, split)
    report.outcomes = convert_split(
        partial(converter.load, split), names, target / split.folder, converter.json_path(target, split),
        num_classes=converter.num_classes, whole_image=converter.whole_image, labelled=split.labelled,
        box_of=partial(converter.box, split) if converter.own_boxes else None, workers=workers,
        show_progress=show_progress).outcomes
    return report


# -- finding things in archives ----------------------------------------------------------------------------------------


def find(source: Path, name: str) -> Path:
    """A file or folder of an archive, in ``source`` or up to two folders below: unpacked archives nest differently.

    Raises:
        DataError: there is none.
    """
    for above in ('', '*/', '*/*/'):
        found = sorted(Path(source).glob(above + name))
        if found:
            return found[0]
    raise DataError(f'{source}: no {name} in it')


def find_folders(folder: Path, *names: str) -> None:
    """Raise unless the sub-folders are there."""
    for name in names:
        if not (folder / name).is_dir():
            raise DataError(f'{folder / name}: no such folder')


def read_names(path: Path) -> list[str]:
    """The names of a list, one a line (its first word, without .jpg), each once."""
    try:
        lines = read_bytes(path).decode('utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f'{path}: not a text file ({error})') from None
    return list(dict.fromkeys(line.split()[0].removesuffix('.jpg') for line in lines if line.strip()))


def listed_or_found(folder: Path, listing: str, images: Path) -> list[str]:
    """The names of a list in ``folder`` (:func:`find`) or, where it is absent, of all the .jpg files of ``images``."""
    try:
        path = find(folder, listing)
    except DataError:
        names = [path.stem for path in visible_files(images) if path.suffix == '.jpg']
        if not names:
            raise DataError(f'{images}: no .jpg files, and no {listing}') from None
        return names
    return read_names(path)


def draw_names(names: Sequence[str], count: int, *, seed: int) -> tuple[list[str], list[str]]:
    """Draw the ``count`` names whose hash with the seed is lowest; gives (the rest, the drawn), both sorted.

    A hash instead of a shuffle: a name that is added or taken away moves at most one other to the other side.
    """
    ranked = sorted(names, key=lambda name: hashlib.sha256(f'{seed}:{name}'.encode()).digest())
    return sorted(ranked[count:]), sorted(ranked[:count])
