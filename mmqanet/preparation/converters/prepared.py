"""The writer of the prepared layout, shared by every converter and by the toy data set.

::

    DATASET/
      Training/ and Validation/
        Images/NAME.jpg         the picture, its bytes untouched
        Category_ids/NAME.png   uint8, part class per pixel, 0 background, 255 ignore
        Human_ids/NAME.png      uint8, person id per pixel (1, 2, …), 0 background
        Instance_ids/NAME.png   part id per pixel: num_classes · (person - 1) + class; 16 bit where one passes 255
        Instance_ids/NAME.txt   a line a part instance: `part_id class_id person_id`
      annotations/*.json        COCO style, one annotation a person, with its `parsing_id` in Human_ids

NAME may hold sub-folders. Every file is written under a temporary name and renamed, so an interrupted run leaves no
half file behind. Letters: H, W height and width of the image, N its people.
"""
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from mmqanet.errors import DataError
from mmqanet.functional.image_parsing import IGNORE, number_parts
from mmqanet.functional.rle import encode_rle
from mmqanet.utils.files import check_inside, read_bytes, write_bytes, write_label_map
from mmqanet.utils.formats import known_formats
from mmqanet.utils.images import decode_image, exif_orientation

LAST_PERSON = 255  # of an 8-bit map; the part ids then fit 16 bits
SIDEWAYS = 5  # from this EXIF orientation on, height and width change places


def write_sample(split_dir: Path, name: str, *, image: Path | bytes, category: np.ndarray, human: np.ndarray,
                 num_classes: int, parts: tuple[np.ndarray, np.ndarray] | None = None) -> list[dict]:
    """Write the five files of one image and describe its people.

    Args:
        split_dir: folder of the split, e.g. ``CIHP/Training``; created where missing.
        name: file name without extension, sub-folders allowed.
        image: a JPEG file, or its bytes; copied as they are.
        category: (H, W) integers, part class in ``[0, num_classes)`` or 255 = ignore.
        human: (H, W) integers, person id in [0, 255], 0 = nobody.
        num_classes: classes with background.
        parts: the (H, W) map of part ids and its table, as :func:`part_ids` gives them, which makes them by default.

    Returns:
        The N people in ascending id, as :func:`describe_people` gives them.

    Raises:
        DataError: the image cannot be read, the sizes differ, or a label or id is out of range; nothing is written.
    """
    data = image if isinstance(image, bytes) else read_bytes(image)
    check_maps(name, image_size(data, name), category, human, num_classes)
    instance, table = parts if parts is not None else part_ids(category, human, num_classes)
    paths = sample_paths(split_dir, name)
    _check_place(paths['Images'], image, data)
    write_bytes(paths['Images'], data)
    write_label_map(paths['Human_ids'], human)
    write_label_map(paths['Instance_ids'], instance)
    write_bytes(paths['parts'], parts_table(table))
    write_label_map(paths['Category_ids'], category)
    return describe_people(human, category)


def write_image(split_dir: Path, name: str, image: Path | bytes) -> tuple[int, int]:
    """Copy the JPEG of a sample without labels and give its (height, width).

    Raises:
        DataError: the image cannot be read; nothing is written.
    """
    data = image if isinstance(image, bytes) else read_bytes(image)
    size = image_size(data, name)
    path = sample_paths(split_dir, name)['Images']
    _check_place(path, image, data)
    write_bytes(path, data)
    return size


def _check_place(path: Path, image: Path | bytes, data: bytes) -> None:
    """Raise ``DataError`` if an image would be copied to itself, and its labels over those that they are made of, or over
    another image; ``data`` are its bytes."""
    if not path.is_file():
        return
    if not isinstance(image, bytes) and os.path.samefile(path, image):
        raise DataError(f'{image}: would be overwritten; convert to another folder than that of the archive')
    if read_bytes(path, limit=None) != data:
        raise DataError(f'{path}: another picture that would be overwritten; convert to another folder')


