"""The config that a checkpoint carries, read as data: loading weights must not execute what came with them.

mmengine stores a config as Python source, and its own reader runs that source. Here it may hold nothing but assignments of
literals and ``dict(...)``, which is all that mmengine writes; and since a ``type`` with dots in it makes mmengine import
and call whatever it names, types are plain names here, at most with the scope of a sister package.
"""
import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from mmqanet.errors import DataError, InputError

TYPE = re.compile(r'(?:(?:mmqanet|mmseg|mmdet)\.)?[A-Z]\w*|nms|soft_nms')
ENTRIES = ('model', 'test_dataloader', 'tta_scales', 'default_scope')  # what inference reads
NUMBERS = {'inf': float('inf'), 'nan': float('nan')}  # as repr writes them


def read_stored_config(content: Mapping, path: object) -> Config:
    """The config of a checkpoint, as far as inference reads it.

    Args:
        content: what ``load_checkpoint_file`` returned; ``meta.cfg`` is mmengine's text, or a plain dict.
        path: names the checkpoint in errors.

    Raises:
        InputError: the checkpoint carries none. DataError: it holds more than data, or a type that is no plain name.
    """
    stored = (content.get('meta') or {}).get('cfg')
    if not stored:
        raise InputError(f'{path}: this checkpoint carries no config; give the config it was trained with')
    try:
        entries = parse_literals(stored) if isinstance(stored, str) else dict(stored)
        entries = {key: entries[key] for key in ENTRIES if key in entries}
        check_types(entries)
    except (ValueError, TypeError, SyntaxError, RecursionError) as error:
        raise DataError(f'{path}: its config is refused, it holds more than data ({error})') from None
    return Config(entries)


def parse_literals(text: str) -> dict[str, Any]:
    """``name = literal`` lines → a dict. Literals may be nested ``dict(name=literal)`` as well.

    Raises:
        SyntaxError, ValueError: the text holds anything else.
    """
    entries = {}
    for statement in ast.parse(text).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                entries[name] = _literal(value)
            case _:
                raise ValueError(f'line {statement.lineno} is not "name = value"')
    return entries


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords):
            return {_keyword(item): _literal(item.value) for item in keywords}
        case ast.Dict(keys=keys, values=values):
            return {_literal(_key(key, node)): _literal(value) for key, value in zip(keys, values)}
        case ast.List(elts=items):
            return [_literal(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_literal(item) for item in items)
        case ast.Set(elts=items):
            return {_literal(item) for item in items}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_literal(operand)
        case ast.Name(id=name) if name in NUMBERS:
            return NUMBERS[name]
        case ast.Constant(value=value):
            return value
    raise ValueError(f'line {node.lineno}: {ast.unparse(node)[:60]!r} is no literal')


def _keyword(item: ast.keyword) -> str:
    if item.arg is None:
        raise ValueError(f'line {item.value.lineno}: "**" is no literal')
    return item.arg


def _key(key: ast.expr | None, node: ast.expr) -> ast.expr:
    if key is None:
        raise ValueError(f'line {node.lineno}: "**" is no literal')
    return key


def check_types(node: Any) -> None:
    """Raise ``ValueError`` where a ``type`` anywhere inside is not a plain name, or a scope is switched."""
    if isinstance(node, Mapping):
        if '_scope_' in node:
            raise ValueError('_scope_ is not allowed')
        kind = node.get('type')
        if isinstance(kind, str) and not TYPE.fullmatch(kind):
            raise ValueError(f'type {kind!r} is no plain name')
        for child in node.values():
            check_types(child)
    elif isinstance(node, Sequence | set) and not isinstance(node, str):
        for child in node:
            check_types(child)
