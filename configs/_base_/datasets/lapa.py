# LaPa (docs/data/faces.md).
_base_ = './faces.py'

dataset_type = 'LaPaDataset'
data_root = 'data/LaPa/'
train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/LaPa_train.json'))
val_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/LaPa_val.json'))
test_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/LaPa_test.json'))