def part_ids(category: np.ndarray, human: np.ndarray, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The ids of the part instances: a part is a (person, class) pair, class neither background nor ignore.

    Returns:
        The (H, W) int32 map of part ids, ``num_classes · (person - 1) + class``, 0 elsewhere; and the (K, 3) int32 rows
        (part id, class, person) in ascending id.
    """
    part, labels, people = number_parts(category, human)
    ids = num_classes * people + labels
    return np.concatenate([[0], ids]).astype(np.int32)[part], np.stack([ids, labels, people + 1], axis=1).astype(np.int32)


def parts_table(rows: np.ndarray) -> bytes:
    """The TXT of the (K, 3) rows that :func:`part_ids` gives."""
    return ''.join(f'{part} {label} {person}\n' for part, label, person in rows.tolist()).encode()


def describe_people(human: np.ndarray, category: np.ndarray | None = None, *, whole_image: bool = False) -> list[dict]:
    """Describe the people of a (H, W) person map as COCO annotations that lack ``id`` and ``image_id``.

    ``bbox`` is xywh in pixels, tight around the person's pixels (a single pixel is 1 × 1) or the ``whole_image``; ``area``
    is their number, ``segmentation`` holds them as compressed RLE. With the ``category`` map given, people without a
    labelled pixel are left out: there is nothing to learn from them.
    """
    left_out = {0, *(unlabelled_people(human, category) if category is not None else ())}
    people = []
    for person in np.flatnonzero(np.bincount(human.ravel().astype(np.int64))).tolist():
        if person in left_out:
            continue
        mask = human == person
        ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = [xs[0], ys[0], xs[-1] - xs[0] + 1, ys[-1] - ys[0] + 1] if not whole_image else [0, 0, *mask.shape[::-1]]
        people.append({'parsing_id': person, 'category_id': 1, 'bbox': [int(v) for v in box], 'area': int(mask.sum()),
                       'iscrowd': 0, 'segmentation': encode_rle(mask)})
    return people


def unlabelled_people(human: np.ndarray, category: np.ndarray) -> list[int]:
    """Ids of the (H, W) person map none of whose pixels has a class: all are background or ignored."""
    pixels = np.bincount(human.ravel().astype(np.int64))
    labelled = np.bincount(human[(category > 0) & (category != IGNORE)].astype(np.int64), minlength=len(pixels))
    return [person for person in np.flatnonzero((pixels > 0) & (labelled == 0)).tolist() if person]


def write_coco_json(path: Path, images: Sequence[dict], annotations: Sequence[list[dict]]) -> None:
    """Write a COCO-style JSON with one category, ``person``; images and annotations are numbered from 1.

    Args:
        path: file to write, e.g. ``CIHP/annotations/CIHP_train.json``.
        images: one dict an image with ``file_name`` (relative to ``Images``), ``height`` and ``width``.
        annotations: for each image the list of its people, as :func:`write_sample` returns it; may be empty.
    """
    if len(images) != len(annotations):
        raise DataError(f'{path}: {len(images)} images, but people of {len(annotations)}')
    people = [dict(image_id=i, **person) for i, group in enumerate(annotations, 1) for person in group]
    content = {'images': [dict(id=i, **image) for i, image in enumerate(images, 1)],
               'annotations': [dict(id=i, **person) for i, person in enumerate(people, 1)],
               'categories': [{'id': 1, 'name': 'person', 'supercategory': 'person'}]}
    write_bytes(Path(path), json.dumps(content).encode())


def sample_paths(split_dir: Path, name: str) -> dict[str, Path]:
    """The five files of a sample: by folder, and ``parts`` for the TXT; ``Category_ids`` is the one written last.

    Raises:
        DataError: the name leaves the folder.
    """
    check_inside(name)
    folders = {'Images': '.jpg', 'Human_ids': '.png', 'Instance_ids': '.png', 'Category_ids': '.png'}
    paths = {folder: Path(split_dir, folder, name + suffix) for folder, suffix in folders.items()}
    return dict(paths, parts=Path(split_dir, 'Instance_ids', name + '.txt'))


def is_written(split_dir: Path, name: str) -> bool:
    """Whether a sample's five files are there, so that a converter that is run again may keep them."""
    return all(path.is_file() for path in sample_paths(split_dir, name).values())


def image_size(data: bytes, name: str) -> tuple[int, int]:
    """Decode the bytes of a JPEG fully, so that a truncated one is found, and give its (height, width).

    Raises:
        DataError: not a JPEG, or broken; ``name`` is what the message calls it.
    """
    try:
        with Image.open(io.BytesIO(data), formats=known_formats()) as image:
            image.load()
            if image.format != 'JPEG':
                raise DataError(f'{name}: the image is {image.format}, not JPEG')
            refuse_turned(image, name)
            return image.height, image.width
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f'{name}: the image cannot be read (no known format)') from None
    except Exception as error:  # Pillow raises many kinds for broken files, and one for too many pixels
        raise DataError(f'{name}: the image cannot be read ({error})') from None


