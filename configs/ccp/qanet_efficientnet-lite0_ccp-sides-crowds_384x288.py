# The second step: crowds besides, and portraits of which somebody looked who wears glasses (docs/shipped_models.md).
_base_ = './qanet_efficientnet-lite0_ccp-sides_384x288.py'

max_epochs = 4
load_from = 'work_dirs/sides/epoch_2.pth'
crowds = dict(_base_.whole, data_root='data/CCP_sides_crowds/', ann_file='annotations/crowds_train.json')
portraits = dict(_base_.portraits, data_root='data/portraits_glasses/')
train_dataloader = dict(
    dataset=dict(datasets=[
        dict(type='RepeatDataset', dataset=_base_.photos, times=8),
        dict(type='RepeatDataset', dataset=portraits, times=3),
        crowds,
    ]))
optim_wrapper = dict(optimizer=dict(lr=3e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, end=0.3, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.3, end=max_epochs, eta_min_ratio=0.02, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
