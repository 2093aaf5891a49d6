"""Registries of mmqanet.

Each is a child of the registry that holds what mmqanet builds on. ``MODELS`` and ``TRANSFORMS`` hang under mmseg's, so
that every backbone of mmseg answers to its plain name in a config, and mmdet's to ``mmdet.NAME``. A registry imports
its ``locations`` the first time something is looked up in it, and mmseg's when it must; nothing else needs to be imported
by hand.
"""
from importlib import import_module
from importlib.util import find_spec

from mmengine import registry as mmengine
from mmengine.registry import Registry
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.registry import TRANSFORMS as MMSEG_TRANSFORMS

#: The module of models that subclass mmseg's.
BUILT_ON_MMSEG = 'mmqanet.models.backbones.nearest_hrnet'


class _ModelRegistry(Registry):
    """Imports mmseg's models and what is built on them, which take seconds and mmdet along, only for a name not found
    without them; and mmqanet's components for mmdet only for one not found then, where mmdet can be imported.

    A plain name that nobody registers is ``None``: mmengine would import a module of that name, if need be from the current
    folder.
    """

    def get(self, key: str) -> type | None:
        scope, name = self.split_scope_key(key)
        if scope not in (None, self.scope):
            return super().get(key)
        self.import_from_location()
        if not self._has(name, inherited=scope is None):
            self.parent.import_from_location()
            import_module(BUILT_ON_MMSEG)
        if not self._has(name, inherited=scope is None) and find_spec('mmdet') and find_spec('mmcv._ext'):
            import_module('mmqanet.models.on_mmdet')
        return super().get(key) if scope or self._has(name, inherited=True) else None

    def _has(self, name: str, *, inherited: bool) -> bool:
        """Whether a name is registered here, or further up."""
        registry: Registry | None = self
        while inherited and registry is not None and name not in registry.module_dict:
            registry = registry.parent
        return registry is not None and name in registry.module_dict


MODELS = _ModelRegistry('model', parent=MMSEG_MODELS, locations=['mmqanet.models'])
TRANSFORMS = Registry('transform', parent=MMSEG_TRANSFORMS, locations=['mmqanet.datasets.transforms'])
# A config of mmdet looks a prefixed name up from the root: let it find ``mmqanet.NAME`` there.
mmengine.MODELS._add_child(MODELS)
mmengine.TRANSFORMS._add_child(TRANSFORMS)

DATASETS = Registry('dataset', parent=mmengine.DATASETS, locations=['mmqanet.datasets'])
DATA_SAMPLERS = Registry('data sampler', parent=mmengine.DATA_SAMPLERS, locations=['mmqanet.datasets'])
METRICS = Registry(
    'metric', parent=mmengine.METRICS, locations=['mmqanet.evaluation', 'mmqanet.evaluation.dense_pose.metric'])
HOOKS = Registry('hook', parent=mmengine.HOOKS, locations=['mmqanet.engine'])
VISUALIZERS = Registry('visualizer', parent=mmengine.VISUALIZERS, locations=['mmqanet.visualization'])
TASK_UTILS = Registry('task util', parent=mmengine.TASK_UTILS)  # for parts of mmdet: filled by mmqanet.models.on_mmdet

# Nothing of mmqanet's is in these; with a node of its own scope in them mmengine looks on upwards without a warning.
LOOPS = Registry('loop', parent=mmengine.LOOPS)
OPTIMIZERS = Registry('optimizer', parent=mmengine.OPTIMIZERS)
OPTIM_WRAPPERS = Registry('optim_wrapper', parent=mmengine.OPTIM_WRAPPERS)
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    'optimizer wrapper constructor', parent=mmengine.OPTIM_WRAPPER_CONSTRUCTORS)
PARAM_SCHEDULERS = Registry('parameter scheduler', parent=mmengine.PARAM_SCHEDULERS)
WEIGHT_INITIALIZERS = Registry('weight initializer', parent=mmengine.WEIGHT_INITIALIZERS)
MODEL_WRAPPERS = Registry('model_wrapper', parent=mmengine.MODEL_WRAPPERS)
EVALUATOR = Registry('evaluator', parent=mmengine.EVALUATOR)
VISBACKENDS = Registry('vis_backend', parent=mmengine.VISBACKENDS)
LOG_PROCESSORS = Registry('log_processor', parent=mmengine.LOG_PROCESSORS)
RUNNERS = Registry('runner', parent=mmengine.RUNNERS)
