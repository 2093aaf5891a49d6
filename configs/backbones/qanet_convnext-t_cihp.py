# ConvNeXt-T under the same neck and heads.
_base_ = [
    '../_base_/models/qanet_r50.py',
    '../_base_/datasets/cihp.py',
    '../_base_/schedules/adamw_140e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        type='ConvNeXt',
        arch='tiny',
        drop_path_rate=0.1,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.openmmlab.com/mmclassification/v0/convnext/downstream/'
            'convnext-tiny_3rdparty_32xb128-noema_in1k_20220301-795e9634.pth',
            prefix='backbone.',
        ),
    ),
    neck=[dict(_base_.fpn, in_channels=[96, 192, 384, 768]), _base_.semantic_fpn],
)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
