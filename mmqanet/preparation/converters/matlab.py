"""Reading MATLAB files; whatever is wrong with one is a DataError that names it."""
import io
from pathlib import Path
from typing import Any

from scipy.io import loadmat

from mmqanet.errors import DataError
from mmqanet.utils.files import read_bytes


def read_mat(path: Path, variable: str) -> Any:
    """A variable of a MATLAB file (up to version 7): structures as dicts, arrays without dimensions of length 1.

    Raises:
        DataError: the file is missing or broken, or lacks the variable.
    """
    content = read_bytes(path)
    try:
        return loadmat(io.BytesIO(content), simplify_cells=True)[variable]
    except Exception as error:  # whatever a broken file makes scipy stumble over
        raise DataError(f'{path}: cannot be read as a MATLAB file with {variable} ({error})') from error
