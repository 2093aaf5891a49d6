# Short trainings of light segmenters on a CPU: AdamW, half an epoch of warm-up, a cosine, and weights averaged over time.
_base_ = './detection_runtime.py'

default_hooks = dict(checkpoint=dict(save_best='coco/segm_mAP'))
max_epochs = 6
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1.5e-3, weight_decay=0.02),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.4)}, norm_decay_mult=0, bias_decay_mult=0),
    clip_grad=dict(max_norm=35, norm_type=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, end=0.5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.5, end=max_epochs, eta_min_ratio=0.01, convert_to_iter_based=True),
]
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.003, gamma=200, update_buffers=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=8, enable=False)
