# iBugMask-14 (docs/data/faces.md).
_base_ = './faces.py'

dataset_type = 'IBugMask14Dataset'
data_root = 'data/iBugMask-14/'
train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/iBugMask-14_train.json'))
# There is no validation split.
val_dataloader = test_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/iBugMask-14_test.json',
        data_prefix=dict(_delete_=True, img='Testing/Images', category='Testing/Category_ids'),
    ),
)
