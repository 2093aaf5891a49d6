# iBugMask (docs/data/faces.md).
_base_ = './faces.py'

dataset_type = 'IBugMaskDataset'
data_root = 'data/iBugMask/'
train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/iBugMask_train.json'))
# There is no validation split.
val_dataloader = test_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/iBugMask_test.json',
        data_prefix=dict(_delete_=True, img='Testing/Images', category='Testing/Category_ids'),
    ),
)
