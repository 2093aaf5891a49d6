"""Labels that a parser gives to photos itself, bounded by what is known of them and chosen by its own quality.

A photo's tags say which classes it shows. Pixels get no other class, a photo where a tagged garment does not appear waits,
and parts of a low quality are ignored (255): what quality estimation is for. A limb or shoe that coarse body parts call
another one gets a partial label.

Letters: C classes, H, W height and width of the photo.
"""
from collections.abc import Collection

import numpy as np

from mmqanet.datasets.ccp import CCP_MERGED_CLASSES, CCP_MERGED_IDS
from mmqanet.datasets.ccp_sides import CCP_SIDES_CLASSES, CCP_SIDES_ORIGINS, SPLIT
from mmqanet.preparation.converters.ccp_sides import PARTIAL, tell_sides

IGNORE = 255
#: Whether or not they are among the tags, which leave them out at times: everybody has skin, nearly everybody hair.
ALWAYS_POSSIBLE = ('background', 'hair', 'skin')
#: Too small for a photo to wait for them, and at times hidden.
NEED_NOT_APPEAR = ('background', 'hair', 'skin', 'accessories', 'belt', 'eyewear')


def possible_classes(tags: Collection[int]) -> np.ndarray:
    """The classes of :class:`~mmqanet.datasets.ccp_sides.CCPSidesDataset` that a photo with these of CCP's 59 tags can show.

    Returns:
        (C,) bool.
    """
    merged = {CCP_MERGED_IDS[tag] for tag in tags} | {CCP_MERGED_CLASSES.index(name) for name in ALWAYS_POSSIBLE}
    return np.array([origin in merged for origin in CCP_SIDES_ORIGINS])


def missing_classes(labels: np.ndarray, tags: Collection[int], *, least: float = 5e-4) -> list[str]:
    """Merged classes that the tags name and that cover less than the share ``least`` of the labels (H, W).

    Those of :data:`NEED_NOT_APPEAR` are never missing.
    """
    area = np.bincount(labels.ravel(), minlength=len(CCP_SIDES_CLASSES))[:len(CCP_SIDES_CLASSES)]
    merged = np.bincount(CCP_SIDES_ORIGINS, weights=area, minlength=len(CCP_MERGED_CLASSES))
    wanted = {CCP_MERGED_IDS[tag] for tag in tags}
    return [name for label, name in enumerate(CCP_MERGED_CLASSES)
            if label in wanted and name not in NEED_NOT_APPEAR and merged[label] < least * labels.size]


def keep_sure(labels: np.ndarray, qualities: np.ndarray, *, quality_thr: float) -> np.ndarray:
    """Labels (H, W) uint8 with 255 in place of every part whose quality is below the threshold.

    Args:
        labels: classes.
        qualities: (C - 1,), of the parts of the photo's person, in [0, 1].
        quality_thr: 0 keeps everything.
    """
    sure = np.concatenate([[True], np.asarray(qualities) >= quality_thr])
    table = np.where(sure, np.arange(len(sure)), IGNORE).astype(np.uint8)
    return table[labels]


def agree_on_sides(labels: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Labels (H, W) uint8 with partial labels where body parts do not call the same limb, face or shoe.

    Args:
        labels: classes of :class:`~mmqanet.datasets.ccp_sides.CCPSidesDataset`.
        parts: (H, W) uint8, 0 background, k + 1 for part k of BodyPix.
    """
    merged = np.array(CCP_SIDES_ORIGINS, np.uint8)[labels]
    told = tell_sides(merged, parts)
    agreed = labels.copy()
    for name in SPLIT:
        agreed[(merged == CCP_MERGED_CLASSES.index(name)) & (told != labels)] = PARTIAL[name]
    return agreed
