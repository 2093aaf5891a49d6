# CelebAMask-HQ (docs/data/faces.md).
_base_ = './faces.py'

dataset_type = 'CelebAMaskHQDataset'
data_root = 'data/CelebAMask-HQ/'
train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/CelebAMask-HQ_train.json'))
val_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/CelebAMask-HQ_val.json'))
test_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/CelebAMask-HQ_test.json'))
