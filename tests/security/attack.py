"""What one attempt of the corpus is, and what it may not destroy."""
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: Where commands of the attempts may write, beside the hostile file.
OUT = 'out'
#: The same where files of the user lie already.
MIXED = 'dst'
#: Files of the user, beside every hostile one.
VICTIMS = ('victim.pth', 'victim/best_x.pth')


def make_victims(folder: Path) -> None:
    for name in VICTIMS:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b'mine')


def state(folder: Path) -> dict[str, str]:
    """What lies in a folder and is no result: paths and digests of the files."""
    found = {}
    for path in sorted(folder.rglob('*')):
        name = path.relative_to(folder)
        if name.parts[0] != OUT and not path.is_dir():
            found[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else 'no file'
    return found


@dataclass(frozen=True)
class Attack:
    """One attempt.

    Attributes:
        kind: of attack, as the table of docs/security.md has them.
        name: of the file.
        action: of the worker, on the file.
        make: writes the file; takes its path and the path of the marker that appears if anything of it is executed.
        passes: whether the file may be read: what it tries must be without effect then.
        says: what the line must name.
        needs: package without which the attempt is left out.
    """

    kind: str
    name: str
    action: str
    make: Callable[[Path, Path], object]
    passes: bool = False
    says: str = ''
    needs: str = ''

    @property
    def id(self) -> str:
        return f'{self.kind}-{self.name}'
