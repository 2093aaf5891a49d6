"""Checking a folder in the prepared layout against itself: files readable, sizes, labels, people and parts agree."""
from collections import defaultdict
from functools import partial
from pathlib import Path

from mmqanet.errors import DataError
from mmqanet.preparation.converters.base import Converter, Split, empty_report
from mmqanet.preparation.converters.prepared import (
    check_maps,
    check_parts,
    describe_people,
    image_size,
    sample_paths,
    unlabelled_people,
)
from mmqanet.preparation.converters.report import Outcome, SplitReport
from mmqanet.structures.coco_people import image_index, load_coco
from mmqanet.utils.files import read_bytes, read_label_map, read_rows
from mmqanet.utils.processes import run_many
from mmqanet.utils.wording import count_of

PERSON_FIELDS = ('parsing_id', 'bbox', 'area', 'segmentation')


def verify(converter: Converter, target: Path, *, workers: int = 0, show_progress: bool = True) -> list[SplitReport]:
    """Check a converted folder; nothing is written.

    For every image of the JSON: its files can be read whole and have the size that the JSON says, labels and ids are in
    range, the people of the JSON are those of the maps, and the parts of the PNG are those of the TXT.

    Args:
        converter: what the folder was made by; its archive is not needed.
        target: the converted folder.
        workers: processes; 0 or 1 works in this one.
        show_progress: draw a progress bar on the terminal.

    Returns:
        A report for each split, in which images with anything wrong have failed.

    Raises:
        DataError: a process died.
    """
    return [_verify_split(converter, split, Path(target), workers=workers, show_progress=show_progress)
            for split in converter.splits]


def _verify_split(converter: Converter, split: Split, target: Path, *, workers: int, show_progress: bool) -> SplitReport:
    path = converter.json_path(target, split)
    try:
        content = load_coco(str(path))
        images = image_index(content['images'], str(path))
    except DataError as error:
        report = empty_report(converter, split, fault=str(error))
        report.optional &= not (target / split.folder).exists()
        return report
    people = defaultdict(list)
    for person in content['annotations']:
        people[person.get('image_id')].append(person)
    check = partial(verify_one, split_dir=target / split.folder, num_classes=converter.num_classes,
                    whole_image=converter.whole_image, labelled=split.labelled, own_boxes=converter.own_boxes)
    report = empty_report(converter, split)
    report.verified = True
    report.outcomes = run_many(check, [(image, people.pop(number, [])) for number, image in images.items()],
                               title=f'{split.folder}, verified', workers=workers, progress=show_progress)
    report.outcomes += [
        Outcome(path.name, error=f'{count_of(len(group), "person", "people")} of image {number}, which it does not hold')
        for number, group in people.items()]
    return report


def verify_one(item: tuple[dict, list[dict]], *, split_dir: Path, num_classes: int, whole_image: bool = False,
               labelled: bool = True, own_boxes: bool = False) -> Outcome:
    """Check the files of one image against its record and its people in the JSON; boxes that are not of the maps pass."""
    image, people = item
    name = str(image['file_name']).removesuffix('.jpg')
    try:
        paths = sample_paths(split_dir, name)
        size = image_size(read_bytes(paths['Images']), str(paths['Images']))
        if size != (image['height'], image['width']):
            raise DataError(f'the image is {size[1]}x{size[0]}, the JSON says {image["width"]}x{image["height"]}')
        if not labelled:
            return Outcome(name, *size, [])
        category, human = (read_label_map(paths[folder]) for folder in ('Category_ids', 'Human_ids'))
        check_maps(name, size, category, human, num_classes)
        expected = describe_people(human, category, whole_image=whole_image)
        boxes = {person.get('parsing_id'): person.get('bbox') for person in people}
        if own_boxes:
            expected = [dict(person, bbox=boxes.get(person['parsing_id'])) for person in expected]
        _check_people(people, expected)
        rows = read_rows(paths['parts'], (int, int, int), 'part_id class_id human_id')
        check_parts(str(paths['parts']), read_label_map(paths['Instance_ids']), rows, category, human)
    except DataError as error:
        return Outcome(name, error=str(error))
    return Outcome(name, *size, people, unlabelled=tuple(unlabelled_people(human, category)))


def _check_people(found: list[dict], expected: list[dict]) -> None:
    """Compare the people of the JSON with those of the maps; other programs' JSON may hold polygons, which are let pass."""
    by_id = {person.get('parsing_id'): person for person in found}
    for person in expected:
        other = by_id.pop(person['parsing_id'], None)
        if other is None:
            raise DataError(f'person {person["parsing_id"]} of the maps is not in the JSON')
        fields = [field for field in PERSON_FIELDS if field != 'segmentation' or isinstance(other.get(field), dict)]
        for field in fields:
            if other.get(field) != person[field]:
                raise DataError(f'person {person["parsing_id"]}: {field} differs between the JSON and the maps')
    if by_id or len(found) != len(expected):
        raise DataError(f'the JSON has {count_of(len(found), "person", "people")}, the maps have {len(expected)}')
