"""Writing what was parsed, where mmqanet/apis/layout.py says: pictures to look at, maps and cut-outs for programs, JSON."""
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mmqanet.apis.fingerprints import array_digest
from mmqanet.apis.inputs import Input
from mmqanet.apis.layout import (
    CUT_OUTS,
    DEFAULT_KINDS,
    KINDS,
    SUMMARIES,
    VIDEO_KINDS,
    cut_out_folder,
    kind_paths,
    record_path,
    video_kinds,
)
from mmqanet.apis.output_plan import OutputPlan
from mmqanet.apis.picture_files import DEFAULT_STYLE, OverlayStyle, draw, write_kinds
from mmqanet.apis.predictions import Parsed, describe
from mmqanet.apis.records import differences, is_whole, kept_kinds, listed_files, read_record
from mmqanet.apis.summaries import write_summaries
from mmqanet.apis.video_results import VideoResult
from mmqanet.apis.videos import Video
from mmqanet.errors import DataError, InputError
from mmqanet.structures import LabelSet
from mmqanet.utils.files import PathLike, remove_file, write_bytes
from mmqanet.utils.staging import Staging
from mmqanet.visualization.surface import side_of


class ResultWriter:
    """Writes results below a folder. Those of an input get their names together, when all are whole.

    Args:
        folder: made if need be.
        label_set: of the model.
        kinds: what to write besides the JSON, of ``KINDS``; of a video always the MP4 and the JSON lines, and where people
            are followed also the kind people: the best cut-out of everybody.
            Of ``SUMMARIES``, what :meth:`summarize` writes of all pictures together.
        style: of the overlays.
        options: what else decides on the results, e.g. :meth:`HumanParsingInferencer.options`; goes into the records.
        given: files that are never overwritten, besides the inputs.
        atlas: what the kind texture paints people with (:func:`mmqanet.visualization.surface.paint_texture`).
        resumes: keep what an earlier run with the same options wrote of other kinds; otherwise its files go.

    Raises:
        InputError: an unknown kind. DataError: the folder cannot be written to.
    """

    def __init__(self, folder: str | Path, *, label_set: LabelSet, kinds: Sequence[str] = DEFAULT_KINDS,
                 style: OverlayStyle = DEFAULT_STYLE, options: Mapping[str, Any] | None = None,
                 given: Iterable[PathLike] = (), resumes: bool = False, atlas: np.ndarray | None = None) -> None:
        unknown = [kind for kind in kinds if kind not in (*KINDS, *SUMMARIES)]
        if unknown:
            raise InputError(f'kinds: {unknown[0]!r} is none of {", ".join([*KINDS, *SUMMARIES])}')
        if 'texture' in kinds and atlas is None:
            raise InputError('kinds: texture needs an atlas')
        self.folder, self.label_set, self.style = Path(folder), label_set, style
        self.kinds = tuple(kind for kind in kinds if kind in KINDS)
        self.summaries = tuple(kind for kind in kinds if kind in SUMMARIES)
        self.run_options, self.resumes, self.atlas = dict(options or {}), resumes, atlas
        if atlas is not None:
            side_of(atlas)
            self.run_options['texture'] = array_digest(atlas)
        self.plan = OutputPlan(self.folder, kinds, given=given)
        self.video: VideoResult | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f'{self.folder}: this folder cannot be written to ({error.strerror})') from None
        Staging(self.folder).discard()

    def write(self, parsed: Parsed, drawing: np.ndarray | None = None) -> Path:
        """Write the result of one frame; its main file is returned.

        Args:
            parsed: the frame.
            drawing: (H', W', 3) uint8 BGR, where :meth:`draw` has made it already.

        Raises:
            DataError: a file cannot be written. InputError: the input's name leads out of the folder.
        """
        if self.video is not None and self.video.item is not parsed.item:
            self.close()
        self.plan.check_name(parsed.item)
        if not isinstance(parsed.item, Video):
            self.plan.claim([parsed.item])
            return self._write_picture(parsed, drawing)
        if self.video is None:
            self.plan.claim([parsed.item])
            self.video = VideoResult(self.folder, parsed, check=self.plan.check, pictures='people' in self.kinds)
        self.video.add(parsed, describe(parsed, self.label_set), self.draw(parsed) if drawing is None else drawing)
        return self.video.path

    def summarize(self, items: Sequence[Input]) -> list[Path]:
        """Write the files about all pictures together, from the results in the folder; they are returned.

        Raises:
            DataError: a file cannot be written.
        """
        paths = write_summaries(self.folder, items, kinds=self.summaries, label_set=self.label_set, plan=self.plan)
        return [self.folder / path for path in paths]

    def draw(self, parsed: Parsed) -> np.ndarray:
        """The overlay in the style of this writer."""
        return draw(parsed, self.label_set, style=self.style)

    def lack(self, item: Input) -> None:
        """Note that not all frames of an input will be written: if it is the video at hand, it is not complete."""
        if self.video is not None and self.video.item is item:
            self.video.complete = False

    def close(self, *, complete: bool = True) -> None:
        """Finish the video at hand, if any; ``complete`` unless it was cut off.

        Raises:
            DataError: it cannot be written; then nothing is left of it.
        """
        if self.video is None:
            return
        video, self.video = self.video, None
        with video.staging:
            video.finish()
            self._publish(video.item, video.record(complete=video.complete and complete), video.staging)

    def abandon(self) -> None:
        """Leave nothing of the video at hand."""
        if self.video is not None:
            video, self.video = self.video, None
            video.discard()

    def changes(self, item: Input) -> list[str] | None:
        """What is otherwise than in the run that left whole results of an input, in words.

        Returns:
            list: empty if the results are those that would be written; ``None`` if there are none, or not all.
        """
        record = read_record(self.folder / record_path(item.name))
        return None if record is None or not self._covers(record, item) else differences(record, self.options(item))

    def options(self, item: Input) -> dict[str, Any]:
        """What decides on the results of an input, as its record has it."""
        options = {**self.run_options, 'input': _file_state(item)}
        if isinstance(item, Video):
            options['max_frames'] = item.max_frames
        if isinstance(item, Video) or 'overlay' in self.kinds:
            options['overlay'] = asdict(self.style)
        return options

    def _covers(self, record: Mapping, item: Input) -> bool:
        if isinstance(item, Video):
            kinds = video_kinds(self.kinds) if 'track' in self.run_options else VIDEO_KINDS
            return not item.is_camera and set(kinds) <= set(record['files']) and is_whole(record, self.folder)
        return set(self.kinds) <= set(record['files']) and is_whole(record, self.folder)

    def _write_picture(self, parsed: Parsed, drawing: np.ndarray | None) -> Path:
        described = describe(parsed, self.label_set)
        with Staging(self.folder) as staging:
            if drawing is None and 'overlay' in self.kinds:
                drawing = self.draw(parsed)
            files = write_kinds(staging.path, parsed, described, kinds=self.kinds, label_set=self.label_set,
                                drawing=drawing, style=self.style, atlas=self.atlas)
            self._publish(parsed.item, dict(described, files=files), staging)
        return self.folder / record_path(parsed.item.name)

    def _publish(self, item: Input, record: dict, staging: Staging) -> None:
        """Let staged files take the place of an earlier run's, which has left others, perhaps; the record comes last."""
        path = record_path(item.name)
        earlier = read_record(self.folder / path)
        options = self.options(item)
        kept = kept_kinds(earlier, options, list(record['files'])) if self.resumes else {}
        record['files'] |= kept
        if earlier is not None and 'overlay' in kept:
            options['overlay'] = earlier['options'].get('overlay')
        content = json.dumps({**record, 'options': options}, indent=1, allow_nan=False, ensure_ascii=False)
        write_bytes(staging.path / path, f'{content}\n'.encode())
        files = [file for file in staging.files() if file != path]
        staging.check([*files, path], self.plan.check)
        for file in self._earlier_files(item, earlier) - set(listed_files(record)):
            self._remove_earlier(file)
        remove_file(self.folder / path)
        staging.publish(files)
        staging.publish([path])

    def _earlier_files(self, item: Input, record: Mapping | None) -> set[str]:
        """What an earlier run left of an input: the files that its record lists, at places where this program writes."""
        if not (self.folder / record_path(item.name)).is_file() or (isinstance(item, Video) and record is None):
            return set()
        places = set() if isinstance(item, Video) else set(kind_paths('submission', item.name))
        for kind, pattern in CUT_OUTS.items():
            folder = cut_out_folder(kind, item.name)
            names = (path.name for path in (self.folder / folder).glob('*.png'))
            places |= {f'{folder}/{name}' for name in names if pattern.fullmatch(name)}
        if record is None:  # a broken one
            return {path for path in places if (self.folder / path).is_file()}
        if isinstance(item, Video):
            return places & set(listed_files(record))
        return (places | {path for kind in KINDS for path in kind_paths(kind, item.name)}) & set(listed_files(record))

    def _remove_earlier(self, file: str) -> None:
        target = self.folder / file
        try:
            self.plan.check(target)
        except (DataError, InputError):  # it was given, or lies elsewhere
            return
        remove_file(target)
        for folder in target.parents:  # that this leaves empty
            if folder == self.folder or any(folder.iterdir()):
                break
            folder.rmdir()


def _file_state(item: Input) -> dict[str, int] | None:
    """Size and time of an input's file, by which an edited one is known."""
    path = item.handle if isinstance(item, Video) else item.content
    try:
        found = os.stat(path) if isinstance(path, str | Path) else None
    except (OSError, ValueError):
        return None
    return None if found is None else dict(bytes=found.st_size, modified=found.st_mtime_ns // 1_000_000)
