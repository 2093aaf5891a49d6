# Parsing R-CNN-R50 on MHP-v2, 1x.
_base_ = './parsing-rcnn_r50_mhp-v2.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', by_epoch=False, milestones=[15000, 20000], gamma=0.1),
]
train_cfg = dict(max_iters=24000)