def refuse_turned(image: Image.Image, name: object) -> None:
    """Raise a DataError that names the image where it is stored turned: nobody knows which way its labels are."""
    if exif_orientation(image) != 1:
        raise DataError(f'{name}: the image is stored turned (EXIF); store it upright, with its labels')


def shown_size(path: Path, labels_shape: tuple[int, ...]) -> tuple[int, int]:
    """(height, width) of a photo of any format as it is shown, with labels that belong to it.

    Args:
        path: the photo.
        labels_shape: (H, W) of its labels.

    Raises:
        DataError: it cannot be read; or it is stored turned (EXIF), and the size of its labels does not tell that they were
            drawn on the photo as it is shown.
    """
    content = read_bytes(path)
    height, width = decode_image(content, where=path).shape[:2]
    with Image.open(io.BytesIO(content), formats=known_formats()) as image:
        orientation = exif_orientation(image)
    told_by_size = orientation >= SIDEWAYS and height != width and tuple(labels_shape) == (height, width)
    if orientation > 1 and not told_by_size:
        raise DataError(f'{path}: the image is stored turned (EXIF orientation {orientation}), and its labels may be of '
                        'the stored pixels; store it upright, with its labels')
    return height, width


def check_maps(name: str, size: tuple[int, int], category: np.ndarray, human: np.ndarray, num_classes: int) -> None:
    """Raise a DataError that calls the sample ``name`` unless its (H, W) maps have the image's size and labels in range."""
    for what, labels in (('category map', category), ('human map', human)):
        if labels.shape != size:
            raise DataError(f'{name}: {what} of {labels.shape} (rows, columns), but the image has {size}')
        if not np.issubdtype(labels.dtype, np.integer) or labels.min(initial=0) < 0:
            raise DataError(f'{name}: {what} must hold non-negative integers, got {labels.dtype}')
    wrong = category[(category >= num_classes) & (category != IGNORE)]
    if wrong.size:
        raise DataError(f'{name}: category {wrong.max()} is outside [0, {num_classes}) and is not {IGNORE}')
    if human.max(initial=0) > LAST_PERSON:
        raise DataError(f'{name}: person id {human.max()} does not fit 8 bits')


def check_parts(name: str, instance: np.ndarray, rows: Sequence[tuple[int, int, int]], category: np.ndarray,
                human: np.ndarray) -> None:
    """Raise a DataError that calls the table ``name`` unless the (H, W) part ids and their table agree with the maps.

    Args:
        name: of the table.
        instance: part ids, 0 = none.
        rows: part id, class and person of each part.
        category, human: the maps of classes and people.
    """
    if instance.shape != category.shape:
        raise DataError(f'{name}: part ids of {instance.shape} (rows, columns), but the category map has {category.shape}')
    if sorted(row[0] for row in rows) != np.setdiff1d(instance, [0]).tolist():
        raise DataError(f'{name}: its part ids are not those of the PNG')
    classes, people = (np.zeros(instance.max(initial=0) + 1, np.int64) for _ in range(2))
    for part, label, person in rows:
        classes[part], people[part] = label, person
    inside = instance > 0
    if (classes[instance] != category)[inside].any() or (people[instance] != human)[inside].any():
        raise DataError(f'{name}: a part has another class or person than its pixels')


def stack_people(people: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Lay the label maps of an image's people over one another, large people first, so that the small ones stay visible.

    Args:
        people: for each person a (H, W) uint8 map, > 0 where the person is; at least one.

    Returns:
        The category map and the person map, (H, W) uint8; ids follow the order of ``people``, from 1. A pixel of several
        people belongs, with its class, to the one with the fewest pixels (of two equal ones to the later).

    Raises:
        DataError: more people than ids.
    """
    if len(people) > LAST_PERSON:
        raise DataError(f'{len(people)} people, but ids end at {LAST_PERSON}')
    category, human = np.zeros_like(people[0]), np.zeros_like(people[0])
    inside = [labels > 0 for labels in people]
    for i in sorted(range(len(people)), key=lambda i: -int(inside[i].sum())):
        category[inside[i]] = people[i][inside[i]]
        human[inside[i]] = i + 1
    return category, human
