"""The archives that the challenge servers take, made of submission files, and the score by which they rank.

Track 1 (CIHP, pictures)  ``global_parsing/NAME.png``, ``instance_parsing/NAME.png`` and ``.txt``
Track 2 (VIP, videos)     ``VIDEO/global_parsing/FRAME.png``, ``VIDEO/instance_segmentation/FRAME.png`` and ``.txt``,
                          ``VIDEO/instance_parsing/FRAME.png`` and ``.txt``: the video is the outermost folder
"""
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.folders import complete_names
from mmqanet.evaluation.submission import GLOBAL, HUMANS, PARTS
from mmqanet.utils.files import check_overwrites, read_bytes
from mmqanet.utils.temporary import remove_temporary, temporary_path

PNG = b'\x89PNG\r\n\x1a\n'
NUMBERS = re.compile(rb'[-+.\deE\s]*')
TRACKS = {
    1: ((GLOBAL, '.png'), (PARTS, '.png'), (PARTS, '.txt')),
    2: ((GLOBAL, '.png'), (HUMANS, '.png'), (HUMANS, '.txt'), (PARTS, '.png'), (PARTS, '.txt')),
}  # of the LIP challenge 2020, to the files of an image
COLUMNS = {1: ('mIoU', 'APr'), 2: ('mIoU', 'APh', 'APr')}


def rank_score(values: Mapping[str, float], track: int) -> float:
    """The score by which a track ranks, the mean of its columns: mIoU and AP^r, with AP^h besides in track 2.

    Args:
        values: metric key → score, e.g. :attr:`ParsingScores.values`; in its unit is the result.
        track: 1 or 2.

    Raises:
        InputError: another track, or a column is missing.
    """
    columns = COLUMNS[check_track(track)]
    missing = [column for column in columns if column not in values]
    if missing:
        raise InputError(f'the rank score of track {track} needs {", ".join(columns)}; {missing[0]} is not there')
    return sum(values[column] for column in columns) / len(columns)


def check_track(track: int) -> int:
    """``track`` itself; raises ``InputError`` for one that there is not."""
    if track not in TRACKS:
        raise InputError(f'track is {track!r}, but must be one of {", ".join(map(str, TRACKS))}')
    return track


def pack_submission(folder: str | Path, archive: str | Path, *, track: int, names: Sequence[str] | None = None,
                    incomplete: bool = False) -> int:
    """Make the archive of a track.

    Args:
        folder: with global_parsing, instance_parsing and, for track 2, instance_segmentation.
        archive: the ZIP file to write; it appears when it is whole.
        track: 1 or 2.
        names: of the images that the track wants, ``NAME`` or ``VIDEO/FRAME``; by default those that are there.
        incomplete: pack what is there, though some of ``names`` are not, as where nobody was found.

    Returns:
        How many images are in it.

    Raises:
        DataError: a file is missing or no table or PNG, an image is not among ``names`` or one of those is not there, or the
            archive cannot be written.
        InputError: another track, a name that is not of its layout, or an archive over a file that it is made of.
    """
    folder, archive, kinds = Path(folder), Path(archive), TRACKS[check_track(track)]
    found = complete_names(folder, kinds)
    if names is not None:
        _check_names(folder, found, names, incomplete=incomplete)
    members = [(folder / kind / f'{name}{suffix}', _member(kind, name, suffix, track)) for name in found
               for kind, suffix in kinds]
    absent = [path for path, _ in members if not path.is_file()]
    if absent:
        raise DataError(f'{absent[0]}: missing ({len(absent)} such files)')
    check_overwrites(archive, [path for path, _ in members])
    temporary = temporary_path(archive.parent, suffix='.part')
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(temporary, 'w', zipfile.ZIP_DEFLATED) as file:
            for path, member in members:
                file.writestr(member, _content(path))
        temporary.replace(archive)
    except UnicodeEncodeError:
        raise DataError(f'{folder}: a file has a name that is not UTF-8') from None
    except OSError as error:
        raise DataError(f'{archive}: cannot be written ({error.strerror})') from None
    finally:
        remove_temporary(temporary)
    return len(found)


def _content(path: Path) -> bytes:
    """What a file holds, which must look like what its suffix says."""
    content = read_bytes(path)
    if path.suffix == '.png' and not content.startswith(PNG):
        raise DataError(f'{path}: is no PNG')
    if path.suffix == '.txt' and not NUMBERS.fullmatch(content):
        raise DataError(f'{path}: holds something else than numbers')
    return content


def _check_names(folder: Path, found: Sequence[str], names: Sequence[str], *, incomplete: bool) -> None:
    missing, unknown = sorted(set(names) - set(found)), sorted(set(found) - set(names))
    if unknown:
        raise DataError(f'{folder}: {unknown[0]} is not on the list ({len(unknown)} such images)')
    if missing and not incomplete:
        raise DataError(f'{folder}: no files of {missing[0]}, which is on the list ({len(missing)} such images)')


def _member(kind: str, name: str, suffix: str, track: int) -> str:
    """Where a file lies in the archive."""
    if track == 1:
        return f'{kind}/{name}{suffix}'
    video, slash, frame = name.partition('/')
    if not slash or '/' in frame:
        raise InputError(f'{name}: frames of track 2 are called VIDEO/FRAME')
    return f'{video}/{kind}/{frame}{suffix}'
