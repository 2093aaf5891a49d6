# RP R-CNN-R50 on CIHP, 3x.
_base_ = './rp-rcnn_r50_cihp.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.0001, by_epoch=False, begin=0, end=1000),
    dict(type='MultiStepLR', by_epoch=False, milestones=[105000, 125000], gamma=0.1),
]
train_cfg = dict(max_iters=135000)
