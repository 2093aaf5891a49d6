# MHP-v2 for parsers that read whole images. The paper reports no AP^r on it.
_base_ = './cihp_images.py'

dataset_type = 'MHPv2Dataset'
data_root = 'data/MHP-v2/'
train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/MHP-v2_train.json'))
val_dataloader = test_dataloader = dict(
    dataset=dict(type=dataset_type, data_root=data_root, ann_file='annotations/MHP-v2_val.json'))
val_evaluator = test_evaluator = dict(metrics=('mIoU', 'APp', 'PCP'))
