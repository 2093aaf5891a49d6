"""Checkpoints by address: fetched to a file first, so that nothing is loaded on the way."""
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlparse

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.runner import checkpoint as tables
from torch.hub import download_url_to_file

from mmqanet.errors import DataError, InputError

_ADDRESS = re.compile(r'([\w.+:-]+)://(.*)', re.DOTALL)


def _torchvision(name: str) -> str:
    try:
        return tables.get_torchvision_models()[name]
    except ImportError:
        raise InputError(f'torchvision://{name}: needs torchvision, which knows where its models are') from None


def _openmmlab(name: str) -> str:
    return tables.get_external_models()[tables.get_deprecated_model_names().get(name, name)]


def _mmcls(name: str) -> str:
    return tables.get_mmcls_models()[name]


_NAMED: dict[str, Callable[[str], str]] = {
    'torchvision': _torchvision, 'modelzoo': _torchvision, 'open-mmlab': _openmmlab, 'openmmlab': _openmmlab,
    'mmcls': _mmcls}
#: What mmengine's loader has a function of its own for; each of them unpickles without a check.
SCHEMES = ('http://', 'https://', *(f'{name}://' for name in _NAMED), 'pavi://', r'(\S+\:)?s3://', r'(\S+\:)?petrel://')


def fetch(name: str) -> tuple[Path, str]:
    """The file of a checkpoint, and the prefix of the weights that are meant, if it has others too.

    Args:
        name: path of a file; ``https://`` or ``http://``, fetched once into the folder of torch's hub; or an alias of
            mmengine, such as ``open-mmlab://resnet50_v1c``.

    Raises:
        DataError: it cannot be fetched. InputError: no alias is called that, or files do not come from there.
    """
    match = _ADDRESS.fullmatch(name)
    if not match:
        return Path(name), ''
    scheme, rest = match[1].lower(), match[2]
    address = name
    if scheme in _NAMED:
        try:
            address = _NAMED[scheme](rest)
        except KeyError:
            raise InputError(f'{name}: mmengine knows no model of this name') from None
    if address.startswith(('http://', 'https://')):
        return _download(address), 'backbone.' if scheme == 'mmcls' else ''
    if scheme in _NAMED:  # a table of the user's may name files in the folder of mmengine
        return Path(tables._get_mmengine_home()) / address, ''
    raise InputError(f'{name}: mmqanet fetches nothing from {scheme}://; download the file and give its path')


def _download(url: str) -> Path:
    """One process fetches, the others wait; the file gets its name when it is whole."""
    folder = Path(torch.hub.get_dir()) / 'checkpoints'
    path = folder / (Path(unquote(urlparse(url).path)).name.strip('.') or 'checkpoint.pth')
    try:
        if is_main_process() and not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            download_url_to_file(url, str(path), progress=False)
    except (OSError, ValueError) as error:  # a URLError is an OSError
        raise DataError(f'{url}: cannot be downloaded ({error})') from None
    finally:
        barrier()
    return path
