"""What a video says of each of its people, gathered frame by frame."""
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from mmqanet.apis.picture_files import cut_out
from mmqanet.functional.rle import decode_rle


@dataclass
class TrackSummary:
    """One person through a video.

    Attributes:
        track: the number.
        frames: in how many frames the person is seen.
        first, last, best: ``frame`` and ``seconds`` of these frames; the best, of the highest quality, with ``quality`` and
            ``box``.
        total: of the qualities.
        picture: RGBA cut-out of the best frame, where wanted.
    """

    track: int
    first: dict[str, Any]
    last: dict[str, Any]
    frames: int = 0
    total: float = 0.0
    best: dict[str, Any] = field(default_factory=dict)
    picture: Image.Image | None = None

    def record(self) -> dict[str, Any]:
        """As the record of the video has it."""
        return dict(track=self.track, frames=self.frames, first=self.first, last=self.last,
                    mean_quality=round(self.total / self.frames, 5), best=self.best)


class TrackSummaries:
    """All people of a video.

    Args:
        pictures: keep a cut-out of everybody's best frame.
    """

    def __init__(self, *, pictures: bool) -> None:
        self.pictures = pictures
        self.tracks: dict[int, TrackSummary] = {}
        self.changes: dict[str, tuple[int, int]] = {}

    def add(self, described: Mapping[str, Any], image: np.ndarray, *, flicker: Mapping[str, tuple[int, int]]) -> None:
        """Take a frame.

        Args:
            described: what is said of it.
            image: its pixels (H, W, 3) uint8 BGR.
            flicker: by name, pixels whose class changes and those of a person's in this frame and the one before.
        """
        for name, (changed, common) in flicker.items():
            before = self.changes.get(name, (0, 0))
            self.changes[name] = before[0] + changed, before[1] + common
        moment = dict(frame=described['frame'], seconds=described['seconds'])
        for person in described['people']:
            if not person.get('track'):
                continue
            track = self.tracks.setdefault(person['track'], TrackSummary(person['track'], moment, moment))
            track.last = moment
            track.frames += 1
            track.total += person['quality']
            if not track.best or person['quality'] > track.best['quality']:
                track.best = dict(moment, quality=person['quality'], box=person['box'])
                if self.pictures:
                    mask = np.any([decode_rle(part['rle']) for part in person['parts']], axis=0)
                    track.picture = cut_out(image, mask)

    def records(self) -> list[dict[str, Any]]:
        """One a track, by number."""
        return [self.tracks[number].record() for number in sorted(self.tracks)]

    def flicker(self) -> dict[str, float | None]:
        """By name, the share of people's pixels whose class changes from frame to frame; ``None`` if there are none."""
        return {name: round(changed / common, 5) if common else None for name, (changed, common) in self.changes.items()}
