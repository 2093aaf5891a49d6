"""The pair of networks inside the package, ``weights/parser.pth`` and ``weights/detector.pth``, and the manifest that says
what each file must be: a byte that changed since is noticed before anything is loaded."""
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from mmqanet.checkpoints.publishing import checkpoint_bytes, publish
from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import PathLike, read_bytes, read_json, write_bytes
from mmqanet.version import __version__

MANIFEST = 'manifest.json'
MOST_BYTES = 20_000_000  # of all files together: the wheel stays small


def ship(models: Mapping[str, Mapping[str, Any]], folder: PathLike, *, data: str) -> dict:
    """Write the checkpoints that go with the package, each ``folder/NAME.pth``, and their manifest.

    The manifest comes last: a run that is cut off before leaves files that :func:`verify` refuses. What the folder's
    manifest lists besides the models given stays as it is.

    Args:
        models: by file name without suffix: ``content`` of a checkpoint of tools/train.py, ``source``, the file that it
            was read from, ``metrics``, names to numbers, and, of a parser, the ``default_classes`` if it has some.
        folder: is made where there is none.
        data: what they were trained on, in words.

    Returns:
        dict: the manifest: ``mmqanet_version``, ``date``, ``data`` and, by name, ``files`` with ``sha256``, ``bytes``,
        ``config``, ``metrics`` and ``source`` (name and hash of the checkpoint of the training).

    Raises:
        DataError: a checkpoint lacks its weights, config, classes or name, or half precision cannot hold its weights; or a
            file that stays is not what the manifest says.
        InputError: together they are larger than 20 MB; nothing is written then.
    """
    files, entries = {}, _kept(Path(folder), models)
    for name, model in models.items():
        content = publish(model['content'], source=model['source'], half=True, default_classes=model.get('default_classes'))
        file, blob = f'{name}.pth', checkpoint_bytes(content)
        files[file] = blob
        entries[file] = dict(
            sha256=hashlib.sha256(blob).hexdigest(), bytes=len(blob), config=config_name(model['content'], model['source']),
            metrics=dict(model['metrics']), source=content['meta']['source'])
    total = sum(entry['bytes'] for entry in entries.values())
    if total > MOST_BYTES:
        raise InputError(f'{", ".join(entries)}: {total / 1e6:.1f} MB together, but the package takes at most '
                         f'{MOST_BYTES / 1e6:.0f} MB')
    manifest = dict(mmqanet_version=__version__, date=date.today().isoformat(), data=data, files=entries)
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
    for file, blob in files.items():
        write_bytes(Path(folder) / file, blob)
    write_bytes(Path(folder) / MANIFEST, f'{text}\n'.encode())
    return manifest


def _kept(folder: Path, models: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a folder's manifest for files other than those of the models, each verified."""
    manifest = folder / MANIFEST
    entries = read_json(manifest, expected=dict)['files'] if manifest.is_file() else {}
    kept = {file: entry for file, entry in entries.items() if Path(file).stem not in models}
    for file in kept:
        verify(folder / file)
    return kept


def config_name(content: Mapping, source: PathLike) -> str:
    """The config that a checkpoint of tools/train.py was trained with: mmengine names a run CONFIG_DATE_TIME."""
    name = str((content.get('meta') or {}).get('experiment_name') or '')
    if not name:
        raise DataError(f'{source}: meta.experiment_name is missing, which checkpoints of tools/train.py have')
    return re.sub(r'_\d{8}_\d{6}$', '', name)


def verify(path: Path) -> None:
    """Raise unless a file is, byte by byte, the one that the manifest beside it lists.

    Raises:
        DataError: the file or its manifest is missing, broken, or they differ; names the file.
    """
    manifest = path.with_name(MANIFEST)
    if not manifest.is_file():
        raise DataError(f'{manifest}: missing; install mmqanet again')
    try:
        expected = read_json(manifest)['files'][path.name]['sha256']
    except (KeyError, TypeError) as error:
        raise DataError(f'{manifest}: says nothing of {path.name} ({type(error).__name__}: {error}); install mmqanet '
                        'again') from None
    if not path.is_file():
        raise DataError(f'{path}: missing, though {MANIFEST} lists it; install mmqanet again')
    found = hashlib.sha256(read_bytes(path, limit=None)).hexdigest()
    if found != expected:
        raise DataError(f'{path}: its SHA-256 is {found}, but {MANIFEST} says {expected}: the file was changed or is '
                        'damaged; install mmqanet again')
