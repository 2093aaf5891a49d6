dataset_type = 'CIHPDataset'
data_root = 'data/CIHP/'
input_size = (384, 512)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadPersonMap'),
    dict(type='BoxesToCrops', input_size=input_size),
    dict(type='RandomCropScale'),
    dict(type='RandomCropRotation'),
    dict(type='RandomCropFlip'),
    dict(type='WarpCrops'),
    dict(type='PackParsingInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadImageMaps'),
    dict(type='BoxesToCrops', input_size=input_size),
    dict(type='WarpCrops'),
    dict(type='PackParsingInputs'),
]

train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DrawSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/CIHP_train.json',
        data_prefix=dict(
            img='Training/Images', category='Training/Category_ids', human='Training/Human_ids'),
        on_invalid='skip',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/CIHP_val.json',
        data_prefix=dict(
            img='Validation/Images',
            category='Validation/Category_ids',
            human='Validation/Human_ids',
            instance='Validation/Instance_ids'),
        on_invalid='skip',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='MultiHumanParsingMetric')
test_evaluator = val_evaluator
