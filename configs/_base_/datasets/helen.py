# Helen (docs/data/faces.md).
_base_ = './faces.py'

dataset_type = 'HelenDataset'
data_root = 'data/Helen/'
train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/Helen_train.json'))
val_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/Helen_val.json'))
test_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/Helen_test.json'))
