# What every data set has in common: the folders of the prepared layout (docs/datasets.md), its loaders, and 384x512 crops.
#
# A pipeline is loading, crop, augmentation (in training) and packing. For crops of another size a config composes it anew:
#     crop = dict(type='BoxesToCrops', input_size=(192, 256))
#     train_dataloader = dict(dataset=dict(pipeline=[*_base_.load_person, crop, *_base_.augmentation, *_base_.pack]))
#     val_dataloader = test_dataloader = dict(dataset=dict(pipeline=[*_base_.load_image, crop, *_base_.pack]))
load_person = [dict(type='LoadImage', keep_mib=1024), dict(type='LoadPersonMap')]
load_image = [dict(type='LoadImage'), dict(type='LoadImageMaps')]
crop = dict(type='BoxesToCrops', input_size=(384, 512))
augmentation = [dict(type='RandomCropScale'), dict(type='RandomCropRotation'), dict(type='RandomCropFlip')]
pack = [dict(type='WarpCrops'), dict(type='PackParsingInputs')]

train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='SeededSampler', shuffle=True),
    dataset=dict(
        data_prefix=dict(
            img='Training/Images', category='Training/Category_ids', human='Training/Human_ids'),
        on_invalid='skip',
        pipeline=[*load_person, crop, *augmentation, *pack],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        data_prefix=dict(
            img='Validation/Images',
            category='Validation/Category_ids',
            human='Validation/Human_ids',
            instance='Validation/Instance_ids'),
        on_invalid='skip',
        test_mode=True,
        pipeline=[*load_image, crop, *pack],
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='MultiHumanParsingMetric')
test_evaluator = val_evaluator
