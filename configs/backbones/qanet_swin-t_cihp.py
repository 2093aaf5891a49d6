# Any backbone of mmseg by its plain name: Swin-T under the same neck and heads.
_base_ = [
    '../_base_/models/qanet_r50.py',
    '../_base_/datasets/cihp.py',
    '../_base_/schedules/adamw_140e.py',
    '../_base_/default_runtime.py',
]

channels = [96, 192, 384, 768]
model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        embed_dims=96,
        depths=(2, 2, 6, 2),
        num_heads=(3, 6, 12, 24),
        drop_path_rate=0.2,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/swin/'
            'swin_tiny_patch4_window7_224_20220317-1cdeb081.pth',
        ),
    ),
    neck=[
        dict(type='FPN', in_channels=channels, out_channels=256, num_outs=4, norm_cfg=dict(type='BN')),
        dict(type='SemanticFPN', in_channels=[256, 256, 256, 256], out_channels=256),
    ],
)
