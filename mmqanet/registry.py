"""Registries of mmqanet.

Each is a child of the registry that holds what mmqanet builds on. ``MODELS`` and ``TRANSFORMS`` hang under mmseg's, so
that every backbone of mmseg answers to its plain name in a config, and mmdet's to ``mmdet.NAME``. A registry imports
its ``locations`` the first time something is looked up in it; nothing else needs to be imported by hand.
"""
from mmengine.registry import (
    DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS,
)
from mmengine.registry import (
    DATASETS as MMENGINE_DATASETS,
)
from mmengine.registry import (
    HOOKS as MMENGINE_HOOKS,
)
from mmengine.registry import (
    INFERENCERS as MMENGINE_INFERENCERS,
)
from mmengine.registry import (
    METRICS as MMENGINE_METRICS,
)
from mmengine.registry import (
    VISUALIZERS as MMENGINE_VISUALIZERS,
)
from mmengine.registry import (
    Registry,
)
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.registry import TRANSFORMS as MMSEG_TRANSFORMS

MODELS = Registry('model', parent=MMSEG_MODELS, locations=['mmqanet.models'])
TRANSFORMS = Registry('transform', parent=MMSEG_TRANSFORMS, locations=['mmqanet.datasets.transforms'])
DATASETS = Registry('dataset', parent=MMENGINE_DATASETS, locations=['mmqanet.datasets'])
DATA_SAMPLERS = Registry('data sampler', parent=MMENGINE_DATA_SAMPLERS, locations=['mmqanet.datasets'])
METRICS = Registry('metric', parent=MMENGINE_METRICS, locations=['mmqanet.evaluation'])
HOOKS = Registry('hook', parent=MMENGINE_HOOKS, locations=['mmqanet.engine'])
VISUALIZERS = Registry('visualizer', parent=MMENGINE_VISUALIZERS, locations=['mmqanet.visualization'])
INFERENCERS = Registry('inferencer', parent=MMENGINE_INFERENCERS, locations=['mmqanet.apis'])
