"""Files that get their names together, when all of them are whole."""
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mmqanet.errors import DataError
from mmqanet.utils.temporary import remove_temporary, temporary_path


class Staging:
    """A hidden folder for files in the making, inside the folder that they are for; a context that leaves nothing behind.

    Args:
        folder: which exists.

    Raises:
        DataError: it cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = temporary_path(folder, prefix='.part_')
        try:
            self.path.mkdir(mode=0o700)
        except OSError as error:
            raise DataError(f'{folder}: this folder cannot be written to ({error.strerror})') from None

    def __enter__(self) -> 'Staging':
        return self

    def __exit__(self, *exception: object) -> None:
        self.discard()

    def files(self) -> list[str]:
        """What is in the making, as paths relative to the folder, with slashes."""
        return sorted(path.relative_to(self.path).as_posix() for path in self.path.rglob('*') if path.is_file())

    def check(self, files: Sequence[str], check: Callable[[Path], None]) -> None:
        """Raise for a file that cannot get its name.

        Args:
            files: as :meth:`files` gives them.
            check: raises for a path that must not be written.

        Raises:
            DataError: a folder is in the way.
        """
        for file in files:
            target = self.folder / file
            check(target)
            if target.is_dir():
                raise DataError(f'{target}: cannot be written (it is a folder)')

    def publish(self, files: Sequence[str]) -> None:
        """Give files their names, one after the other.

        Raises:
            DataError: a file cannot be written.
        """
        for file in files:
            target = self.folder / file
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(self.path / file, target)
            except OSError as error:
                raise DataError(f'{target}: cannot be written ({error.strerror})') from None

    def discard(self) -> None:
        """Remove what has no name yet."""
        remove_temporary(self.path)
