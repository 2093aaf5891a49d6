# The last step of the person detector of the package: goes on from that of photos, at a lower rate and with three times the
# share of crowds, so that the boxes of people who touch others become as exact as before.
_base_ = './fcos_efficientnet-lite0_person_photos.py'

max_iters = 800
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            _base_.photos,
            dict(_base_.photos, ann_file='portraits_train.json', data_prefix=dict(img='portraits/')),
            dict(
                type='RepeatDataset',
                times=3,
                dataset=dict(_base_.photos, data_root='data/CCP_crowds/', ann_file='annotations/crowds_train.json',
                             data_prefix=dict(img='Training/Images/')),
            ),
        ],
    ))
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, by_epoch=False, end=80),
    dict(type='CosineAnnealingLR', begin=80, end=max_iters, eta_min_ratio=0.01, by_epoch=False),
]
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters)
