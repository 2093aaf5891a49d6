"""What a checkpoint may build is there, and none of it opens, evaluates, imports or loads anything."""
import inspect
import re

import pytest
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import TRANSFORMS as ROOT_TRANSFORMS

from mmqanet.checkpoints import allowed_types as allowed
from mmqanet.registry import DATASETS, MODELS, TRANSFORMS

SUSPECT = re.compile(
    r'(?<![.\w])(eval|exec|open|compile|__import__)\(|\b(load_checkpoint|_load_checkpoint\w*|import_module|fromfile|fromstring'
    r'|from_pretrained|list_from_file|pickle|subprocess|os\.|osp\.|shutil|fileio|load_url|Popen|get_class_weight)\b|\bload\(')
#: Called by whoever trains, never here: pre-trained weights are loaded by these.
NOT_CALLED = ('init_weights', '_init_weights', 'load_pretrained')


def sources(kind: type):
    """The source of a class and of what it inherits from, but for what nobody calls at inference."""
    for owner in kind.__mro__:
        if owner.__module__.split('.')[0] in ('mmqanet', 'mmseg', 'mmdet', 'mmcv'):
            for name, member in vars(owner).items():
                function = inspect.unwrap(getattr(member, '__func__', getattr(member, 'fget', member)))
                if inspect.isfunction(function) and name not in NOT_CALLED:
                    body = inspect.getsource(function)
                    yield f'{owner.__module__}.{owner.__name__}.{name}', body.replace(function.__doc__ or '\0', '')


def check(kind: type):
    for place, source in sources(kind):
        found = SUSPECT.search(source)
        assert not found, f'{place}: {found[0]}'


def table(registry, names):
    found = {name: registry.module_dict.get(name) for name in names}
    assert not [name for name, kind in found.items() if kind is None], 'not registered'
    return found.values()


def test_layers_open_nothing():
    pytest.importorskip('mmcv.ops')
    for kind in table(ROOT_MODELS, allowed.LAYERS):
        if inspect.isclass(kind):
            check(kind)


def test_parts_of_mmseg_open_nothing():
    from mmseg.registry import MODELS, TRANSFORMS

    MODELS.import_from_location()
    TRANSFORMS.import_from_location()
    for kind in (*table(MODELS, allowed.MMSEG_MODELS), *table(TRANSFORMS, allowed.MMSEG_TRANSFORMS),
                 *table(ROOT_TRANSFORMS, allowed.MMCV_TRANSFORMS)):
        check(kind)


def test_parts_of_mmdet_open_nothing():
    pytest.importorskip('mmdet')
    from mmdet.registry import DATASETS, MODELS, TASK_UTILS, TRANSFORMS

    for registry in (DATASETS, MODELS, TASK_UTILS, TRANSFORMS):
        registry.import_from_location()
    for kind in (*table(MODELS, allowed.MMDET_MODELS), *table(TASK_UTILS, allowed.MMDET_PARTS),
                 *table(TRANSFORMS, allowed.MMDET_TRANSFORMS)):
        check(kind)
    assert all(name in DATASETS.module_dict or name in ROOT_DATASETS.module_dict for name in allowed.MMDET_DATASETS)


def test_parts_of_mmqanet_open_nothing_but_the_picture_they_are_given():
    TRANSFORMS.import_from_location()
    MODELS.get('Unknown')  # imports all there is
    own = [*MODELS.module_dict.items(), *TRANSFORMS.module_dict.items()]
    assert len(own) > 20
    for _, kind in own:
        if kind.__module__.startswith('mmqanet.'):
            check(kind)


def test_own_parts_on_other_packages_are_all_named():
    pytest.importorskip('mmdet')
    pytest.importorskip('mmcv.ops')
    MODELS.get('Unknown')  # imports all there is
    later = {name for name, kind in MODELS.module_dict.items() if kind.__module__.startswith('mmqanet.models.on_mmdet')}
    assert later | {'NearestHRNet'} == allowed.OWN_ON_OTHERS


def test_own_parts_are_those_that_mmqanet_registers():
    assert allowed.is_own('QANet')
    assert allowed.is_own('WarpCrops', transform=True)
    assert allowed.is_own_dataset('CIHPDataset')
    assert not any(map(allowed.is_own, ('ResNet', 'BN', 'WarpCrops', 'Evil', 'registry', 'models')))
    assert not allowed.is_own_dataset('CocoDataset')
    assert 'CIHPDataset' in DATASETS.module_dict
