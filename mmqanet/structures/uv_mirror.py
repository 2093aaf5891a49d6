"""Reading the tables of what U and V become in a mirror. They derive from the SMPL body, so users bring them."""
from functools import lru_cache
from pathlib import Path

import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.functional.charts import UVMirror
from mmqanet.utils.files import PathLike
from mmqanet.utils.matlab import read_mat

NAMES = ('U_transforms', 'V_transforms')


def load_uv_mirror(path: PathLike) -> UVMirror:
    """The tables of ``UV_symmetry_transforms.mat``, read once a process.

    Raises:
        DataError: the file is missing, broken or of other shapes.
    """
    return _load(str(Path(path).absolute()), str(path))


@lru_cache(2)
def _load(path: str, name: str) -> UVMirror:
    tables = []
    for variable in NAMES:
        cells = read_mat(Path(path), variable)
        try:
            tables.append(np.stack([np.asarray(cell, dtype=np.float64) for cell in cells]))
        except (ValueError, TypeError) as error:
            raise DataError(f'{name}: {variable} is no list of tables ({error})') from None
    try:
        return UVMirror(*tables)
    except InputError as error:
        raise DataError(f'{name}: {error}') from None
