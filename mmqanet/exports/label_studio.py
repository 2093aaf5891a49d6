"""Pre-annotations for Label Studio: the parts of each person as brush strokes, with their qualities as scores."""
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

from mmqanet.functional.rle import decode_rle
from mmqanet.structures import LabelSet
from mmqanet.version import __version__

FROM, TO = 'part', 'image'  # names of the controls in the labelling configuration
LOCAL_FILES = '/data/local-files/?d='  # how Label Studio serves files below its document root
LENGTH_BITS = 4, 8, 12, 16  # of the four sizes of run lengths
CHANNELS = 4  # Label Studio counts the values of an RGBA picture


def labelling_config(label_set: LabelSet) -> str:
    """The labelling configuration that the tasks want: a brush a class.

    Args:
        label_set: names and colours of the classes.
    """
    labels = '\n'.join(f'    <Label value={quoteattr(name)} background="#{bytes(colour).hex()}"/>'
                       for name, colour in zip(label_set.classes[1:], label_set.palette[1:]))
    return (f'<View>\n  <Image name="{TO}" value="$image" zoom="true"/>\n'
            f'  <BrushLabels name="{FROM}" toName="{TO}">\n{labels}\n  </BrushLabels>\n</View>\n')


def label_studio_tasks(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Tasks with predictions as pieces of JSON text, so that they need not fit into memory.

    The score of a task is the lowest quality of its parts: sorted by it, the pictures that most need a look come first. Each
    part has its own quality as score. Its ``meta`` says whose it is.

    Args:
        records: described parsings, as ``parsing.schema.json`` has them.
    """
    yield '['
    for index, record in enumerate(records):
        yield f'{"," if index else ""}\n{json.dumps(_task(record), ensure_ascii=False)}'
    yield ']\n'


def _task(record: Mapping[str, Any]) -> dict[str, Any]:
    parts = [_part(record, person, part) for person in record['people'] for part in person['parts']]
    prediction = dict(model_version=f'mmqanet {__version__}', score=min((part['score'] for part in parts), default=1.0),
                      result=parts)
    return dict(data=dict(image=f'{LOCAL_FILES}{quote(record["source"].lstrip("/"))}', name=record['name']),
                predictions=[prediction])


def _part(record: Mapping[str, Any], person: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    return dict(
        id=f'{person["id"]}_{part["label"]}', type='brushlabels', from_name=FROM, to_name=TO,
        original_width=record['width'], original_height=record['height'], image_rotation=0, score=part['quality'],
        meta=dict(text=[f'person {person["id"]}, quality {part["quality"]:.2f}']),
        value=dict(format='rle', rle=encode_brush(decode_rle(part['rle'])), brushlabels=[part['name']]))


def encode_brush(mask: np.ndarray) -> list[int]:
    """Label Studio's run-length encoding of a mask.

    A stream of bits: 32 of the number of values, 5 of a value's bits minus 1, four times 4 of the bits of a run's length
    minus 1, then the runs. A run is a 1, for values that are all the same, 2 bits that choose the size of the length, the
    length minus 1, and the value. Every pixel is four values.

    Args:
        mask: (H, W) bool.

    Returns:
        list[int]: bytes.
    """
    values = mask.ravel()
    starts = np.flatnonzero(np.diff(values, prepend=~values[:1])) if values.size else np.empty(0, np.int64)
    lengths = np.diff(starts, append=values.size) * CHANNELS
    bits = [f'{values.size * CHANNELS:032b}', f'{7:05b}', *(f'{size - 1:04b}' for size in LENGTH_BITS)]
    for inside, length in zip(values[starts].tolist(), lengths.tolist()):
        bits += _run(255 if inside else 0, length)
    text = ''.join(bits)
    text += '0' * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, 'big'))


def _run(value: int, length: int) -> Iterator[str]:
    longest = 2 ** LENGTH_BITS[-1]
    while length:
        piece = min(length, longest)
        size = next(index for index, bits in enumerate(LENGTH_BITS) if piece <= 2 ** bits)
        yield f'1{size:02b}{piece - 1:0{LENGTH_BITS[size]}b}{value:08b}'
        length -= piece
