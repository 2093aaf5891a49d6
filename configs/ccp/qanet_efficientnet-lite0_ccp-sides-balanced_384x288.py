# The last and longest step: rare garments are drawn more often, and the photos that have tags only are labelled anew by the
# step before (docs/shipped_models.md):
#     tools/dataset_converters/pseudo_labels.py clothing-co-parsing data/CCP_tagged_again \
#         --checkpoint work_dirs/sides_long/average.pth --quality-thr 0.6
_base_ = './qanet_efficientnet-lite0_ccp-sides-tags_384x288.py'

max_epochs = 20
load_from = 'work_dirs/sides_long/epoch_9.pth'
photos = dict(type='ClassBalancedDataset', oversample_thr=0.2, dataset=_base_.photos)
tagged = dict(
    type='ClassBalancedDataset', oversample_thr=0.2, dataset=dict(_base_.tagged, data_root='data/CCP_tagged_again/q0.6/'))
train_dataloader = dict(
    dataset=dict(datasets=[
        dict(type='RepeatDataset', dataset=photos, times=8),
        dict(type='RepeatDataset', dataset=_base_.portraits, times=3),
        _base_.crowds,
        dict(type='RepeatDataset', dataset=tagged, times=4),
    ]))
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, end=0.5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.5, end=max_epochs, eta_min_ratio=0.02, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
