"""Tracks: an identity for everybody that lasts from frame to frame.

The association has the two rounds of ByteTrack (Zhang et al., ECCV 2022): people of high detection scores first, then those
of low scores for the tracks that are left. The similarity is that of masks and boxes together instead of boxes alone, and a
track moves on at the speed of its person instead of by a Kalman filter. A third round finds people again who were out of
sight, by the colours of their parts.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mmqanet.apis.tracking.rules import Tracking
from mmqanet.functional.association import Sighting, likenesses, similarities

INERTIA = 0.6  # of a track's speed
REACH = 1.0  # body heights from where they are expected within which people are found again by their look


@dataclass
class Track:
    """Somebody who is followed.

    Attributes:
        number: from 1 on, never used again in a video.
        seen: the last sight of the person, at ``seconds``.
        speed: (2,) pixels a second to the right and down.
        frames: in how many the person was seen.
    """

    number: int
    seen: Sighting
    seconds: float
    speed: np.ndarray
    frames: int = 1

    def expected(self, seconds: float) -> Sighting:
        """Where the person should be at a time."""
        return self.seen.moved(self.speed * (seconds - self.seconds))

    def go_on(self, seen: Sighting, seconds: float) -> None:
        """Take a new sight of the person."""
        if seconds > self.seconds:
            speed = (seen.centre - self.seen.centre) / (seconds - self.seconds)
            self.speed = speed if self.frames == 1 else INERTIA * self.speed + (1 - INERTIA) * speed
        self.seen, self.seconds, self.frames = seen, seconds, self.frames + 1


class PersonTracker:
    """Follows the people of one video, frame by frame in order.

    Args:
        rules: the options.
    """

    def __init__(self, rules: Tracking) -> None:
        self.rules = rules
        self.tracks: list[Track] = []
        self.last_number = 0

    def cut(self) -> None:
        """Forget everybody, as the scene has changed. Numbers are not used again."""
        self.tracks = []

    def update(self, sure: Sequence[Sighting], unsure: Sequence[Sighting], seconds: float) -> tuple[list[int], list[int]]:
        """Find out who is who in the next frame.

        Args:
            sure: people who go on with a track or start one.
            unsure: people who count where a track goes on with them.
            seconds: of the frame from the start of the video.

        Returns:
            tuple: the track's number of each person, 0 where an unsure one has none.
        """
        self.tracks = [track for track in self.tracks if seconds - track.seconds <= self.rules.lost_seconds]
        waiting, found = self._match(self.tracks, sure, seconds, similarities, threshold=self.rules.match_thr)
        waiting, found_low = self._match(waiting, unsure, seconds, similarities, threshold=self.rules.low_match_thr)
        new = [index for index, number in enumerate(found) if not number]
        _, again = self._match(waiting, [sure[index] for index in new], seconds, partial(likenesses, reach=REACH),
                               threshold=self.rules.look_thr)
        for index, number in zip(new, again):
            found[index] = number or self._start(sure[index], seconds)
        return found, found_low

    def _start(self, seen: Sighting, seconds: float) -> int:
        """A track for somebody new; its number."""
        self.last_number += 1
        self.tracks.append(Track(self.last_number, seen, seconds, np.zeros(2)))
        return self.last_number

    def _match(self, tracks: Sequence[Track], people: Sequence[Sighting], seconds: float,
               compare: Callable[[list[Sighting], list[Sighting]], np.ndarray], *,
               threshold: float) -> tuple[list[Track], list[int]]:
        """Let tracks go on with people: the tracks that are left, and the number of each person, 0 for none."""
        from scipy.optimize import linear_sum_assignment  # slow to import, and for videos alone

        numbers = [0] * len(people)
        values = compare([track.expected(seconds) for track in tracks], list(people))
        # Pairs below the threshold count nothing, so that none of them keeps a good pair apart.
        rows, columns = linear_sum_assignment(np.where(values >= threshold, values, 0), maximize=True)
        taken = set()
        for row, column in zip(rows, columns):
            if values[row, column] >= threshold and values[row, column] > 0:
                tracks[row].go_on(people[column], seconds)
                numbers[column] = tracks[row].number
                taken.add(row)
        return [track for row, track in enumerate(tracks) if row not in taken], numbers
