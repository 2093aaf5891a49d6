# A person detector small enough to train on a CPU core, on crowds composed of cut-out people. Its annotations must hold
# masks (`segmentation`), as those of all prepared data sets do.
_base_ = [
    '../_base_/models/fcos_efficientnet-lite0.py',
    '../_base_/datasets/person_boxes.py',
    '../_base_/detection_runtime.py',
]

data_root = 'data/CCP_crowds/'
size = (416, 416)
max_epochs = 18
train_pipeline = [
    dict(type='mmqanet.SeedFromIndex'),
    dict(type='mmqanet.LoadImage'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    # From the whole picture to a close-up of two thirds of it; who is cut gets the box of what is left to see.
    dict(type='RandomResize', scale=size, ratio_range=(0.75, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=size, recompute_bbox=True),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(8, 8)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmseg.PhotoMetricDistortion', hue_delta=9),  # mmdet's also swaps channels: nobody has blue skin
    dict(type='Pad', size=size, pad_val=dict(img=(127, 127, 127))),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='mmqanet.LoadImage'),
    dict(type='Resize', scale=size, keep_ratio=True),
    dict(type='PackDetInputs', meta_keys=_base_.test_meta_keys),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    batch_sampler=None,
    drop_last=True,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/crowds_train.json',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=1,  # one picture a batch: group norm would count the padding of smaller ones
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/crowds_val.json',
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1.5e-3, weight_decay=0.02),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.4)}, norm_decay_mult=0, bias_decay_mult=0),
    clip_grad=dict(max_norm=35, norm_type=2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, end=0.5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.5, end=max_epochs, eta_min_ratio=0.01, convert_to_iter_based=True),
]
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.003, gamma=200, update_buffers=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=8, enable=False)
