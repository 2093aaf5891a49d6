# A QANet small enough to train on two CPU cores, on real photos: EfficientNet-Lite0, S-FPN of 96 channels, 256x192.
# ImageNet weights: tools/model_converters/efficientnet_lite0.py data/pretrained/efficientnet_lite0.pth
_base_ = [
    '../_base_/models/qanet_r50.py',
    '../_base_/datasets/ccp.py',
    '../_base_/default_runtime.py',
]

max_epochs = 30
model = dict(
    data_preprocessor=dict(mean=[127 / 255] * 3, std=[128 / 255] * 3, channels_last=True),
    backbone=dict(
        _delete_=True,
        type='EfficientNetLite0',
        init_cfg=dict(type='Pretrained', checkpoint='data/pretrained/efficientnet_lite0.pth'),
    ),
    neck=dict(
        _delete_=True,
        type='SemanticFPN',
        in_channels=[24, 40, 112, 320],
        out_channels=96,
    ),
    parsing_head=dict(in_channels=96, num_classes=17, loss_lovasz=dict(type='LovaszSoftmaxLoss', stride=2)),
    iou_head=dict(in_channels=96, hidden_channels=128),
)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.01),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.5)}, norm_decay_mult=0, bias_decay_mult=0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, end=0.1 * max_epochs, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.1 * max_epochs, end=max_epochs, eta_min_ratio=0.005, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=16, enable=False)
