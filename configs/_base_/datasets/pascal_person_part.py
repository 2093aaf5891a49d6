# PASCAL-Person-Part (docs/datasets.md): tested on its testing photos, as there is no validation split.
_base_ = './prepared.py'

dataset_type = 'PascalPersonPartDataset'
data_root = 'data/PASCAL-Person-Part/'
train_dataloader = dict(
    dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/PASCAL-Person-Part_train.json'))
val_dataloader = test_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/PASCAL-Person-Part_test.json',
        data_prefix=dict(
            img='Testing/Images',
            category='Testing/Category_ids',
            human='Testing/Human_ids',
            instance='Testing/Instance_ids'),
    ))
