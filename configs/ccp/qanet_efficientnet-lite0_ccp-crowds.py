# The parser that mmqanet ships, first step: photos and the crowds composed from them (docs/datasets.md), 256x192, colour
# jitter, averaged weights. An epoch sees every photo three times and everybody of the crowds once.
_base_ = './qanet_efficientnet-lite0_ccp.py'

max_epochs = 6
# Classes are weighted by the root of 3 % over their share of the pixels, within 0.4 and 5: else the rare ones, hat, scarf,
# belt, stay unlearnt.
class_weight = [0.4, 1.6, 5.0, 5.0, 0.9, 0.8, 1.0, 0.9, 3.6, 1.8, 2.6, 1.7, 1.5, 3.9, 5.0, 4.8, 1.0]
model = dict(
    backbone=dict(frozen_stages=1),  # its largest maps: a quarter of the time saved on a CPU
    parsing_head=dict(loss_ce=dict(type='PixelCrossEntropyLoss', class_weight=class_weight)),
    postprocessor=dict(min_region=5e-4))  # costs a glove or a far shoe, but most of what is so small is wrong
crop = dict(type='BoxesToCrops', input_size=(192, 256), padding=1.15)  # less than the paper's 1.25: the crop is small
augmentation = [
    dict(type='RandomCropScale', std=0.2, low=0.75, high=1.25),
    *_base_.augmentation[1:],
]
colour = dict(type='TransformCrops', transforms=[dict(type='mmseg.PhotoMetricDistortion', hue_delta=9)])
photos = dict(
    _base_.train_dataloader.dataset,
    pipeline=[*_base_.load_person, crop, *augmentation, _base_.pack[0], colour, _base_.pack[1]])
crowds = dict(photos, data_root='data/CCP_crowds/', ann_file='annotations/crowds_train.json')
train_dataloader = dict(
    num_workers=1,
    dataset=dict(
        _delete_=True, type='ConcatDataset', datasets=[dict(type='RepeatDataset', dataset=photos, times=3), crowds]))
val_dataloader = test_dataloader = dict(dataset=dict(pipeline=[*_base_.load_image, crop, *_base_.pack]))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, end=0.5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.5, end=max_epochs, eta_min_ratio=0.005, convert_to_iter_based=True),
]
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.001, gamma=100, update_buffers=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
