# ATR (docs/datasets.md).
_base_ = './single_person.py'

dataset_type = 'ATRDataset'
data_root = 'data/ATR/'
train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/ATR_train.json'))
val_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/ATR_val.json'))
test_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/ATR_test.json',
        data_prefix=dict(img='Testing/Images', category='Testing/Category_ids'),
    ))
