# The embedded data set (tools/dataset_converters/draw_toy.py): CIHP's classes, 320x240 pictures, 96x128 crops.
_base_ = './prepared.py'

dataset_type = 'CIHPDataset'
data_root = 'data/toy/'
crop = dict(type='BoxesToCrops', input_size=(96, 128), padding=1.1)
augmentation = [dict(type='RandomCropFlip')]
train_dataloader = dict(
    num_workers=2,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/toy_train.json',
        on_invalid='error',
        pipeline=[*_base_.load_person, crop, *augmentation, *_base_.pack],
    ),
)
val_dataloader = test_dataloader = dict(
    num_workers=2,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/toy_val.json',
        on_invalid='error',
        pipeline=[*_base_.load_image, crop, *_base_.pack],
    ),
)
