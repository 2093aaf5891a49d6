"""Instance annotations for general segmenters: every person, and every part of every person, of a prepared data set.

Categories are ``person``, with id 1, and the data set's classes without background, class c with id c + 1.
"""
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mmqanet.errors import DataError
from mmqanet.preparation.converters.prepared import check_maps, describe_people, part_ids, sample_paths
from mmqanet.structures.coco_people import image_index, load_coco
from mmqanet.utils.files import check_overwrites, read_label_map, write_bytes
from mmqanet.utils.processes import run_many


def write_part_instances(split_dir: Path, people: Path, target: Path, *, classes: Sequence[str], min_area: int = 1,
                         workers: int = 0, show_progress: bool = True) -> int:
    """Write the COCO-style JSON of a split; the images stay where they are.

    Args:
        split_dir: folder of the split, e.g. ``CIHP/Training``.
        people: the split's JSON with its images, e.g. ``CIHP/annotations/CIHP_train.json``.
        target: file to write.
        classes: names of the data set's classes, background first.
        min_area: instances of fewer pixels are marked as crowd, so that they are neither learned nor demanded.
        workers: processes; 0 or 1 works in this one.
        show_progress: draw a progress bar on the terminal.

    Returns:
        int: the number of instances.

    Raises:
        DataError: a file is missing or broken, or a map does not fit its image; nothing is written.
    """
    check_overwrites(target, [people])
    images = image_index(load_coco(str(people))['images'], str(people))
    describe = partial(describe_instances, split_dir=Path(split_dir), num_classes=len(classes), min_area=min_area)
    groups = run_many(describe, list(images.values()), title=Path(target).stem, workers=workers, progress=show_progress)
    instances = [dict(instance, image_id=image_id) for image_id, group in zip(images, groups) for instance in group]
    content = {
        'images': list(images.values()),
        'annotations': [dict(id=number, **instance) for number, instance in enumerate(instances, 1)],
        'categories': [{'id': number, 'name': name} for number, name in enumerate(('person', *classes[1:]), 1)]}
    write_bytes(Path(target), json.dumps(content).encode())
    return len(instances)


def describe_instances(image: dict, *, split_dir: Path, num_classes: int, min_area: int) -> list[dict]:
    """The people of an image, then their parts, as COCO annotations that lack ``id`` and ``image_id``."""
    name = str(Path(image['file_name']).with_suffix(''))
    paths = sample_paths(split_dir, name)
    category, human = (read_label_map(paths[folder]) for folder in ('Category_ids', 'Human_ids'))
    try:
        check_maps(name, (image['height'], image['width']), category, human, num_classes)
    except DataError as error:
        raise DataError(f'{split_dir}: {error}') from None
    instance, rows = part_ids(category, human, num_classes)
    owners = {part: (label, person) for part, label, person in rows.tolist()}
    parts = []
    for part in describe_people(instance):
        label, person = owners[part['parsing_id']]
        parts.append({**part, 'category_id': label + 1, 'parsing_id': person})
    found = [*describe_people(human, category), *parts]
    return [{**one, 'iscrowd': int(one['area'] < min_area)} for one in found]
