"""The boxes that a caller gives: which are of which input."""
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmqanet.apis.inputs import Input, result_name
from mmqanet.errors import InputError, printable

WHOLE_IMAGE = 'image'


def look_up(given: Any, items: Sequence[Input], *, single: bool, what: str) -> Callable[[Input], Any]:
    """A function from an input to its boxes or scores (or ``None``, or ``'image'``).

    Args:
        given: one for each input, those of a single input alone, a mapping from names, ``None`` or the word ``'image'``.
        items: the inputs.
        single: whether the caller gave one input alone.
        what: ``'boxes'`` or ``'box_scores'``.

    Raises:
        InputError: another word, or another number than there are inputs.
    """
    if given is None or isinstance(given, str):
        if given not in (None, WHOLE_IMAGE) or (given and what != 'boxes'):
            raise InputError(f'{what} is {given!r}; the only word that is known is boxes={WHOLE_IMAGE!r}')
        return lambda item: given
    if isinstance(given, Mapping):
        return lambda item: _by_name(given, item, what=what)
    rows = [given] if single and len(items) == 1 else list(given)
    if len(rows) != len(items):
        raise InputError(f'{what} must be as many as the inputs ({len(items)}), not {len(rows)}')
    by_id = {id(item): row for item, row in zip(items, rows)}
    return lambda item: by_id[id(item)]


def _by_name(given: Mapping, item: Input, *, what: str) -> Any:
    path = Path(item.source)
    for name in (item.source, f'{item.name}{path.suffix}', path.name, result_name(path.name), printable(path.name)):
        if name in given:
            return given[name]
    raise InputError(f'{item.source}: no {what} are given for {path.name}')
