"""Running a converter over many images: several processes, a progress bar, a report; run again, it goes on."""
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from mmqanet.errors import DataError
from mmqanet.preparation.converters.prepared import (
    describe_people,
    image_size,
    is_written,
    sample_paths,
    unlabelled_people,
    write_coco_json,
    write_image,
    write_sample,
)
from mmqanet.preparation.converters.report import Outcome, SplitReport
from mmqanet.utils.files import read_bytes, read_json, read_label_map, write_bytes
from mmqanet.utils.processes import run_many


class UnusableSample(DataError):
    """A sample is readable but breaks a usability rule; ``str(error)`` is the rule."""


@dataclass(frozen=True)
class Sample:
    """One image to be written: see :func:`~mmqanet.preparation.converters.prepared.write_sample`.

    The maps are ``None`` where the split has no labels. ``notes`` are oddities for the report, pairs (kind, which file).
    """

    image: Path | bytes
    category: np.ndarray | None = None
    human: np.ndarray | None = None
    parts: tuple[np.ndarray, np.ndarray] | None = None
    notes: tuple[tuple[str, str], ...] = ()


def convert_split(load: Callable[[str], Sample], names: Sequence[str], split_dir: Path, json_path: Path, *,
                  num_classes: int, whole_image: bool = False, labelled: bool = True,
                  box_of: Callable[[str], list[float]] | None = None, workers: int = 0,
                  show_progress: bool = True) -> SplitReport:
    """Convert the samples of a split and write its JSON, in the order of ``names``.

    A sample whose files are there is kept. One that cannot be read or used is reported, and the rest converted.

    Args:
        load: reads one sample by name; raises ``DataError`` where it cannot, ``UnusableSample`` where it must not be
            used. Sent to other processes, so it must be picklable: a module's function, or a ``partial`` of one.
        names: file names without extension; sub-folders allowed. A name that leaves its folder fails.
        split_dir: folder of the split, e.g. ``CIHP/Training``.
        json_path: COCO-style JSON to write.
        num_classes: classes with background.
        whole_image: people's boxes are the image, for data sets of one person an image.
        labelled: samples have label maps; otherwise images alone are written, and the JSON has no people.
        box_of: gives a sample's box (x, y, width, height) in place of its people's extent.
        workers: processes; 0 or 1 works in this one.
        show_progress: draw a progress bar on the terminal.

    Raises:
        DataError: a process died.
    """
    convert = partial(convert_one, load, split_dir=split_dir, num_classes=num_classes, whole_image=whole_image,
                      labelled=labelled, box_of=box_of)
    report = SplitReport(split_dir.name)
    report.outcomes = run_many(convert, names, title=report.title, workers=workers, progress=show_progress)
    write_coco_json(json_path,
                    [{'file_name': f'{outcome.name}.jpg', 'height': outcome.height, 'width': outcome.width}
                     for outcome in report.done],
                    [outcome.people or [] for outcome in report.done])
    return report


def convert_one(load: Callable[[str], Sample], name: str, *, split_dir: Path, num_classes: int,
                whole_image: bool = False, labelled: bool = True,
                box_of: Callable[[str], list[float]] | None = None) -> Outcome:
    """Convert one sample, or keep it where it is written already."""
    try:
        if not labelled:
            return _convert_image(load, name, split_dir)
        maps = _read_back(split_dir, name)
        if maps is not None:
            return _boxed(_outcome(name, *maps, whole_image=whole_image, kept=True), box_of)
        sample = load(name)
        if sample.category is None or sample.human is None:
            raise DataError(f'{name}: no label maps')
        write_sample(split_dir, name, image=sample.image, category=sample.category, human=sample.human,
                     num_classes=num_classes, parts=sample.parts)
        return _boxed(_outcome(name, sample.category, sample.human, whole_image=whole_image, notes=sample.notes), box_of)
    except UnusableSample as rule:
        return Outcome(name, rule=str(rule))
    except DataError as error:
        return Outcome(name, error=str(error))
    except OSError as error:  # such as a name that is too long to be looked up
        return Outcome(name, error=f'{name[:100]}: {error.strerror}')


def claim_folder(root: Path, settings: dict, *, written: Sequence[Path] = ()) -> None:
    """Record in ``root/conversion.json`` what is converted into it, so that runs with other settings do not mix.

    Args:
        root: the folder.
        settings: of the conversion.
        written: files about all samples. Where they are there and no conversion is, they are somebody's.

    Raises:
        DataError: the folder holds a conversion with other settings, of which the message names each that differs, or
            something that no conversion has written.
    """
    path = Path(root, 'conversion.json')
    if not os.path.lexists(path):
        for other in written:
            if os.path.lexists(other):
                raise DataError(f'{other}: belongs to no conversion and would be overwritten: give another folder')
        write_bytes(path, json.dumps(settings).encode())
        return
    found = read_json(path, expected=dict)
    differences = []
    for key in [*settings, *(key for key in found if key not in settings)]:
        if key not in found:
            differences.append(f'no {key} (an earlier version made it), not {settings[key]!r}')
        elif key not in settings:
            differences.append(f'{key} {found[key]!r}, which is no setting of this converter')
        elif found[key] != settings[key]:
            differences.append(f'{key} {found[key]!r}, not {settings[key]!r}')
    if differences:
        raise DataError(f'{root} holds a conversion with {"; ".join(differences)}: give another folder or delete this one')


def _outcome(name: str, category: np.ndarray, human: np.ndarray, *, whole_image: bool, kept: bool = False,
             notes: tuple[tuple[str, str], ...] = ()) -> Outcome:
    height, width = human.shape
    return Outcome(name, height, width, describe_people(human, category, whole_image=whole_image), kept=kept,
                   unlabelled=tuple(unlabelled_people(human, category)), notes=notes)


def _boxed(outcome: Outcome, box_of: Callable[[str], list[float]] | None) -> Outcome:
    """An outcome whose people have the box of ``box_of``, where there is one."""
    if box_of is None:
        return outcome
    return replace(outcome, people=[dict(person, bbox=box_of(outcome.name)) for person in outcome.people or []])


def _convert_image(load: Callable[[str], Sample], name: str, split_dir: Path) -> Outcome:
    path = sample_paths(split_dir, name)['Images']
    kept = path.is_file()
    size = image_size(read_bytes(path), str(path)) if kept else write_image(split_dir, name, load(name).image)
    return Outcome(name, *size, people=[], kept=kept)


def _read_back(split_dir: Path, name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """The category and human map of a sample that is written and whole, else ``None``."""
    if not is_written(split_dir, name):
        return None
    paths = sample_paths(split_dir, name)
    try:
        category, human = (read_label_map(paths[folder]) for folder in ('Category_ids', 'Human_ids'))
    except DataError:
        return None
    return (category, human) if category.shape == human.shape else None


def load_single_person(image: Path, labels: Path) -> Sample:
    """One picture with its label map.

    Raises:
        DataError: a file is missing or broken, or the person has no pixel.
    """
    category = read_label_map(labels)
    human = (category > 0).astype(np.uint8)
    if not human.any():
        raise DataError(f'{labels}: the person has no pixel')
    return Sample(image, category, human)
