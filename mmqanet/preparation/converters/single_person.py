"""Reading pictures of one person each, whose person map is ``label > 0``: LIP and ATR."""
from pathlib import Path

import numpy as np

from mmqanet.errors import DataError
from mmqanet.preparation.converters.batch import Sample
from mmqanet.utils.files import read_label_map


def load_single_person(image: Path, labels: Path) -> Sample:
    """One picture with its label map.

    Raises:
        DataError: a file is missing or broken, or the person has no pixel.
    """
    category = read_label_map(labels)
    human = (category > 0).astype(np.uint8)
    if not human.any():
        raise DataError(f'{labels}: the person has no pixel')
    return Sample(image, category, human)
