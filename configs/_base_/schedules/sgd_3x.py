# Parsing R-CNN's schedule on CIHP: SGD, 0.02 at a batch of 16, divided by 10 at 105k and 125k of 135k iterations.
# A config of another length says its three numbers; RP R-CNN warms up longer, see configs/rp_rcnn.
max_iters = 135000
steps = [105000, 125000]
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=1e-4),
    # Biases, those of norms too, learn twice as fast, and neither they nor norms decay.
    paramwise_cfg=dict(custom_keys={'bias': dict(lr_mult=2.0, decay_mult=0.0)}, norm_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', by_epoch=False, milestones=steps, gamma=0.1),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=15000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=16, enable=False)
