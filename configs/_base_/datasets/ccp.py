# Clothing Co-Parsing with 16 merged classes (tools/dataset_converters/ccp.py), one person a photo, 192x256 crops.
_base_ = './prepared.py'

dataset_type = 'CCPMergedDataset'
data_root = 'data/CCP/'
crop = dict(type='BoxesToCrops', input_size=(192, 256))
augmentation = [
    dict(type='RandomCropScale'),
    dict(type='RandomCropRotation', std=15, limit=40, prob=0.5),
    dict(type='RandomCropFlip'),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/CCP_train.json',
        on_invalid='error',
        pipeline=[*_base_.load_person, crop, *augmentation, *_base_.pack],
    ),
)
val_dataloader = test_dataloader = dict(
    num_workers=2,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/CCP_val.json',
        on_invalid='error',
        pipeline=[*_base_.load_image, crop, *_base_.pack],
    ),
)
