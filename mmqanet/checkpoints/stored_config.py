"""The config that a checkpoint carries, read as data: loading weights must not execute what came with them.

mmengine stores a config as Python source, and its own reader runs that source. Here it is literals; it is rebuilt of plain
containers, cut down to what inference reads, and every type in it stands on a list of those that may be built
(:mod:`mmqanet.checkpoints.allowed_types`). Whoever wants more gives the config as a file, which is code that they trust.
"""
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config

from mmqanet.checkpoints import allowed_types as allowed
from mmqanet.checkpoints.literals import parse_literals
from mmqanet.checkpoints.stored_meta import read_stored_meta
from mmqanet.errors import DataError, InputError, MMQANetError

SCOPES, SCOPE = ('mmqanet', 'mmseg', 'mmdet'), '_scope_'
NAME = re.compile(r'(?:(mmqanet|mmseg|mmdet)\.)?(\w+)', re.ASCII)
MOST_VALUES = 100_000
WAY_OUT = 'if you trust its author, give the config as a file'
#: Entries that only training reads, and those that name files; the weights are in the checkpoint.
LEFT_OUT = frozenset({
    'init_cfg', 'pretrained', 'train_cfg', 'class_weight', 'batch_augments', 'checkpoint', 'load_from',
    'backend_args', 'file_client_args'})
#: Entries whose texts are names that are only compared and shown.
FREE_TEXT = frozenset({'classes', 'meta_keys'})
#: Steps that read files: at inference the caller's images take their place.
READING_STEPS = frozenset({
    'LoadImageFromFile', 'LoadImageFromNDArray', 'LoadAnnotations', 'mmdet.LoadImageFromFile', 'mmdet.LoadAnnotations'})


def read_stored_config(content: Mapping, path: object) -> Config:
    """The config of a checkpoint, as far as inference reads it.

    Args:
        content: what ``load_checkpoint_file`` returned; ``meta.cfg`` is mmengine's text, or a plain dict.
        path: names the checkpoint in errors.

    Returns:
        Config: ``model``, ``test_dataloader`` (the data set's type, classes and pipeline), ``tta_scales`` and
        ``default_scope``, as far as they are there.

    Raises:
        InputError: the checkpoint carries none. DataError: it holds more than data, or names a type or a text that is not
            on the list of those that a checkpoint may build with.
    """
    stored = read_stored_meta(content, str(path)).get('cfg')
    if stored is None or (isinstance(stored, str | dict) and not stored):
        raise InputError(f'{path}: this checkpoint carries no config; give the config it was trained with')
    try:
        entries = parse_literals(stored) if isinstance(stored, str) else stored
        entries = checked_config(entries)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise DataError(f'{path}: its config is refused ({reason}); {WAY_OUT}') from None
    return Config(entries)


@contextmanager
def building(path: object) -> Iterator[None]:
    """While a network is built by the config of a checkpoint: whatever its constructors raise is a fault of the file."""
    try:
        yield
    except MMQANetError:
        raise
    except Exception as error:
        line = (str(error).splitlines() or [''])[0] or type(error).__name__
        raise DataError(f'{path}: no network can be built from its config ({line[:300]})') from None


def checked_config(entries: Any) -> dict[str, Any]:
    """The entries that inference reads, rebuilt and checked.

    Raises:
        ValueError: something in them is no data or not allowed; says what.
    """
    if not isinstance(entries, dict):
        raise ValueError(f'it is a {type(entries).__name__}')
    scope = _known_scope(entries.get('default_scope') or 'mmqanet', 'default_scope')
    check = _Check(scope)
    kept: dict[str, Any] = dict(default_scope=scope)
    if 'model' in entries and 'type' not in _as_dict(entries['model'], 'model'):
        raise ValueError('its model has no type')
    for key in ('model', 'tta_scales'):
        if key in entries:
            kept[key] = check.rebuilt(entries[key], key)
    if 'test_dataloader' in entries:
        loader = _as_dict(entries['test_dataloader'], 'test_dataloader')
        kept['test_dataloader'] = dict(dataset=check.dataset(loader.get('dataset')))
    return kept


def _known_scope(scope: Any, name: str) -> str:
    if scope not in SCOPES:
        raise ValueError(f'{name} {scope!r} is none of {", ".join(SCOPES)}')
    return scope


