"""The files of ``mmqanet parse`` of the pictures of a distributed run, beside its tables."""
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmqanet.apis.inputs import result_name
from mmqanet.apis.outputs import ResultWriter
from mmqanet.apis.picture_files import DEFAULT_STYLE, OverlayStyle
from mmqanet.errors import InputError
from mmqanet.structures import LabelSet


@dataclass(frozen=True, kw_only=True)
class PictureFiles:
    """Which files are written of each picture. Written again, they take the place of themselves.

    Attributes:
        folder: on a disk that all workers see.
        bases: addresses of folders; a picture is called by what follows the longest of them in its id.
        kinds: of ``mmqanet.apis.layout.KINDS``.
        style: of the overlays.
        options: what decides on the results; goes into the records.
    """

    folder: Path
    bases: Sequence[str]
    kinds: Sequence[str]
    style: OverlayStyle = DEFAULT_STYLE
    options: Mapping[str, Any] = field(default_factory=dict)

    def name(self, picture: str) -> str:
        """The name of a picture's results: its id below an input, with the suffix of its file."""
        base = max((base for base in self.bases if picture.startswith(f'{base}/')), key=len, default='')
        return result_name(picture[len(base):].lstrip('/'))

    def check(self, sources: Iterable[str]) -> None:
        """Raise ``InputError`` if pictures of two sources would have one name."""
        names = defaultdict(set)
        for source in sources:
            names[self.name(source)].add(source)
        for name, found in names.items():
            if len(found) > 1:
                first, second, *_ = sorted(found)
                raise InputError(f'{first} and {second} would both be written to {self.folder / name}; parse them apart')

    def writer(self, label_set: LabelSet) -> ResultWriter:
        """Who writes the files of a batch."""
        return ResultWriter(self.folder, label_set=label_set, kinds=self.kinds, style=self.style, options=self.options)


def bases_of(addresses: Iterable[str], sources: Iterable[str]) -> list[str]:
    """The folders that names start below: those given, and those of files given.

    Args:
        addresses: of the inputs.
        sources: what :func:`mmqanet.utils.picture_sources.list_sources` found in them.
    """
    files = set(sources)
    return [address.rpartition('/')[0] if address in files else address.rstrip('/') for address in addresses]
