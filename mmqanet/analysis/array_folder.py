"""Arrays kept on disk, one compressed file a name, with a note of what they were computed from."""
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import read_bytes, read_json, remove_file, write_bytes


class ArrayFolder:
    """A folder of named arrays, one file a name, that all come from the same origin.

    Args:
        folder: made where it does not exist.
        origin: what the arrays come from, plain JSON values by name. It is stored with them, and a folder with
            another origin is not touched.
        replace: discard the arrays of another origin instead of refusing them.

    Raises:
        InputError: the folder holds arrays of another origin; names what differs.
    """

    def __init__(self, folder: Path, origin: dict[str, Any], *, replace: bool = False) -> None:
        self.folder = Path(folder)
        note = self.folder / 'origin.json'
        if note.exists():
            found = read_json(note, expected=dict)
            differs = [name for name in {**origin, **found} if origin.get(name) != found.get(name)]
            if differs and not replace and any(self.folder.rglob('*.npz')):
                raise InputError(f'{self.folder}: its predictions come from another {differs[0]}; give another folder, or '
                                 '--replace to discard them')
            if not differs:
                return
            for path in self.folder.rglob('*.npz'):
                remove_file(path)
        write_bytes(note, json.dumps(origin, indent=2).encode())

    def missing(self, names: Sequence[str]) -> list[int]:
        """Positions in ``names`` of those that have no file yet."""
        return [index for index, name in enumerate(names) if not self._path(name).exists()]

    def write_arrays(self, name: str, arrays: dict[str, Any]) -> None:
        """Write the arrays of an item by their names, as one compressed file that is whole or absent."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_bytes(self._path(name), buffer.getvalue())

    def read_arrays(self, name: str, keys: Sequence[str], *, optional: Sequence[str] = ()) -> dict[str, np.ndarray]:
        """The arrays ``keys`` of a name, and those of ``optional`` that it has."""
        path = self._path(name)
        try:
            with np.load(io.BytesIO(read_bytes(path))) as file:
                return {key: file[key] for key in (*keys, *(key for key in optional if key in file))}
        except DataError:
            raise
        except Exception as error:  # zipfile, zlib and numpy each have their own
            raise DataError(f'{path}: not readable as a prediction ({error}); delete it to have it made anew') from None

    def _path(self, name: str) -> Path:
        return self.folder / f'{name}.npz'
