"""Running a converter over many images: several processes, a progress bar, a report; run again, it goes on."""
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mmqanet.datasets.converters.prepared import (
    describe_people,
    is_written,
    sample_paths,
    write_coco_json,
    write_sample,
)
from mmqanet.errors import DataError
from mmqanet.files import read_bytes, read_label_map, write_bytes


class UnusableSample(DataError):
    """A sample is readable but breaks a usability rule; ``str(error)`` is the rule."""


@dataclass(frozen=True)
class Sample:
    """One image to be written: see :func:`~mmqanet.datasets.converters.prepared.write_sample`."""

    image: Path | bytes
    category: np.ndarray
    human: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """What became of one sample: written or kept (``people`` is set), unusable by a rule, or failed."""

    name: str
    height: int = 0
    width: int = 0
    people: list[dict] | None = None
    kept: bool = False
    rule: str = ''
    error: str = ''


@dataclass
class SplitReport:
    """The outcomes of one split, in the order of its names."""

    title: str
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def done(self) -> list[Outcome]:
        """Samples that lie in the split's folder now."""
        return [outcome for outcome in self.outcomes if outcome.people is not None]

    @property
    def failed(self) -> list[Outcome]:
        """Samples that could not be read."""
        return [outcome for outcome in self.outcomes if outcome.error]

    def lines(self) -> list[str]:
        """The report: counts, then every unusable sample by rule, then every failed one with its error."""
        rules = defaultdict(list)
        for outcome in self.outcomes:
            if outcome.rule:
                rules[outcome.rule].append(outcome.name)
        people = sum(len(outcome.people or ()) for outcome in self.done)
        lines = [f'{self.title}: {len(self.done)} of {len(self.outcomes)} images ({people} people), '
                 f'{sum(outcome.kept for outcome in self.done)} of them kept from an earlier run; '
                 f'{sum(map(len, rules.values()))} unusable, {len(self.failed)} failed']
        lines += [f'  unusable, {rule}: {len(names)} ({", ".join(names)})' for rule, names in sorted(rules.items())]
        lines += [f'  failed, {outcome.name}: {outcome.error}' for outcome in self.failed]
        return lines


def convert_split(load: Callable[[str], Sample], names: Sequence[str], split_dir: Path, json_path: Path, *,
                  num_classes: int, workers: int = 0, show_progress: bool = True) -> SplitReport:
    """Convert the samples of a split and write its JSON, in the order of ``names``.

    A sample whose five files are there is kept. One that cannot be read or used is reported, and the rest converted.

    Args:
        load: reads one sample by name; raises ``DataError`` where it cannot, ``UnusableSample`` where it must not be
            used. Sent to other processes, so it must be picklable: a module's function, or a ``partial`` of one.
        names: file names without extension; sub-folders allowed.
        split_dir: folder of the split, e.g. ``CIHP/Training``.
        json_path: COCO-style JSON to write.
        num_classes: classes with background.
        workers: processes; 0 or 1 works in this one.
        show_progress: draw a progress bar on the terminal.

    Raises:
        DataError: a process died.
    """
    report = SplitReport(split_dir.name)
    found = {}
    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=not show_progress) as progress:
        task = progress.add_task(report.title, total=len(names))
        for outcome in _run(load, names, split_dir, num_classes, workers):
            found[outcome.name] = outcome
            progress.advance(task)
    report.outcomes = [found[name] for name in names]
    write_coco_json(json_path,
                    [{'file_name': f'{outcome.name}.jpg', 'height': outcome.height, 'width': outcome.width}
                     for outcome in report.done],
                    [outcome.people or [] for outcome in report.done])
    return report


def convert_one(load: Callable[[str], Sample], name: str, split_dir: Path, num_classes: int) -> Outcome:
    """Convert one sample, or keep it where it is written already."""
    human = _read_back(split_dir, name)
    if human is not None:
        height, width = human.shape
        return Outcome(name, height, width, describe_people(human), kept=True)
    try:
        sample = load(name)
        people = write_sample(split_dir, name, image=sample.image, category=sample.category, human=sample.human,
                              num_classes=num_classes)
    except UnusableSample as rule:
        return Outcome(name, rule=str(rule))
    except DataError as error:
        return Outcome(name, error=str(error))
    height, width = sample.human.shape
    return Outcome(name, height, width, people)


def claim_folder(root: Path, settings: dict) -> None:
    """Record in ``root/conversion.json`` what is converted into it, so that runs with other settings do not mix.

    Raises:
        DataError: the folder holds a conversion with other settings.
    """
    path = Path(root, 'conversion.json')
    if not path.exists():
        write_bytes(path, json.dumps(settings).encode())
        return
    try:
        found = json.loads(read_bytes(path))
    except ValueError as error:
        raise DataError(f'{path}: not JSON ({error})') from error
    if found != settings:
        raise DataError(f'{root} holds a conversion with {found}, not {settings}: choose another folder')


def _read_back(split_dir: Path, name: str) -> np.ndarray | None:
    """The human map of a sample that is written and whole, else ``None``."""
    try:
        return read_label_map(sample_paths(split_dir, name)['Human_ids']) if is_written(split_dir, name) else None
    except DataError:
        return None


def _run(load: Callable[[str], Sample], names: Sequence[str], split_dir: Path, num_classes: int,
         workers: int) -> Iterator[Outcome]:
    if workers <= 1:
        for name in names:
            yield convert_one(load, name, split_dir, num_classes)
        return
    with ProcessPoolExecutor(workers) as pool:
        futures = [pool.submit(convert_one, load, name, split_dir, num_classes) for name in names]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise DataError(f'{split_dir}: a process died, perhaps for lack of memory; run again to go on') from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
