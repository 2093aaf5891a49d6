# Detectors are mmdet's: its names go unprefixed, mmqanet's with their prefix.
_base_ = './default_runtime.py'

default_scope = 'mmdet'
default_hooks = dict(
    iter_seed=dict(type='mmqanet.IterSeedHook'),
    checkpoint=dict(save_best='coco/bbox_mAP'),
)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(_delete_=True, type='DetLocalVisualizer', vis_backends=vis_backends, name='visualizer')
