# Left and right, face and limbs; photos, closer and cut off, and portraits with partial labels (docs/shipped_models.md). All
# classes count alike: the parser of the merged classes, which it goes on from with its classes split, knows the rare ones.
#     tools/model_converters/split_classes.py work_dirs/parser_384x288/epoch_3.pth data/pretrained/parser_sides.pth
_base_ = './qanet_efficientnet-lite0_ccp-crowds_384x288.py'

max_epochs = 2
load_from = 'data/pretrained/parser_sides.pth'
label_sets = [  # the partial labels of CCPSidesDataset: clothing, skin, face or eyewear, either shoe
    [2, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16],
    [17, 18, 19, 20, 21, 22],
    [17, 3],
    [11, 12],
]
model = dict(parsing_head=dict(
    num_classes=23,
    loss_stride=2,
    loss_ce=dict(type='PartialCrossEntropyLoss', label_sets=label_sets, partial_weight=0.5, class_weight=None)))

close_up = dict(type='RandomCloseUp', stretches=[
    dict(top=(0, 0), bottom=(0.15, 0.35), prob=0.2),  # head and shoulders
    dict(top=(0, 0), bottom=(0.4, 0.8), prob=0.15),
    dict(top=(0.2, 0.6), bottom=(0.8, 1), prob=0.05),
])
box_shift = dict(type='RandomBoxShift', std=0.04)
colour = dict(type='TransformCrops', transforms=[
    dict(type='mmseg.PhotoMetricDistortion', brightness_delta=40, contrast_range=(0.5, 1.5), saturation_range=(0.3, 1.7),
         hue_delta=9),
    dict(type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.299)),
    dict(type='RandomBlur', prob=0.3),
])
finish = [_base_.crop, *_base_.augmentation, _base_.pack[0], colour, _base_.pack[1]]
dataset = dict(_base_.photos, type='CCPSidesDataset')
photos = dict(dataset, data_root='data/CCP_sides/', pipeline=[*_base_.load_person, close_up, box_shift, *finish])
whole = dict(photos, pipeline=[*_base_.load_person, box_shift, *finish])
portraits = dict(whole, data_root='data/portraits/', ann_file='annotations/portraits_train.json')
train_dataloader = dict(
    batch_size=12,
    sampler=dict(samples_per_epoch=1200),
    dataset=dict(datasets=[dict(type='RepeatDataset', dataset=photos, times=5),
                           dict(type='RepeatDataset', dataset=portraits, times=2)]))
val_dataloader = test_dataloader = dict(dataset=dict(type='CCPSidesDataset', data_root='data/CCP_sides/'))
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, end=0.5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.5, end=max_epochs, eta_min_ratio=0.02, convert_to_iter_based=True),
]
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.001, gamma=10, update_buffers=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
