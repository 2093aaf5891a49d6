"""Checkpoints that are whole or absent, and that load without executing code."""
import os
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import write_bytes


def _history_method(owner: type, name: str):
    """Stands in for ``getattr`` while loading: a log history names its own methods and nothing else may be reached."""
    if owner is HistoryBuffer and name in ('mean', 'max', 'min', 'current'):
        return getattr(owner, name)
    raise pickle.UnpicklingError(f'Unsupported attribute {name} of {owner}')


def _safe_classes() -> list:
    """What a checkpoint of mmengine holds besides tensors and plain Python: the log's history, in numpy arrays."""
    core = np._core if hasattr(np, '_core') else np.core
    dtypes = [type(np.dtype(kind)) for kind in ('float64', 'float32', 'int64', 'int32', 'uint32', 'bool')]
    return [
        HistoryBuffer, (_history_method, 'builtins.getattr'), np.ndarray, np.dtype, slice, core.multiarray._reconstruct,
        core.multiarray.scalar, *dtypes]


def load_checkpoint_file(path: str | os.PathLike, map_location: str | torch.device | None = 'cpu') -> dict:
    """Read a checkpoint as data: tensors, numbers, strings and containers, never code.

    Args:
        path: a file written by ``torch.save``.
        map_location: device of the tensors.

    Returns:
        dict: what the file holds.

    Raises:
        DataError: the file is missing, cut off, or would need to execute code to load; names it.
    """
    path = Path(path).expanduser()
    try:
        with torch.serialization.safe_globals(_safe_classes()):
            content = torch.load(path, map_location=map_location, weights_only=True)
    except FileNotFoundError:
        raise DataError(f'{path}: no such checkpoint') from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        lines = (str(error) or type(error).__name__).splitlines()
        code = [line for line in lines if re.search('unsupported', line, re.IGNORECASE)]
        if code:
            raise DataError(f'{path}: refused, loading it would execute code ({code[0].strip()})') from None
        raise DataError(f'{path}: not a whole checkpoint ({lines[0]})') from None
    if not isinstance(content, dict):
        raise DataError(f'{path}: holds a {type(content).__name__} where a checkpoint is a dict')
    return content


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
    """
    state = {key.removeprefix('module.'): value for key, value in state.items()}
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
        write_bytes(Path(filepath), obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        self.put(obj.encode(encoding), filepath)


def install() -> None:
    """Make mmengine's runner and ``init_cfg=dict(type='Pretrained', ...)`` load local files as data only."""
    CheckpointLoader.register_scheme(prefixes='', loader=load_checkpoint_file, force=True)
