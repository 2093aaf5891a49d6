"""Text of ``name = literal`` lines, as mmengine writes a config, read without executing any of it."""
import ast
from typing import Any

NUMBERS = {'inf': float('inf'), 'nan': float('nan')}  # as repr writes them
MOST_TEXT = 1_000_000  # characters; a config has some ten thousand


def parse_literals(text: str) -> dict[str, Any]:
    """``name = literal`` lines → a dict. Literals may be ``dict(name=literal)`` and ``dict({literal: literal})`` as well.

    Raises:
        ValueError: the text holds anything else, or is longer than a million characters.
        SyntaxError, RecursionError, MemoryError: Python cannot parse it.
    """
    if len(text) > MOST_TEXT:
        raise ValueError(f'a text of {len(text)} characters')
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
        case ast.Call(func=ast.Name(id='dict'), args=[ast.Dict() as entries], keywords=[]):  # of keys that are no names
            return _literal(entries)
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
