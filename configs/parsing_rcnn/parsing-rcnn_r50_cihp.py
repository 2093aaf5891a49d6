# Parsing R-CNN-R50 on CIHP, 3x.
_base_ = [
    '../_base_/models/parsing-rcnn_r50.py',
    '../_base_/datasets/cihp_images.py',
    '../_base_/schedules/sgd_3x.py',
    '../_base_/default_runtime.py',
]

default_hooks = dict(checkpoint=dict(by_epoch=False, interval=5000))
log_processor = dict(by_epoch=False)
tta_scales = (0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.375, 1.5)  # of tools/test.py --tta
