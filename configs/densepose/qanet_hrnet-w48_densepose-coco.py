# Dense pose by QANet-HRNet-W48, whose branches feed the semantic FPN directly.
_base_ = [
    '../_base_/models/qanet_hrnet-w48.py',
    '../_base_/datasets/densepose_coco.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    _delete_=True,
    type='DensePoseParser',
    backbone=_base_.model.backbone,
    neck=_base_.model.neck,
    uv_head=dict(type='UVHead', in_channels=256),
    postprocessor=dict(type='DensePosePostprocessor', quality_weights=(1.0, 0.0, 1.0), pixel_score_thr=0.2),
)
default_hooks = dict(checkpoint=dict(save_best='GPSm/AP'))
