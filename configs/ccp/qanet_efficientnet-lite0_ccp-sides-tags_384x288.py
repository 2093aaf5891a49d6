# The last step: besides, photos that have tags only, labelled by the step before (docs/shipped_models.md):
#     tools/dataset_converters/pseudo_labels.py clothing-co-parsing data/CCP_tagged \
#         --checkpoint work_dirs/sides_crowds/epoch_4.pth
_base_ = './qanet_efficientnet-lite0_ccp-sides-crowds_384x288.py'

max_epochs = 3
load_from = 'work_dirs/sides_crowds/epoch_4.pth'
labelled = [
    dict(type='RepeatDataset', dataset=_base_.photos, times=8),
    dict(type='RepeatDataset', dataset=_base_.portraits, times=3),
    _base_.crowds,
]
tagged = dict(_base_.photos, data_root='data/CCP_tagged/q0.6/', ann_file='annotations/CCP_tagged.json')
train_dataloader = dict(dataset=dict(datasets=[*labelled, dict(type='RepeatDataset', dataset=tagged, times=4)]))
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, end=0.2, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.2, end=max_epochs, eta_min_ratio=0.02, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
