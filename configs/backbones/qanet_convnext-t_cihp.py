# ConvNeXt-T under the same neck and heads.
_base_ = '../qanet/qanet_r50_cihp.py'

channels = [96, 192, 384, 768]
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
    neck=[
        dict(type='FPN', in_channels=channels, out_channels=256, num_outs=4, norm_cfg=dict(type='BN')),
        dict(type='SemanticFPN', in_channels=[256, 256, 256, 256], out_channels=256),
    ],
)
# Transformers and their kin are trained with AdamW, warm-up and a small rate, not with the paper's Adam at 2e-3.
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.01),
    paramwise_cfg=dict(norm_decay_mult=0, custom_keys=dict(parsing_head=dict(lr_mult=10), iou_head=dict(lr_mult=10))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=False, begin=0, end=1500),
    dict(type='PolyLR', power=1.0, begin=1, end=140, eta_min=0.0, by_epoch=True, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=32, enable=False)
