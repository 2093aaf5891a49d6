"""Files about all pictures of a run, made from the records: for annotation tools, and to look at."""
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmqanet.apis.inputs import Input, Picture
from mmqanet.apis.layout import SUMMARIES, record_path
from mmqanet.apis.output_plan import OutputPlan
from mmqanet.apis.records import is_parsing, is_whole, read_record
from mmqanet.errors import DataError, MMQANetError
from mmqanet.exports.coco import coco_dataset
from mmqanet.exports.label_studio import label_studio_tasks, labelling_config
from mmqanet.exports.report import report
from mmqanet.structures import LabelSet
from mmqanet.utils.staging import Staging

Record = Mapping[str, Any]


def write_summaries(folder: Path, items: Sequence[Input], *, kinds: Sequence[str], label_set: LabelSet,
                    plan: OutputPlan) -> list[str]:
    """Write what is said of all pictures together; each file is whole or as it was.

    Pictures without whole results are left out, also those whose record has been spoilt, and so are videos.

    Args:
        folder: of the results.
        items: in the order of the summaries.
        kinds: of ``mmqanet.apis.layout.SUMMARIES``.
        label_set: of the model.
        plan: says which files are never overwritten.

    Returns:
        list: the files' paths below the folder.

    Raises:
        DataError: a file cannot be written. InputError: it would overwrite one that was given.
    """
    pictures = [item for item in items if isinstance(item, Picture)]
    records = _Records(folder, pictures)
    paths = [path for kind in kinds for path in SUMMARIES[kind]]
    with Staging(folder) as staging:
        for path in paths:
            _write(staging.path / path, _pieces(path, records, label_set), target=folder / path)
        staging.check(paths, plan.check)
        staging.publish(paths)
    return paths


def _pieces(path: str, records: Callable[[], Iterator[tuple[Picture, Record]]], label_set: LabelSet) -> Iterable[str]:
    def described() -> Iterator[Record]:
        return (record for _, record in records())

    match path:
        case 'coco_people.json':
            return coco_dataset(described, of='people')
        case 'coco_parts.json':
            return coco_dataset(described, of='parts')
        case 'labelstudio.json':
            return label_studio_tasks(described())
        case 'labelstudio.xml':
            return [labelling_config(label_set)]
    pairs = ((record, _image(item, record)) for item, record in records())
    return report(pairs, label_set=label_set)


class _Records:
    """The records of pictures, read anew at each call; a record that is not whole, or was spoilt, is left out.

    Args:
        folder: of the results.
        pictures: whose they are.
    """

    def __init__(self, folder: Path, pictures: Sequence[Picture]) -> None:
        self.folder, self.pictures = folder, pictures
        self.usable: dict[str, bool] = {}

    def __call__(self) -> Iterator[tuple[Picture, Record]]:
        for item in self.pictures:
            record = read_record(self.folder / record_path(item.name))
            if record is not None and self._is_usable(item, record):
                yield item, record

    def _is_usable(self, item: Picture, record: Record) -> bool:
        if item.name not in self.usable:
            self.usable[item.name] = is_whole(record, self.folder) and is_parsing(record)
        return self.usable[item.name]


def _image(item: Picture, record: Record) -> np.ndarray | None:
    """The picture, unless it cannot be read any more or has changed."""
    try:
        image = next(iter(item.frames())).image
    except MMQANetError:
        return None
    return image if image.shape[:2] == (record['height'], record['width']) else None


def _write(path: Path, pieces: Iterable[str], *, target: Path) -> None:
    try:
        with path.open('w', encoding='utf-8') as file:
            file.writelines(pieces)
    except OSError as error:
        raise DataError(f'{target}: cannot be written ({error.strerror})') from None
