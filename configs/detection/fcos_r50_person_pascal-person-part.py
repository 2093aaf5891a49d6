# FCOS R-50 on the person boxes of PASCAL-Person-Part.
_base_ = './fcos_r50_person_cihp.py'

data_root = 'data/PASCAL-Person-Part/'
train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='annotations/PASCAL-Person-Part_train.json'))
val_dataloader = test_dataloader = dict(dataset=dict(
    data_root=data_root, ann_file='annotations/PASCAL-Person-Part_val.json', data_prefix=dict(img='Testing/Images/')))
