# VIP, annotated frames of videos (docs/data/vip.md).
_base_ = './prepared.py'

dataset_type = 'VIPDataset'
data_root = 'data/VIP/'
train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/VIP_train.json'))
val_dataloader = test_dataloader = dict(
    dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/VIP_val.json'))
val_evaluator = test_evaluator = dict(metrics=('mIoU', 'APr', 'APh'))
