# MiT-B0 (SegFormer's backbone) feeding the semantic FPN directly.
_base_ = [
    '../_base_/models/qanet_r50.py',
    '../_base_/datasets/cihp.py',
    '../_base_/schedules/adamw_140e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        _delete_=True,
        type='MixVisionTransformer',
        embed_dims=32,
        num_layers=[2, 2, 2, 2],
        num_heads=[1, 2, 5, 8],
        sr_ratios=[8, 4, 2, 1],
        qkv_bias=True,
        drop_path_rate=0.1,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/'
            'mit_b0_20220624-7e0fe6dd.pth',
        ),
    ),
    neck=dict(_delete_=True, type='SemanticFPN', in_channels=[32, 64, 160, 256], out_channels=256),
)
