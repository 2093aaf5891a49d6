# Dense pose by QANet-HRNet-W48, whose branches feed the semantic FPN directly.
_base_ = [
    '../_base_/models/qanet_hrnet-w48.py',
    '../_base_/models/dense_pose.py',
    '../_base_/datasets/densepose_coco.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, backbone=_base_.model.backbone, neck=_base_.model.neck, **_base_.dense_pose)
default_hooks = dict(checkpoint=dict(save_best='GPSm/AP'))
