"""What one attempt of the corpus is, and what it may not destroy."""
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: Files of the user, beside every hostile one.
VICTIMS = ('victim.pth', 'victim/best_x.pth')


def make_victims(folder: Path) -> None:
    for name in VICTIMS:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b'mine')


@dataclass(frozen=True)
class Attack:
    """One attempt.

    Attributes:
        kind: of attack, as the table of docs/security.md has them.
        name: of the file.
        action: of the worker, on the file.
        make: writes the file; takes its path and the path of the marker that appears if anything of it is executed.
        passes: whether the file may be read: what it tries must be without effect then.
    """

    kind: str
    name: str
    action: str
    make: Callable[[Path, Path], object]
    passes: bool = False

    @property
    def id(self) -> str:
        return f'{self.kind}-{self.name}'
