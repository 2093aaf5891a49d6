# CIHP (docs/datasets.md).
_base_ = './prepared.py'

dataset_type = 'CIHPDataset'
data_root = 'data/CIHP/'
train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/CIHP_train.json'))
val_dataloader = test_dataloader = dict(
    dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/CIHP_val.json'))
