# iBugMask-14 (docs/data/faces.md): the same splits under other labels.
_base_ = './ibugmask.py'

dataset_type = 'IBugMask14Dataset'
data_root = 'data/iBugMask-14/'
train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/iBugMask-14_train.json'))
val_dataloader = test_dataloader = dict(
    dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/iBugMask-14_test.json'))
