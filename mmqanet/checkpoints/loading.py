"""Checkpoints that are whole or absent, and that load without executing code."""
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.fileio import LocalBackend, register_backend
from torch import Tensor, nn

from mmqanet.checkpoints.tensor_files import SUFFIX, read_tensor_file
from mmqanet.checkpoints.unpickling import NotData, read_pickle
from mmqanet.errors import DataError, InputError, MMQANetError
from mmqanet.utils.files import write_bytes

_CODE = re.compile(r'unsupported (global|class)|blocked|unrecognized function|can only (create|build)', re.IGNORECASE)
_WEIGHTS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def load_checkpoint_file(path: str | os.PathLike, map_location: str | torch.device | None = 'cpu') -> dict:
    """Read a checkpoint as data: tensors, numbers, strings and containers, never code.

    Args:
        path: a file written by ``torch.save``, or a ``.safetensors`` file.
        map_location: device of the tensors.

    Returns:
        dict: what the file holds; of a ``.safetensors`` file ``state_dict`` and, where this package wrote it, ``meta``.

    Raises:
        DataError: the file is missing, broken, or would need to execute code to load; names it.
        InputError: it is a ``.safetensors`` file and safetensors is not installed.
    """
    try:
        path = Path(path).expanduser()
        if not path.is_file():
            raise DataError(f'{path}: {"not a file" if path.exists() else "no such checkpoint"}')
        content = read_tensor_file(path) if path.suffix == SUFFIX else read_pickle(path, map_location or 'cpu')
    except MMQANetError:
        raise
    except NotData as error:
        raise DataError(f'{path}: refused, it holds more than data ({_line(error)})') from None
    except Exception as error:  # a broken file may raise anything
        line = _line(error)
        if _CODE.search(line):
            raise DataError(f'{path}: refused, loading it would execute code ({line})') from None
        raise DataError(f'{path}: not a whole checkpoint ({line})') from None
    if not isinstance(content, dict):
        raise DataError(f'{path}: holds a {type(content).__name__} where a checkpoint is a dict')
    return content


def _line(error: Exception) -> str:
    """What an error says of code, or its first line, without what a terminal would obey."""
    lines = str(error).splitlines() or ['']
    line = next((line for line in lines if _CODE.search(line)), lines[0]).partition(' Please use')[0]
    line = line.removeprefix('WeightsUnpickler error: ').strip() or type(error).__name__
    return ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in line[:300])


def load_weights(model: nn.Module, state: Mapping[str, torch.Tensor], path: str | os.PathLike) -> None:
    """Put a state dict into a model, all of it or none; arguments and errors of :func:`check_weights`."""
    check_weights(model, state, path)
    model.load_state_dict({key.removeprefix('module.'): value for key, value in state.items()})


def check_weights(model: nn.Module, state: Mapping[str, torch.Tensor], path: str | os.PathLike, *,
                  list_all: bool = False) -> None:
    """Raise unless a state dict fits a model.

    Args:
        model: to take the weights.
        state: by name; a ``module.`` in front of names, as data-parallel training leaves it, does not count.
        path: the file they come from, for the message.
        list_all: name every key in the message, a line each, instead of three of a kind.

    Raises:
        InputError: names or shapes differ from the model's.
        DataError: a weight is no tensor, is of another kind than the model's (complex, bool), or holds NaN or infinity.
    """
    check_state(state, path)
    names = [key.removeprefix('module.') for key in state]
    if len(set(names)) < len(names):
        raise DataError(f'{path}: two of its weights have one name, but for "module." in front')
    state = dict(zip(names, state.values()))
    expected = {key.removeprefix('module.'): value for key, value in model.state_dict().items()}
    missing = [key for key in expected if key not in state]
    left_over = [key for key in state if key not in expected]
    other_shape = [
        f'{key} {tuple(state[key].shape)} instead of {tuple(value.shape)}' for key, value in expected.items()
        if key in state and state[key].shape != value.shape]
    faults = [fault for fault in (
        ('lacks', missing), ('has left over', left_over), ('has in another shape', other_shape)) if fault[1]]
    if faults:
        summary = '; it '.join(f'{what} {len(keys)} keys{"" if list_all else f", e.g. {keys[:3]}"}' for what, keys in faults)
        lines = [f'  {what}: {key}' for what, keys in faults for key in keys] if list_all else []
        raise InputError('\n'.join([f'{path}: weights of another config: the checkpoint {summary}', *lines]))
    for key, value in expected.items():
        given = state[key].dtype
        if given not in _WEIGHTS if value.is_floating_point() else given != value.dtype:
            raise DataError(f'{path}: {key} is {_name(given)} where {_name(value.dtype)} is expected')


def check_state(state: Any, path: str | os.PathLike) -> None:
    """Raise ``DataError`` unless these are tensors by name whose numbers are finite; names the first that is not."""
    if not isinstance(state, Mapping):
        raise DataError(f'{path}: its weights are a {type(state).__name__} where tensors by name are expected')
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise DataError(f'{path}: holds no weights by name: {key!r} is a {type(value).__name__}')
        if value.dtype in _WEIGHTS and not value.is_meta and not torch.isfinite(value).all():
            raise DataError(f'{path}: {key} holds NaN or infinity')


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix('torch.')


def last_whole_checkpoint(work_dir: str | os.PathLike) -> Path | None:
    """The newest ``epoch_*.pth`` or ``iter_*.pth`` of a folder that is not cut off; ``None`` where there is none.

    mmengine's own ``last_checkpoint`` file is no help after a kill: it may be empty, or name a file that is.
    """
    numbered = []
    for path in Path(work_dir).glob('*.pth'):
        match = re.fullmatch(r'(?:epoch|iter)_(\d+)', path.stem)
        if match and zipfile.is_zipfile(path):  # the index of a zip stands at its end
            numbered.append((int(match[1]), path.stat().st_mtime, path))
    return max(numbered)[2] if numbered else None


@register_backend('whole_files', force=True)
class WholeFilesBackend(LocalBackend):
    """mmengine's local files, written under a temporary name and renamed, so that a kill leaves no half file."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes so that the file is whole or as it was."""
        write_bytes(Path(filepath), obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text so that the file is whole or as it was."""
        self.put(obj.encode(encoding), filepath)
