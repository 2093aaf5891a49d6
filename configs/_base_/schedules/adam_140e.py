# The paper's schedule: Adam without weight decay, 2e-3 at a batch of 256, divided by 10 at epochs 90 and 120 of 140.
# With another total batch size, pass --auto-scale-lr: the rate then follows lr = 2e-3 * batch / 256.
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-3))
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[90, 120], gamma=0.1)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=140, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=256, enable=False)
