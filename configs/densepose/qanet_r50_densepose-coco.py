# Dense pose by QANet (paper, Table 9): the parsing losses replaced by those of dense pose. With the tables of the mirror, also
# in testing: --cfg-options model.flip_test=True model.uv_mirror=PATH/UV_symmetry_transforms.mat
_base_ = [
    '../_base_/models/qanet_r50.py',
    '../_base_/models/dense_pose.py',
    '../_base_/datasets/densepose_coco.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]

model = dict(_delete_=True, backbone=_base_.model.backbone, neck=_base_.model.neck, **_base_.dense_pose)
default_hooks = dict(checkpoint=dict(save_best='GPSm/AP'))
