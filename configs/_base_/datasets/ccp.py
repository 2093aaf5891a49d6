# Clothing Co-Parsing with 16 merged classes (tools/dataset_converters/ccp.py), one person a photo, 192x256 crops.
_base_ = './cihp.py'

dataset_type = 'CCPMergedDataset'
data_root = 'data/CCP/'
input_size = (192, 256)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadPersonMap'),
    dict(type='BoxesToCrops', input_size=input_size),
    dict(type='RandomCropScale'),
    dict(type='RandomCropRotation', std=15, limit=40, prob=0.5),
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
    batch_size=16,
    num_workers=2,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/CCP_train.json',
        on_invalid='error',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=2,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/CCP_val.json',
        on_invalid='error',
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
