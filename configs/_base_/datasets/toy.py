# The embedded data set (tools/dataset_converters/draw_toy.py): CIHP's classes, 320x240 pictures, 96x128 crops.
_base_ = './cihp.py'

data_root = 'data/toy/'
input_size = (96, 128)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadPersonMap'),
    dict(type='BoxesToCrops', input_size=input_size, padding=1.1),
    dict(type='RandomCropFlip'),
    dict(type='WarpCrops'),
    dict(type='PackParsingInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadImageMaps'),
    dict(type='BoxesToCrops', input_size=input_size, padding=1.1),
    dict(type='WarpCrops'),
    dict(type='PackParsingInputs'),
]
train_dataloader = dict(
    num_workers=2,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/toy_train.json',
        on_invalid='error',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=2,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/toy_val.json',
        on_invalid='error',
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
