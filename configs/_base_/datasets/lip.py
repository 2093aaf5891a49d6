# LIP (docs/datasets.md).
_base_ = './single_person.py'

dataset_type = 'LIPDataset'
data_root = 'data/LIP/'
train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/LIP_train.json'))
val_dataloader = test_dataloader = dict(
    dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/LIP_val.json'))
