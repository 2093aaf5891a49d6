"""mmdet's own configs with few channels, and pictures for them."""
import copy
from functools import cache

import mmdet
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.hub import get_config
from mmengine.registry import MODELS, DefaultScope
from mmengine.structures import InstanceData
from mmengine.utils import digit_version

import mmqanet.registry  # noqa: F401  (its names are looked up from mmdet's configs)

#: Where each head of mmdet's is used.
CONFIGS = dict(
    FCNMaskHead='mask_rcnn/mask-rcnn_r50_fpn_1x_coco',
    HTCMaskHead='htc/htc_r50_fpn_1x_coco',
    SCNetMaskHead='scnet/scnet_r50_fpn_1x_coco',
    CoarseMaskHead='point_rend/point-rend_r50-caffe_fpn_ms-1x_coco',
    DynamicMaskHead='queryinst/queryinst_r50_fpn_1x_coco',
    MaskIoUHead='ms_rcnn/ms-rcnn_r50-caffe_fpn_1x_coco',
    SOLOHead='solo/solo_r50_fpn_1x_coco',
    DecoupledSOLOHead='solo/decoupled-solo_r50_fpn_1x_coco',
    DecoupledSOLOLightHead='solo/decoupled-solo-light_r50_fpn_3x_coco',
    SOLOV2Head='solov2/solov2_r50_fpn_1x_coco',
    CondInstMaskHead='condinst/condinst_r50_fpn_ms-poly-90k_coco_instance',
    BoxInstMaskHead='boxinst/boxinst_r50_fpn_ms-90k_coco',
    RTMDetInsHead='rtmdet/rtmdet-ins_tiny_8xb32-300e_coco',
    RTMDetInsSepBNHead='rtmdet/rtmdet-ins_tiny_8xb32-300e_coco',
    YOLACTProtonet='yolact/yolact_r50_1xb8-55e_coco',
    MaskFormerFusionHead='mask2former/mask2former_r50_8xb2-lsj-50e_coco',
)
#: What makes the mask logits, in names of parameters.
MASK_LAYERS = ('conv_logits', 'fc_logits', 'fcs.2', 'conv_mask_list', 'conv_kernel', 'conv_solo', 'param_conv', 'controller',
               'rtm_kernel', 'protonet', 'mask_embed')
WIDTH = 32
META = dict(img_shape=(60, 64), ori_shape=(90, 97), scale_factor=(64 / 97, 60 / 90), batch_input_shape=(64, 64),
            pad_shape=(64, 64))
#: Settings under which an untrained network finds something, and fast.
TEST_SETTINGS = dict(score_thr=0.0, filter_thr=0.0, max_per_img=12, max_per_image=12, nms_pre=200, subdivision_steps=2)


def small_model(head: str, **changes) -> ConfigDict:
    """A model of mmdet's, narrow and easily satisfied.

    Args:
        head: a head in ``CONFIGS``, or the name of a config.
        changes: test settings.
    """
    cfg = copy.deepcopy(_model_config(CONFIGS.get(head, head)))
    cfg.backbone.init_cfg = None
    if cfg.backbone.type == 'ResNet':
        cfg.backbone.update(depth=18, base_channels=8)
        for name in cfg.keys() - {'backbone'}:
            _narrow(cfg[name])
    if head == 'RTMDetInsHead':  # no config of mmdet's uses it
        cfg.bbox_head.update(type=head)
        cfg.bbox_head.pop('share_conv')
    _set(cfg, {'num_grids': [8, 6, 5, 4, 3], 'num_proposals': 12})
    _set(cfg.test_cfg, {**TEST_SETTINGS, **changes})
    return cfg


@cache
def _model_config(name: str) -> ConfigDict:
    return get_config(f'mmdet::{name}.py').model


def _narrow(node, key: str = ''):
    if isinstance(node, dict):
        for name, value in node.items():
            node[name] = _narrow(value, name)
    elif isinstance(node, list | tuple):
        return [8, 16, 32, 64][-len(node):] if key == 'in_channels' else type(node)(_narrow(value, key) for value in node)
    elif isinstance(node, int) and ('channel' in key or key in ('embed_dims', 'num_feats')) and node > WIDTH:
        return WIDTH // 2 if key == 'num_feats' else WIDTH
    return node


def _set(node, values: dict) -> None:
    for name, value in node.items():
        if name in values:
            node[name] = values[name]
        elif isinstance(value, dict):
            _set(value, values)


def build(cfg: ConfigDict, *, like: torch.nn.Module | None = None) -> torch.nn.Module:
    """A model with random weights that make sharp masks, or with the weights of another."""
    torch.manual_seed(7 if cfg.get('bbox_head', {}).get('type') == 'RTMDetInsHead' else 0)  # with most it sees nothing
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(cfg).eval()
    if like is not None:
        model.load_state_dict(like.state_dict())
        return model
    if hasattr(model, 'rpn_head') and hasattr(model.rpn_head, 'init_proposal_bboxes'):
        torch.nn.init.constant_(model.rpn_head.init_proposal_bboxes.weight, 0.5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if any(layer in name for layer in MASK_LAYERS):
                parameter *= 30
    return model


def predict(model: torch.nn.Module, images: torch.Tensor | None = None, *, rescale: bool = True) -> list[InstanceData]:
    """Detections in pictures (by default two of noise), each a padded 64×64 of a file of 97×90."""
    from mmdet.structures import DetDataSample

    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) if images is None else images
    samples = [DetDataSample(metainfo=META) for _ in images]
    with torch.no_grad():
        return [sample.pred_instances for sample in model.predict(images, samples, rescale=rescale)]


def skip_where_mmdet_errs(head: str) -> None:
    """Before 3.4, mmdet enlarged each side of RTMDet-Ins's masks by the factor of the other side."""
    if head.startswith('RTMDetIns') and digit_version(mmdet.__version__) < digit_version('3.4'):
        pytest.skip(f'mmdet {mmdet.__version__} swaps the two factors that it enlarges masks of RTMDet-Ins by')
