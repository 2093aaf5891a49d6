# Any backbone of mmseg by its plain name: Swin-T under the same neck and heads.
_base_ = [
    '../_base_/models/qanet_r50.py',
    '../_base_/datasets/cihp.py',
    '../_base_/schedules/adamw_140e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',  # as mmseg has it, whose defaults are Swin-T
        drop_path_rate=0.2,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/swin/'
            'swin_tiny_patch4_window7_224_20220317-1cdeb081.pth',
        ),
    ),
    neck=[dict(_base_.fpn, in_channels=[96, 192, 384, 768]), _base_.semantic_fpn],
)
