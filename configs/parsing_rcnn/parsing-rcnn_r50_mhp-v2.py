# Parsing R-CNN-R50 on MHP-v2, 3x.
_base_ = [
    '../_base_/models/parsing-rcnn_r50.py',
    '../_base_/datasets/mhp_v2_images.py',
    '../_base_/schedules/sgd_3x.py',
    '../_base_/default_runtime.py',
]

model = dict(roi_head=dict(mask_head=dict(num_classes=59)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', by_epoch=False, milestones=[54000, 64000], gamma=0.1),
]
train_cfg = dict(max_iters=72000)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=5000))
log_processor = dict(by_epoch=False)
tta_scales = (0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.375, 1.5)  # of tools/test.py --tta
