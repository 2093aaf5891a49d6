# Parsing R-CNN-R50 on CIHP, 1x.
_base_ = './parsing-rcnn_r50_cihp.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', by_epoch=False, milestones=[30000, 40000], gamma=0.1),
]
train_cfg = dict(max_iters=45000)
