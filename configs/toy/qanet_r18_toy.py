# A small QANet that learns the embedded data set from scratch in a few minutes on two CPU cores: `make demo`.
_base_ = [
    '../_base_/models/qanet_r50.py',
    '../_base_/datasets/toy.py',
    '../_base_/default_runtime.py',
]

max_epochs = 7
model = dict(
    data_preprocessor=dict(channels_last=True),
    backbone=dict(depth=18, base_channels=32, init_cfg=None),
    neck=dict(
        _delete_=True,
        type='SemanticFPN',
        in_channels=[32, 64, 128, 256],
        out_channels=64,
    ),
    parsing_head=dict(in_channels=64, loss_lovasz=dict(type='LovaszSoftmaxLoss', stride=2)),
    iou_head=dict(in_channels=64, hidden_channels=128),
    max_crops_per_batch=32,
)
train_dataloader = dict(batch_size=16)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=3e-3, weight_decay=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, end=0.1 * max_epochs, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.1 * max_epochs, end=max_epochs, eta_min_ratio=0.01, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=16, enable=False)
