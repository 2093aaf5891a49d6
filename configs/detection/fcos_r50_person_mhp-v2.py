# FCOS R-50 on the person boxes of MHP-v2.
_base_ = './fcos_r50_person_cihp.py'

data_root = 'data/MHP-v2/'
train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='annotations/MHP-v2_train.json'))
val_dataloader = test_dataloader = dict(dataset=dict(data_root=data_root, ann_file='annotations/MHP-v2_val.json'))
