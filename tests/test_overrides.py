"""Methods that stand in for those of OpenMMLab's classes are called by OpenMMLab's code and by users who know the originals:
what a call leaves out means the same."""
import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

import mmqanet.registry

REGISTRIES = ('MODELS', 'TRANSFORMS', 'DATASETS', 'METRICS', 'HOOKS', 'DATA_SAMPLERS', 'VISUALIZERS', 'TASK_UTILS')
THEIRS = ('mmengine', 'mmcv', 'mmdet', 'mmseg')
#: Methods that mean something else where an argument is left out, and why.
ON_PURPOSE = {
    'DetectronBoxCoder.decode': 'Detectron limits sizes by a number of its own',
    'ParsingVisualizationHook.after_val_iter': 'without outputs there is nothing to draw',
    'ParsingVisualizationHook.after_test_iter': 'without outputs there is nothing to draw',
}


def root(kind: type) -> str:
    return kind.__module__.partition('.')[0]


def registered_classes() -> Iterator[type]:
    for name in ('mmqanet.models.on_mmdet', mmqanet.registry.BUILT_ON_MMSEG):
        import_module(name)
    for name in REGISTRIES:
        registry = getattr(mmqanet.registry, name)
        registry.import_from_location()
        yield from (kind for kind in registry.module_dict.values() if inspect.isclass(kind) and root(kind) == 'mmqanet')


def overrides() -> dict[str, tuple[Any, Any]]:
    """``Class.method`` → the method and the one of OpenMMLab's that it stands in for."""
    found = {}
    for kind in registered_classes():
        for place, own in enumerate(kind.__mro__):
            methods = vars(own) if root(own) == 'mmqanet' else {}
            for name, method in methods.items():
                if name.startswith('__') or not inspect.isfunction(method):
                    continue
                base = next((base for base in kind.__mro__[place + 1:] if inspect.isfunction(vars(base).get(name))), None)
                if base is not None and root(base) in THEIRS:
                    found[f'{kind.__name__}.{name}'] = method, vars(base)[name]
    return found


def arguments(method: Any) -> dict[str, str]:
    return {name: repr(parameter.default) for name, parameter in inspect.signature(method).parameters.items()
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)}


def test_an_override_takes_the_arguments_of_its_original_in_their_order_with_their_defaults():
    pytest.importorskip('mmdet.models')
    found = overrides()
    assert len(found) > 60
    differing = set()
    for name, (own, original) in found.items():
        expected = arguments(original)
        if [item for item in arguments(own).items() if item[0] in expected] != list(expected.items()):
            differing.add(name)
    assert differing == set(ON_PURPOSE)
