import pytest

pytest.importorskip('mmdet.models')

from mmdet.models import SOLOV2Head
from mmengine.config import Config, ConfigDict
from segmenters import small_model

from mmqanet.errors import InputError
from mmqanet.models.on_mmdet import TWINS, quality_aware
from mmqanet.registry import MODELS


def test_the_heads_of_a_config_are_replaced_and_it_stays():
    cfg = small_model('MaskIoUHead')
    twin = quality_aware(cfg, threshold=0.3)
    assert cfg.roi_head.mask_head.type == 'FCNMaskHead'
    assert twin.roi_head.mask_head.type == 'mmqanet.QualityAwareFCNMaskHead'
    assert twin.roi_head.mask_iou_head.type == 'mmqanet.QualityAwareMaskIoUHead'
    assert twin.roi_head.mask_head.quality == dict(threshold=0.3)
    assert twin.roi_head.bbox_head == cfg.roi_head.bbox_head


@pytest.mark.parametrize('kind', [
    'SOLOV2Head', 'mmdet.SOLOV2Head', 'mmdet.models.SOLOV2Head', 'mmqanet.QualityAwareSOLOV2Head', SOLOV2Head])
def test_a_head_is_known_however_it_is_named(kind):
    head = quality_aware(ConfigDict(mask_head=[dict(type=kind, quality=dict(mode='mean'))]), threshold=0.4).mask_head[0]
    assert head == dict(type='mmqanet.QualityAwareSOLOV2Head', quality=dict(mode='mean', threshold=0.4))


def test_a_config_without_such_a_head_is_refused_with_a_list():
    with pytest.raises(InputError, match='no head with a quality-aware twin; mmdet heads that have one: FCNMaskHead, HTC'):
        quality_aware(ConfigDict(bbox_head=dict(type='FCOSHead'), roi_head=dict(grid_head=dict(type='GridHead'))))


@pytest.mark.parametrize('kind', ['mmyolo.SOLOV2Head', 'mypackage.heads.SOLOV2Head', type('SOLOV2Head', (), {})])
def test_a_head_of_another_package_is_not_mmdets_by_its_name(kind):
    with pytest.raises(InputError, match='no head with a quality-aware twin'):
        quality_aware(ConfigDict(mask_head=dict(type=kind)))


def test_a_whole_config_is_not_the_config_of_a_model():
    with pytest.raises(InputError, match=r'model: expected the config of the model, cfg\.model, got a whole config'):
        quality_aware(Config(dict(model=dict(mask_head=dict(type='SOLOV2Head')))))


def test_every_twin_is_registered_under_mmdets_name():
    for name, head in TWINS.items():
        assert head.__name__ == f'QualityAware{name}'
        assert MODELS.get(head.__name__) is head
