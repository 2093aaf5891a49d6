"""What the people of an image add up to: class, person and part of every pixel, with their scores.

Letters: N people, K visible parts, C classes with background as class 0, H, W the image.
"""
from dataclasses import dataclass

import numpy as np

IGNORE = 255


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageParsing:
    """The people and parts of one image, predicted or annotated.

    Attributes:
        category: (H, W) uint8, class per pixel, 0 background; 255 is ignored in an annotation.
        human: (H, W) integer, number of the person per pixel from 1 on, 0 none.
        part: (H, W) integer, 1-based index into the ``part_*`` arrays, 0 none. A part is a (person, class) pair.
        part_labels: (K,) int64, class in [1, C) of each part.
        part_people: (K,) int64, number of the person of each part, minus 1.
        part_scores: (K,) quality of each part in [0, 1], ``None`` for an annotation.
        person_scores: (N,) quality of person i of ``human`` at i - 1, ``None`` for an annotation.
        person_tracks: (N,) int64 number of the track of person i at i - 1, 0 for none; ``None`` where nobody is followed.
        surface: (2, H, W) float32 in [0, 1], U and V of each pixel of somebody on its chart (class); ``None`` where the
            parser is none of dense pose.
    """

    category: np.ndarray
    human: np.ndarray
    part: np.ndarray
    part_labels: np.ndarray
    part_people: np.ndarray
    part_scores: np.ndarray | None = None
    person_scores: np.ndarray | None = None
    person_tracks: np.ndarray | None = None
    surface: np.ndarray | None = None

    @classmethod
    def annotated(cls, category: np.ndarray, human: np.ndarray) -> 'ImageParsing':
        """An annotation, its parts numbered by :func:`number_parts`."""
        part, labels, people = number_parts(category, human)
        return cls(category=category, human=human, part=part, part_labels=labels, part_people=people)

    @classmethod
    def of_nobody(cls, category: np.ndarray) -> 'ImageParsing':
        """A class map (H, W) without people and parts."""
        nothing, none = np.zeros(category.shape, dtype=np.uint8), np.zeros(0, dtype=np.int64)
        return cls(category=category, human=nothing, part=nothing, part_labels=none, part_people=none,
                   part_scores=np.zeros(0), person_scores=np.zeros(0))


def number_parts(category: np.ndarray, human: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number the (person, class) pairs of two (H, W) maps, by person, then class; the class is neither 0 nor 255.

    Returns:
        The part of each pixel, (H, W) int32 from 1 on, 0 none; of each part the class and the person minus 1, (K,) int64.
    """
    pixels = np.flatnonzero((category != 0) & (category != IGNORE) & (human > 0))
    codes = (human.ravel()[pixels].astype(np.int64) - 1) * 256 + category.ravel()[pixels]
    present = np.bincount(codes) > 0
    part = np.zeros(category.shape, dtype=np.int32)
    part.ravel()[pixels] = np.cumsum(present)[codes]
    people, labels = np.divmod(np.flatnonzero(present), 256)
    return part, labels, people
