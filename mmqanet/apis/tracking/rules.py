"""The options of tracking."""
import math
from dataclasses import dataclass

from mmqanet.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """How people are followed through a video.

    Attributes:
        low_score_thr: least box score, in [0, 1], of people whom a detector is not sure of. They count where a track goes
            on with them.
        match_thr: least similarity, in [0, 1], of a track and a person whom the detector is sure of.
        low_match_thr: the same of one whom it is not sure of.
        look_thr: least likeness, in [0, 1], of the parts' colours by which somebody who was out of sight is found again.
        lost_seconds: how long a track waits for somebody who is out of sight.
        smooth_seconds: average the probabilities of a person over time; after so many seconds a frame has half the weight.
            0 averages nothing.

    Raises:
        InputError: a number is out of its range.
    """

    low_score_thr: float = 0.1
    match_thr: float = 0.1
    low_match_thr: float = 0.4
    look_thr: float = 0.6
    lost_seconds: float = 1.0
    smooth_seconds: float = 0.0

    def __post_init__(self) -> None:
        for name in ('low_score_thr', 'match_thr', 'low_match_thr', 'look_thr'):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f'{name} is {getattr(self, name)}, but must lie in [0, 1]')
        for name in ('lost_seconds', 'smooth_seconds'):
            if not (getattr(self, name) >= 0 and math.isfinite(getattr(self, name))):
                raise InputError(f'{name} is {getattr(self, name)}, but must be 0 or more seconds')

    @classmethod
    def of(cls, given: 'bool | Tracking') -> 'Tracking | None':
        """What a caller asks for: ``True`` the default options, ``False`` no tracking."""
        if isinstance(given, bool):
            return cls() if given else None
        if not isinstance(given, cls):
            raise InputError(f'track is a {type(given).__name__}, but must be True, False or Tracking(...)')
        return given