def _as_dict(node: Any, name: str) -> dict:
    if not isinstance(node, dict):
        raise ValueError(f'{name} is a {type(node).__name__}, and no dict')
    return node


class _Check:
    """Rebuilds the parts of one config whose plain names are those of ``scope``."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.values = 0

    def dataset(self, node: Any) -> dict[str, Any]:
        """What inference asks of a data set: its type, for the classes it declares, its own classes, and its pipeline."""
        node = _as_dict(node, 'the data set')
        kept: dict[str, Any] = {}
        if 'type' in node:
            kept['type'] = self._type(node['type'], 'dataset')
        if 'metainfo' in node:
            meta = _as_dict(node['metainfo'], 'metainfo')
            if any(type(value) is str for value in meta.values()):  # mmengine would take it for the name of a list
                raise ValueError('metainfo holds a text where a list belongs')
            kept['metainfo'] = self.rebuilt(meta, 'metainfo')
        if 'dataset' in node:
            kept['dataset'] = self.dataset(node['dataset'])
        if 'pipeline' in node:
            steps = node['pipeline']
            if type(steps) not in (list, tuple) or not all(isinstance(step, dict) and 'type' in step for step in steps):
                raise ValueError('the pipeline is no list of steps with a type')
            kept['pipeline'] = [self.rebuilt(step, 'pipeline') for step in steps if step['type'] not in READING_STEPS]
        return kept

    def rebuilt(self, node: Any, key: str) -> Any:
        """The same of exactly dict, list, tuple, str, number, bool and None; ``key`` is the entry whose value it is."""
        self.values += 1
        if self.values > MOST_VALUES:
            raise ValueError(f'more than {MOST_VALUES} values')
        kind = type(node)
        if node is None or kind in (bool, int, float):
            return node
        if kind is str:
            if node not in allowed.WORDS and not (key in FREE_TEXT and node.isprintable()):
                raise ValueError(f'{key}={node[:80]!r}: a checkpoint may not say this text')
            return node
        if kind in (list, tuple):
            return kind(self.rebuilt(item, key) for item in node)
        if kind is dict:
            return self._rebuilt_dict(node, key)
        raise ValueError(f'{key} is a {kind.__name__}')

    def _rebuilt_dict(self, node: dict, key: str) -> dict[str, Any]:
        """A dict with ``_scope_``, as configs that inherit from another package have them, is built in that scope."""
        outer = self.scope
        self.scope = _known_scope(node.get(SCOPE, outer), SCOPE)
        kept = {name: self._type(value, key) if name == 'type' else value if name == SCOPE else self.rebuilt(value, name)
                for name, value in node.items() if self._is_kept(name)}
        self.scope = outer
        return kept

    def _is_kept(self, name: Any) -> bool:
        if type(name) is not str or (name.startswith('_') and name != SCOPE):
            raise ValueError(f'an entry is called {str(name)[:80]!r}')
        return name not in LEFT_OUT

    def _type(self, name: Any, key: str) -> str:
        """The name of a type that the value of ``key`` may be of."""
        match = NAME.fullmatch(name) if type(name) is str else None
        scope, plain = (match[1] or self.scope, match[2]) if match else ('', '')
        if not match or not self._is_allowed(scope, plain, key):
            raise ValueError(f'type {str(name)[:80]!r} in {key!r} is not among those that a checkpoint may build')
        return name

    @staticmethod
    def _is_allowed(scope: str, name: str, key: str) -> bool:
        if key in allowed.OPERATORS:
            return name in allowed.OPERATORS[key]
        if key in allowed.PART_KEYS:
            return scope == 'mmdet' and name in allowed.MMDET_PARTS
        if key == 'dataset':
            return name in allowed.MMDET_DATASETS if scope == 'mmdet' else allowed.is_own_dataset(name)
        if key in ('pipeline', 'pipelines'):  # of a data set, of the members of an ensemble
            return name in allowed.TRANSFORMS_OF[scope] or (scope == 'mmqanet' and allowed.is_own(name, transform=True))
        return name in allowed.MODELS_OF[scope] or (scope == 'mmqanet' and allowed.is_own(name))
