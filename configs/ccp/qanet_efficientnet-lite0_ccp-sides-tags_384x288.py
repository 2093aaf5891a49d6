# The last step: besides, photos that have tags only, labelled by the step before (docs/shipped_models.md):
#     tools/dataset_converters/pseudo_labels.py clothing-co-parsing data/CCP_tagged --checkpoint work_dirs/sides_crowds/epoch_4.pth
_base_ = './qanet_efficientnet-lite0_ccp-sides-crowds_384x288.py'

load_from = 'work_dirs/sides_crowds/epoch_4.pth'
tagged = dict(_base_.photos, data_root='data/CCP_tagged/q0.7/', ann_file='annotations/CCP_tagged.json')
train_dataloader = dict(
    dataset=dict(datasets=[
        dict(type='RepeatDataset', dataset=_base_.photos, times=8),
        dict(type='RepeatDataset', dataset=_base_.portraits, times=3),
        _base_.crowds,
        dict(type='RepeatDataset', dataset=tagged, times=3),
    ]))
optim_wrapper = dict(optimizer=dict(lr=2e-4))
