"""Labelled frames of toy videos in the layout of VIP's archive, for the converter of that."""
from collections.abc import Sequence
from pathlib import Path

from mmqanet.preparation.converters.prepared import part_ids, parts_table
from mmqanet.preparation.toy.parts import NUM_CLASSES
from mmqanet.preparation.toy.scene import ToyScene
from mmqanet.utils.files import write_bytes, write_label_map
from mmqanet.utils.images import encode_jpeg


def frame_name(video: str, index: int) -> str:
    """VIP's name of a frame, ``video/000000000001`` for index 0."""
    return f'{video}/{index + 1:012d}'


def write_frame(root: Path, name: str, scene: ToyScene) -> None:
    """Write the image and the labels of a frame below ``root``, the folder VIP_Fine."""
    labels = root / 'Annotations'
    instance, table = part_ids(scene.category, scene.human, NUM_CLASSES)
    write_bytes(root / 'Images' / f'{name}.jpg', encode_jpeg(scene.image, quality=92))
    write_label_map(labels / 'Category_ids' / f'{name}.png', scene.category)
    write_label_map(labels / 'Human_ids' / f'{name}.png', scene.human)
    write_label_map(labels / 'Instance_ids' / f'{name}.png', instance)
    write_bytes(labels / 'Instance_ids' / f'{name}.txt', parts_table(table))


def write_lists(root: Path, names: dict[str, Sequence[str]]) -> None:
    """Write the lists of the splits, ``train``, ``val`` or ``test``, to names of frames."""
    for split, frames in names.items():
        write_bytes(root / 'lists' / f'{split}_id.txt', ''.join(f'{name}\n' for name in frames).encode())
