"""The results of one video in the making: a drawing and a JSON line a frame."""
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mmqanet.apis.layout import VIDEO_KINDS, cut_out_folder, kind_paths
from mmqanet.apis.picture_files import png
from mmqanet.apis.predictions import Parsed
from mmqanet.apis.records import VERSION
from mmqanet.apis.tracking.summary import TrackSummaries
from mmqanet.apis.video_writing import JsonLinesWriter, VideoWriter
from mmqanet.apis.videos import USUAL_FPS
from mmqanet.errors import printable
from mmqanet.utils.files import write_bytes
from mmqanet.utils.staging import Staging

FLICKER = dict(parsed='flicker', smoothed='smoothed')  # in the record, and in the metainfo of a frame


class VideoResult:
    """The MP4 and the JSON lines of a video, staged until it ends.

    Args:
        folder: the output folder.
        first: a frame of the video.
        check: raises for a path that must not be written.
        pictures: also write the best cut-out of everybody who is followed.

    Attributes:
        complete: whether all frames so far are in the files.
    """

    def __init__(self, folder: Path, first: Parsed, *, check: Callable[[Path], None], pictures: bool = False) -> None:
        self.item, self.shape = first.item, first.frame.image.shape[:2]
        self.files = {kind: kind_paths(kind, self.item.name) for kind in VIDEO_KINDS}
        drawings, lines = (files[0] for files in self.files.values())
        self.path = folder / drawings
        self.complete, self.frames, self.people = True, 0, 0
        self.tracks = TrackSummaries(pictures=pictures) if 'tracks' in first.sample.pred_instances else None
        self.staging = Staging(folder)
        try:
            self.staging.check([drawings, lines], check)
            staged = self.staging.path / drawings
            staged.parent.mkdir(parents=True, exist_ok=True)
            self.lines = JsonLinesWriter(self.staging.path / lines, target=folder / lines)
            self.drawings = VideoWriter(staged, fps=first.frame.fps or USUAL_FPS, target=self.path)
        except BaseException:
            self.staging.discard()
            raise

    def add(self, parsed: Parsed, described: dict, drawing: np.ndarray) -> None:
        """Append a frame: its parsing, what is said of it, and its drawing (H, W, 3) uint8 BGR."""
        self.drawings.add(drawing)
        self.lines.add(described)
        self.frames += 1
        self.people += len(described['people'])
        if self.tracks is not None:
            self.tracks.add(described, parsed.frame.image, flicker={
                name: parsed.sample.get(key) for name, key in FLICKER.items() if key in parsed.sample})

    def finish(self) -> None:
        """Finish the files.

        Raises:
            DataError: one of them is not whole.
        """
        try:
            self.drawings.close()
        finally:
            self.lines.close()
        if self.tracks is not None and self.tracks.pictures:
            folder = cut_out_folder('people', self.item.name)
            self.files['people'] = []
            for number, track in sorted(self.tracks.tracks.items()):
                assert track.picture is not None
                self.files['people'].append(f'{folder}/{number}.png')
                write_bytes(self.staging.path / self.files['people'][-1], png(track.picture))

    def record(self, *, complete: bool) -> dict[str, Any]:
        """What vouches for the files."""
        followed = {} if self.tracks is None else dict(tracks=self.tracks.records(), flicker=self.tracks.flicker())
        return dict(version=VERSION, name=self.item.name, source=printable(self.item.source), height=self.shape[0],
                    width=self.shape[1], frames=self.frames, people_in_frames=self.people, complete=complete,
                    **followed, files=self.files)

    def discard(self) -> None:
        """Leave nothing behind."""
        self.drawings.release()
        self.lines.discard()
        self.staging.discard()
