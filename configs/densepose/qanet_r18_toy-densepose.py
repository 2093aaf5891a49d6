# A small dense pose network that learns the embedded data set from scratch on a CPU (docs/densepose.md).
_base_ = [
    '../_base_/datasets/toy_densepose.py',
    '../_base_/default_runtime.py',
]

max_epochs = 60
norm_cfg = dict(type='BN')
model = dict(
    type='DensePoseParser',
    data_preprocessor=dict(type='ParsingDataPreprocessor', channels_last=True),
    backbone=dict(type='ResNetV1c', depth=18, base_channels=32, norm_cfg=norm_cfg, norm_eval=False, style='pytorch'),
    neck=dict(type='SemanticFPN', in_channels=[32, 64, 128, 256], out_channels=64, norm_cfg=norm_cfg),
    uv_head=dict(type='UVHead', in_channels=64, loss_weights=(5.0, 1.0, 0.02, 0.02)),
    postprocessor=dict(type='DensePosePostprocessor', quality_weights=(1.0, 0.0, 1.0), pixel_score_thr=0.2),
    max_crops_per_batch=32,
)
train_dataloader = dict(batch_size=8)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, end=0.1 * max_epochs, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.1 * max_epochs, end=max_epochs, eta_min_ratio=0.01, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=20)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=8, enable=False)
default_hooks = dict(checkpoint=dict(save_best='GPSm/AP'))
