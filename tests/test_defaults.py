"""Arguments that configs leave out: stored configs and users' own rely on their names and on what they are by default."""
import importlib
import inspect
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mmqanet.registry

TABLE = Path(__file__).parent / 'defaults.json'
REGISTRIES = ('MODELS', 'TRANSFORMS', 'DATASETS', 'METRICS', 'HOOKS', 'DATA_SAMPLERS', 'VISUALIZERS')
PUBLIC = tuple(f'mmqanet.{room}' for room in ('apis', 'functional', 'structures', 'evaluation', 'visualization'))


def described(component: Any) -> dict[str, str]:
    """Argument → default as text, ``'required'`` without one; ``*`` stands before those that are given by name alone."""
    found = {}
    for name, parameter in inspect.signature(component).parameters.items():
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            star = '*' if parameter.kind is parameter.KEYWORD_ONLY else ''
            default = parameter.default
            found[star + name] = 'required' if default is parameter.empty else repr(default)
    return found


def components() -> Iterator[tuple[str, Any]]:
    """What configs name, and what programs import."""
    for name in REGISTRIES:
        registry = getattr(mmqanet.registry, name)
        registry.import_from_location()
        for key, component in registry.module_dict.items():
            if component.__module__.startswith('mmqanet.'):
                yield f'{name}.{key}', component
    for module in PUBLIC:
        for name in importlib.import_module(module).__all__:
            component = getattr(importlib.import_module(module), name)
            if inspect.isfunction(component) or inspect.isclass(component):
                yield f'{module}.{name}', component


def inherits_its_arguments(component: Any) -> bool:
    own = vars(component) if inspect.isclass(component) else {'__init__': component}
    return '__init__' not in own and any(base.__module__.startswith('mmqanet.') for base in component.__bases__)


def test_what_is_left_out_means_what_it_meant():
    """With ``MMQANET_NEW_DEFAULTS=1`` in the environment the table is written anew: after a change that is meant, for the
    changelog, and to take in what is new."""
    pytest.importorskip('mmdet')
    found = {}
    for name, component in components():
        if not inherits_its_arguments(component):
            found[name] = described(component)
    if os.environ.get('MMQANET_NEW_DEFAULTS'):
        TABLE.write_text(json.dumps(found, indent=1, sort_keys=True) + '\n')
    for name, expected in json.loads(TABLE.read_text()).items():
        assert name in found, f'{name} is gone'
        changed = {key: found[name].get(key, 'gone') for key in expected if found[name].get(key) != expected[key]}
        assert not changed, f'{name}: {changed}, and not {({key: expected[key] for key in changed})}'
