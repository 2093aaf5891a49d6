"""Where results lie below an output folder.

    NAME.json                  the record: what was parsed, with which options, and the other files; written last
    NAME_overlay.jpg           the drawing
    NAME.png                   palette PNG, class per pixel
    submission/...             the challenge servers' files (mmqanet/evaluation/submission.py)
    NAME_second.png, NAME_second_overlay.jpg   of a second model: palette PNG and drawing
    people/NAME/ID.png         cut-outs of people, RGBA; of a video the best one of each track
    parts/NAME/ID_CLASS.png    cut-outs of parts, RGBA
    NAME.mp4, NAME.jsonl       of a video: the drawings, and a JSON line a frame
    coco_*.json, labelstudio.* of all pictures together, for annotation tools
    report.html                of all pictures together, to explore in a browser

NAME may hold sub-folders. All paths here are relative to the output folder, with slashes.
"""
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from mmqanet.evaluation.submission import GLOBAL, HUMANS, PARTS

KINDS = ('overlay', 'palette', 'submission', 'people', 'parts', 'second', 'iuv', 'texture')  # of a picture's results
DEFAULT_KINDS = KINDS[:3]
VIDEO_KINDS = ('video', 'lines')
SUMMARIES = {
    'coco': ('coco_people.json', 'coco_parts.json'),
    'labelstudio': ('labelstudio.json', 'labelstudio.xml'),
    'report': ('report.html',),
}  # kinds about all pictures of a run
CUT_OUTS = {'people': re.compile(r'\d+\.png'), 'parts': re.compile(r'\d+_[0-9A-Za-z-]*\.png')}
SUBMISSION = 'submission'


def video_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """What is written of a video where ``kinds`` are asked for: cut-outs of people besides, if they are followed."""
    return VIDEO_KINDS + tuple(kind for kind in kinds if kind == 'people')


def record_path(name: str) -> str:
    """Where the JSON record of the input NAME lies below the output folder."""
    return f'{name}.json'


def kind_paths(kind: str, name: str) -> list[str]:
    """The files of one kind, where their names are known beforehand; those of cut-outs are not."""
    match kind:
        case 'overlay':
            return [f'{name}_overlay.jpg']
        case 'palette':
            return [f'{name}.png']
        case 'second':
            return [f'{name}_second.png', f'{name}_second_overlay.jpg']
        case 'iuv':
            return [f'{name}_IUV.png']
        case 'texture':
            return [f'{name}_texture.jpg']
        case 'video':
            return [f'{name}.mp4']
        case 'lines':
            return [f'{name}.jsonl']
        case 'submission':
            return [f'{SUBMISSION}/{GLOBAL}/{name}.png',
                    *(f'{SUBMISSION}/{part}/{name}{suffix}' for part in (HUMANS, PARTS) for suffix in ('.png', '.txt'))]
    return []


def planned_paths(name: str, kinds: Sequence[str]) -> list[str]:
    """The record and all files whose names are known beforehand."""
    return [record_path(name), *(path for kind in kinds for path in kind_paths(kind, name))]


def cut_out_folder(kind: str, name: str) -> str:
    """Where the cut-outs of a picture lie; other pictures' may lie in folders below it."""
    return f'{kind}/{name}'


def is_cut_out(path: PurePosixPath) -> bool:
    """Whether a file could be the cut-out of some picture."""
    return len(path.parts) > 2 and path.parts[0] in CUT_OUTS and bool(CUT_OUTS[path.parts[0]].fullmatch(path.name))


def possible_records(path: PurePosixPath) -> Iterator[str]:
    """The records that would list a file if it were a result: the file's path may start with any folder."""
    stem = path.with_suffix('').as_posix()
    yield f'{stem}.json'
    for suffix in ('_overlay', '_second', '_second_overlay'):
        if stem.endswith(suffix):
            yield record_path(stem.removesuffix(suffix))
    for depth, part in enumerate(path.parts[:-2]):
        base = PurePosixPath(*path.parts[:depth])
        if part == SUBMISSION:
            yield record_path((base / PurePosixPath(*path.parts[depth + 2:]).with_suffix('')).as_posix())
        elif part in CUT_OUTS:
            yield record_path((base / PurePosixPath(*path.parts[depth + 1:-1])).as_posix())
