# SimpleNet on PASCAL-Person-Part, 256x192, as in the release. Not in the paper.
_base_ = [
    '../_base_/models/simplenet_r50.py',
    '../_base_/datasets/pascal_person_part.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]

model = dict(parsing_head=dict(num_classes=7))
crop = dict(type='BoxesToCrops', input_size=(192, 256))
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load_person, crop, *_base_.augmentation, *_base_.pack]))
val_dataloader = test_dataloader = dict(dataset=dict(pipeline=[*_base_.load_image, crop, *_base_.pack]))
