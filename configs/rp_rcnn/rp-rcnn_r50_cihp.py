# RP R-CNN-R50 on CIHP, 6x.
_base_ = [
    '../_base_/models/rp-rcnn_r50.py',
    '../_base_/datasets/cihp_images.py',
    '../_base_/schedules/sgd_3x.py',
    '../_base_/default_runtime.py',
]

param_scheduler = [
    dict(type='LinearLR', start_factor=0.0001, by_epoch=False, begin=0, end=1000),
    dict(type='MultiStepLR', by_epoch=False, milestones=[240000, 260000], gamma=0.1),
]
train_cfg = dict(max_iters=270000)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=5000))
log_processor = dict(by_epoch=False)
tta_scales = (0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.375, 1.5)  # of tools/test.py --tta
