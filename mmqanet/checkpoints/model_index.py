"""Models by name: those of ``model-index.yml``, and the pair that is shipped inside the package."""
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mmengine.fileio import load

from mmqanet.checkpoints.shipping import MANIFEST, verify
from mmqanet.errors import DataError, InputError

PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED_PARSER = PACKAGE / 'weights/parser.pth'
SHIPPED_DETECTOR = PACKAGE / 'weights/detector.pth'
SHIPPED_SCORE_THR = 0.25  # the best F1 on the validation crowds; on photos of all kinds 0.2 has it


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """What the index says of a model: its ``config`` file, and where its ``weights`` are, if anywhere."""

    name: str
    config: Path
    weights: str | None


def shipped(path: Path) -> Path:
    """A checkpoint of the package, with its config inside, as its manifest lists it.

    Raises:
        InputError: this installation has none. DataError: the file is missing, or its SHA-256 is another.
    """
    if not path.is_file() and not path.with_name(MANIFEST).is_file():
        raise InputError(f'this installation of mmqanet ships no {path.stem} weights: name a model, or give a config and '
                         'its weights')
    verify(path)
    return path


def find_model(name: str) -> ModelEntry:
    """The entry of a model, by its name or alias, whatever their case.

    Raises:
        InputError: no model is called that; names those that are.
    """
    entries = model_entries()
    if name.lower() not in entries:
        if '/' in name or name.endswith('.py'):
            raise InputError(f'{name}: no such config')
        names = ', '.join(sorted({entry.name for entry in entries.values()})) or 'none'
        raise InputError(f'{name}: no such config, and no model of this name (there are: {names})')
    return entries[name.lower()]


def weights_of(entry: ModelEntry) -> Path:
    """The file with the weights of an entry.

    Raises:
        InputError: none are released, or they have to be downloaded first.
    """
    if not entry.weights:
        raise InputError(f'{entry.name}: no weights are released for this model; give your own with its name')
    if '://' in entry.weights:
        raise InputError(f'{entry.name}: download {entry.weights} and give the file with the name')
    return index_root() / entry.weights


def index_root() -> Path:
    """The folder of ``model-index.yml``: inside the installed package, or the checkout."""
    for root in (PACKAGE / '.mim', PACKAGE.parent):
        if (root / 'model-index.yml').is_file():
            return root
    raise InputError('model-index.yml: neither in the package nor in a checkout around it')


@cache
def model_entries() -> dict[str, ModelEntry]:
    """All entries of the index by lower-case name and alias."""
    root = index_root()
    index = load(root / 'model-index.yml')
    files = [root / 'model-index.yml', *(root / path for path in index.get('Import') or ())]
    entries = {}
    for file in files:
        content = load(file)
        for model in (content.get('Models') or ()) if isinstance(content, dict) else content:
            try:
                entry = ModelEntry(name=model['Name'], config=root / model['Config'], weights=model.get('Weights'))
            except KeyError as error:
                raise DataError(f'{file}: a model lacks {error}') from None
            alias = model.get('Alias') or ()
            for name in (entry.name, *([alias] if isinstance(alias, str) else alias)):
                entries[name.lower()] = entry
    return entries
