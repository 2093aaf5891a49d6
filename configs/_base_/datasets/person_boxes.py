# The person boxes of a data set in the prepared layout, for a detector of mmdet. Another data set: its data_root and two
# ann_file (and data_prefix where its folders have other names).
dataset_type = 'CocoDataset'
data_root = 'data/CIHP/'
metainfo = dict(classes=('person',), palette=[(220, 20, 60)])

train_pipeline = [
    dict(type='mmqanet.SeedFromIndex'),
    dict(type='mmqanet.LoadImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
test_meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'instances')
test_pipeline = [
    dict(type='mmqanet.LoadImage'),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    # The annotated boxes travel with the sample: CocoMetric then needs no file of its own.
    dict(type='PackDetInputs', meta_keys=test_meta_keys),
]

train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='mmqanet.SeededSampler', shuffle=True),
    batch_sampler=dict(type='AspectRatioBatchSampler'),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_root=data_root,
        ann_file='annotations/CIHP_train.json',
        data_prefix=dict(img='Training/Images/'),
        filter_cfg=dict(filter_empty_gt=True, min_size=32),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        metainfo=metainfo,
        data_root=data_root,
        ann_file='annotations/CIHP_val.json',
        data_prefix=dict(img='Validation/Images/'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='CocoMetric', metric='bbox')
test_evaluator = val_evaluator
