"""The JSON for labels of one's own: folders of images, class maps and, with several people an image, person maps.

The files stay where and as they are; what the data set class needs besides them is the JSON with the people's boxes.
"""
from functools import partial
from pathlib import Path

import numpy as np

from mmqanet.errors import DataError
from mmqanet.preparation.converters.prepared import (
    IGNORE,
    check_maps,
    describe_people,
    part_ids,
    parts_table,
    shown_size,
    unlabelled_people,
    write_coco_json,
)
from mmqanet.preparation.converters.report import Outcome, SplitReport
from mmqanet.utils.files import check_overwrites, read_label_map, write_bytes, write_label_map
from mmqanet.utils.folders import list_files
from mmqanet.utils.formats import IMAGE_SUFFIXES
from mmqanet.utils.processes import run_many
from mmqanet.utils.wording import count_of


def describe_label_maps(images: Path, labels: Path, json_path: Path, *, num_classes: int, people: Path | None = None,
                        parts: Path | None = None, workers: int = 0, show_progress: bool = True) -> SplitReport:
    """Write the COCO-style JSON of a split; what cannot be read is reported and left out of it.

    Args:
        images: folder of the images, sub-folders and what links lead to included; hidden files are passed over.
        labels: folder of their class maps: PNGs of the same names, 0 background, 255 ignore.
        json_path: file to write.
        num_classes: classes with background.
        people: folder of the person maps, PNGs of the same names, 0 nobody; without, all labelled pixels of an image are
            one person's.
        parts: folder to write part ids to (PNG and TXT), which metrics over several people want; needs ``people``.
        workers: processes; 0 or 1 works in this one.
        show_progress: draw a progress bar on the terminal.

    Raises:
        DataError: there are no images, or a process died. InputError: an output would overwrite an input.
    """
    names, left_out = _find_images(Path(images))
    for name in names:
        check_overwrites(json_path, [images / name, *_maps_of(name, labels, people)])
    describe = partial(describe_one, images=Path(images), labels=Path(labels), num_classes=num_classes, people=people,
                       parts=parts)
    report = SplitReport(Path(json_path).stem, remarks=left_out)
    report.outcomes = run_many(describe, names, title=report.title, workers=workers, progress=show_progress)
    write_coco_json(Path(json_path), [dict(file_name=outcome.name, height=outcome.height, width=outcome.width)
                                      for outcome in report.done], [outcome.people or [] for outcome in report.done])
    return report


def _find_images(folder: Path) -> tuple[list[str], list[str]]:
    """The sorted names of the images of a folder, and lines on what else is in it."""
    try:
        content = list_files(folder, recursive=True)
    except OSError as error:
        raise DataError(f'{folder}: this folder cannot be read ({error.strerror})') from None
    names = sorted(path.relative_to(folder).as_posix() for path in content.files if path.suffix.lower() in IMAGE_SUFFIXES)
    if not names:
        raise DataError(f'{folder}: no images ({" ".join(IMAGE_SUFFIXES)})')
    others = len(content.files) - len(names)
    left_out = [f'left out: {count_of(others, "file of another kind", "files of other kinds")}'] if others else []
    return names, [*left_out, *content.remarks]


def _maps_of(name: str, *folders: Path | None) -> list[Path]:
    """The maps of an image, ``name`` with its suffix, in folders of maps."""
    return [Path(folder, name).with_suffix('.png') for folder in folders if folder]


def describe_one(name: str, *, images: Path, labels: Path, num_classes: int, people: Path | None = None,
                 parts: Path | None = None) -> Outcome:
    """Describe the people of one image, ``name`` with its suffix; the maps are checked as in training."""
    stem = name[:-len(Path(name).suffix)]
    try:
        category = read_label_map(labels / f'{stem}.png')
        height, width = shown_size(images / name, category.shape)
        human = (category > 0).astype(np.uint8) if people is None else read_label_map(Path(people) / f'{stem}.png')
        check_maps(stem, (height, width), category, human, num_classes)
        if np.isin(category, (0, IGNORE)).all() and category.any():
            raise DataError(f'{labels / stem}.png: holds 0 and {IGNORE} only; {IGNORE} is ignored, a mask is labelled 1')
        if people is None and not human.any():
            raise DataError(f'{labels / stem}.png: the person has no pixel')
        if parts is not None:
            check_overwrites(Path(parts) / f'{stem}.png', [images / name, *_maps_of(name, labels, people)])
            instance, table = part_ids(category, human, num_classes)
            write_label_map(Path(parts) / f'{stem}.png', instance)
            write_bytes(Path(parts) / f'{stem}.txt', parts_table(table))
    except DataError as error:
        return Outcome(name, error=str(error))
    return Outcome(name, height, width, describe_people(human, category),
                   unlabelled=tuple(unlabelled_people(human, category)))
