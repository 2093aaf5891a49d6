# Every person and every part of every person is an instance (tools/dataset_converters/part_instances.py): here those of the
# embedded data set, with CIHP's classes after `person`.
dataset_type = 'CocoDataset'
data_root = 'data/toy/'
metainfo = dict(classes=(
    'person', 'hat', 'hair', 'glove', 'sunglasses', 'upper-clothes', 'dress', 'coat', 'socks', 'pants', 'torso-skin', 'scarf',
    'skirt', 'face', 'left-arm', 'right-arm', 'left-leg', 'right-leg', 'left-shoe', 'right-shoe'))
size = (320, 240)

train_pipeline = [
    dict(type='mmqanet.SeedFromIndex'),
    dict(type='mmqanet.LoadImage'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='RandomResize', scale=size, ratio_range=(0.8, 1.2), keep_ratio=True),
    dict(type='RandomCrop', crop_size=size[::-1], recompute_bbox=True),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(4, 4)),
    dict(type='Pad', size=size, pad_val=dict(img=(127, 127, 127), masks=0)),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='mmqanet.LoadImage'),
    dict(type='Resize', scale=size, keep_ratio=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='mmqanet.SeededSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_root=data_root,
        ann_file='annotations/instances_train.json',
        data_prefix=dict(img='Training/Images/'),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_root=data_root,
        ann_file='annotations/instances_val.json',
        data_prefix=dict(img='Validation/Images/'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='CocoMetric', metric='segm', ann_file=data_root + 'annotations/instances_val.json')
test_evaluator = val_evaluator
