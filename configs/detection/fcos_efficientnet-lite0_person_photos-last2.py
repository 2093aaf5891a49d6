# Once more, shorter and with still more crowds; goes on from the average of the step before and the detector of crowds.
_base_ = './fcos_efficientnet-lite0_person_photos-last.py'

max_iters = 400
photos, portraits, crowds = _base_.train_dataloader.dataset.datasets
train_dataloader = dict(dataset=dict(datasets=[photos, portraits, dict(crowds, times=8)]))
optim_wrapper = dict(optimizer=dict(lr=4e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, by_epoch=False, end=40),
    dict(type='CosineAnnealingLR', begin=40, end=max_iters, eta_min_ratio=0.01, by_epoch=False),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
