# The light detector on the embedded data set.
_base_ = './fcos_efficientnet-lite0_person_crowds.py'

data_root = 'data/toy/'
max_epochs = 4
train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='annotations/toy_train.json'))
val_dataloader = test_dataloader = dict(dataset=dict(data_root=data_root, ann_file='annotations/toy_val.json'))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, end=0.3, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.3, end=max_epochs, eta_min_ratio=0.01, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs)
