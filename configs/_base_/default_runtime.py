default_scope = 'mmqanet'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    iter_seed=dict(type='IterSeedHook'),
    # draw=True puts every n-th picture of a validation before the visualizer's backends.
    visualization=dict(type='mmqanet.ParsingVisualizationHook', draw=False, interval=50),
    checkpoint=dict(
        type='CheckpointHook',
        interval=1,
        max_keep_ckpts=3,
        save_best='mIoU',
        rule='greater',
        backend_args=dict(backend='whole_files'),
    ),
)

# With several processes, validation and checkpoints see one set of batch-norm statistics: the mean of all.
custom_hooks = [dict(type='SyncBuffersHook')]

env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)

# Every random stream (order, augmentation, dropout) is a function of this seed and of the epoch or iteration:
# see SeededSampler and IterSeedHook.
randomness = dict(seed=0)

log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)
log_level = 'INFO'
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='ParsingLocalVisualizer', vis_backends=vis_backends, name='visualizer')
tta_scales = (0.9, 1.0, 1.1)  # of tools/test.py --tta
load_from = None
resume = False
