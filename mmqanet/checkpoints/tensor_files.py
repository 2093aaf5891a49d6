"""Checkpoints as ``.safetensors``: weights in a format that cannot hold code, and ``meta`` as JSON in its header."""
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mmqanet.errors import DataError, InputError

SUFFIX = '.safetensors'
_META = 'mmqanet'  # the entry of the header, which holds texts only


def read_tensor_file(path: Path) -> dict[str, Any]:
    """``state_dict``, and ``meta`` where this package wrote the file; the errors of a broken file are safetensors' own."""
    library = _safetensors(path)
    with library.safe_open(path, 'pt', device='cpu') as file:
        header = file.metadata() or {}
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
    return dict(state_dict=state, meta=json.loads(header[_META])) if _META in header else dict(state_dict=state)


def tensor_file_bytes(state: Mapping[str, Tensor], meta: Mapping[str, Any], path: Path) -> bytes:
    """The file of some weights and their ``meta``, which must be JSON.

    Raises:
        InputError: safetensors is not installed. DataError: ``meta`` holds more than JSON can.
    """
    _safetensors(path)
    from safetensors.torch import save

    try:
        header = {'format': 'pt', _META: json.dumps(meta, ensure_ascii=False, allow_nan=False)}
    except (TypeError, ValueError) as error:
        raise DataError(f'{path}: what the checkpoint says of its weights is no JSON ({error})') from None
    return save({key: value.contiguous() for key, value in state.items()}, metadata=header)


def _safetensors(path: Path) -> Any:
    try:
        import safetensors
    except ImportError:
        raise InputError(f"{path}: {SUFFIX} files need safetensors: pip install '.[safetensors]'") from None
    return safetensors
