# RP R-CNN-R50 on MHP-v2, 3x.
_base_ = './rp-rcnn_r50_mhp-v2.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.0001, by_epoch=False, begin=0, end=1000),
    dict(type='MultiStepLR', by_epoch=False, milestones=[54000, 64000], gamma=0.1),
]
train_cfg = dict(max_iters=72000)
