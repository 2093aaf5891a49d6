"""What mmengine's runner gets to see of a checkpoint when it loads or resumes.

mmengine trusts a checkpoint: on ``--resume`` it executes the config text of ``meta.config``, deletes the file that a message
of a hook calls the best so far, and overwrites what hooks say of the run. Here a checkpoint gives weights, the state of the
optimizer, counters and scores; the rest is what the runner knows itself.
"""
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

from mmqanet.checkpoints.downloads import SCHEMES, fetch
from mmqanet.checkpoints.loading import check_state, load_checkpoint_file
from mmqanet.checkpoints.stored_meta import read_stored_meta
from mmqanet.errors import DataError

_META = dict(epoch=int, iter=int, seed=int, experiment_name=str, time=str, mmengine_version=str, dataset_meta=dict)
_BEST = re.compile(r'best_[\w.-]+\.pth')


def install() -> None:
    """Make mmengine's runner, and ``init_cfg=dict(type='Pretrained', ...)``, load checkpoints as data, from anywhere."""
    CheckpointLoader.register_scheme(prefixes=('', *SCHEMES), loader=load_from_address, force=True)


def load_from_address(name: str, map_location: Any = 'cpu') -> dict:
    """A checkpoint, by file name or by any address that mmengine knows, without what mmengine would execute or delete.

    Raises:
        DataError: it is missing, broken, cannot be fetched or holds more than data; names it.
    """
    path, prefix = fetch(name)
    content = load_checkpoint_file(path, map_location)
    if prefix:
        state = content.get('state_dict', content)
        content = dict(state_dict={
            key.removeprefix(prefix): value for key, value in state.items() if str(key).startswith(prefix)})
    return cleansed(content, path)


def cleansed(content: Mapping[str, Any], path: Path) -> dict:
    """What of a checkpoint the runner may use; arguments and errors of :func:`load_from_address`."""
    kept = dict(content)
    for key in ('state_dict', 'ema_state_dict'):
        if key in kept:
            check_state(kept[key], path)
    if 'meta' in kept:
        meta = read_stored_meta(content, path)
        kept['meta'] = {key: value for key, value in meta.items() if isinstance(value, _META.get(key, ()))}
    if 'message_hub' in kept:
        kept['message_hub'] = _messages(kept['message_hub'], path)
    if 'param_schedulers' in kept:
        kept['param_schedulers'] = _schedulers(kept['param_schedulers'], path)
    return kept


def check_resumable(path: str) -> None:
    """Raise ``DataError`` unless training can go on from a checkpoint, given by file name or address."""
    content = load_from_address(path)
    for key in ('state_dict', 'optimizer', 'message_hub'):
        if not isinstance(content.get(key), dict):
            raise DataError(f'{path}: training cannot go on from it, it holds no {key}')
    for key in ('epoch', 'iter'):
        if content.get('meta', {}).get(key, -1) < 0:
            raise DataError(f'{path}: training cannot go on from it, meta.{key} is not a count')


def _schedulers(node: Any, path: Path) -> Any:
    """The counters of schedulers; mmengine makes attributes of whatever stands there."""
    if isinstance(node, dict) and all(isinstance(value, list) for value in node.values()):  # of several optimizers
        return {key: _schedulers(value, path) for key, value in node.items()}
    if not isinstance(node, list) or not all(isinstance(state, dict) for state in node):
        raise DataError(f'{path}: its param_schedulers are not of the kind that mmengine saves')
    return [{key: value for key, value in state.items() if key not in ('optimizer', 'step')} for state in node]


def _messages(hub: Any, path: Path) -> dict:
    """What hooks noted, as far as it is numbers; of files, the best checkpoint, if it lies beside this one."""
    match hub:
        case {'log_scalars': dict() as scalars, 'runtime_info': dict() as notes, 'resumed_keys': dict() as resumed}:
            pass
        case _:
            raise DataError(f'{path}: its message_hub is not of the kind that mmengine saves')
    scalars = {key: value for key, value in scalars.items() if isinstance(value, HistoryBuffer)}
    kept: dict[Any, Any] = {key: value for key, value in notes.items() if isinstance(value, bool | int | float)}
    ids = notes.get('keep_ckpt_ids')
    if isinstance(ids, list) and all(type(step) is int for step in ids):  # numbers that stand in names of files to delete
        kept['keep_ckpt_ids'] = ids
    for key, value in notes.items():
        if str(key).startswith('best_ckpt') and isinstance(value, str) and _BEST.fullmatch(Path(value).name):
            kept[key] = str(path.parent / Path(value).name)
    resumed = {key: bool(value) for key, value in resumed.items() if key in scalars or key in kept}
    return dict(log_scalars=scalars, runtime_info=kept, resumed_keys=resumed)
