# MiT-B0 (SegFormer's backbone) feeding the semantic FPN directly.
_base_ = '../qanet/qanet_r50_cihp.py'

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
# Transformers and their kin are trained with AdamW, warm-up and a small rate, not with the paper's Adam at 2e-3.
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=6e-5, weight_decay=0.01),
    paramwise_cfg=dict(norm_decay_mult=0, custom_keys=dict(parsing_head=dict(lr_mult=10), iou_head=dict(lr_mult=10))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=False, begin=0, end=1500),
    dict(type='PolyLR', power=1.0, begin=1, end=140, eta_min=0.0, by_epoch=True, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=32, enable=False)
