# For transformers and their kin: AdamW, warm-up and a small rate, not the paper's Adam at 2e-3; heads learn faster.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=6e-5, weight_decay=0.01),
    paramwise_cfg=dict(norm_decay_mult=0, custom_keys=dict(parsing_head=dict(lr_mult=10), iou_head=dict(lr_mult=10))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=False, begin=0, end=1500),
    dict(type='PolyLR', power=1.0, begin=1, end=140, eta_min=0.0, by_epoch=True, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=140, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=32, enable=False)
