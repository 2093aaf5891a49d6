# FCOS R-50 trained on COCO, the person class alone: tools/model_converters/keep_person.py makes its weights out of mmdet's
# fcos_r50-caffe_fpn_gn-head_1x_coco. Tests and trains on COCO's people; for those of a parsing data set take its config.
_base_ = './fcos_r50_person_cihp.py'

data_root = 'data/coco/'
train_dataloader = dict(dataset=dict(
    data_root=data_root, ann_file='annotations/instances_train2017.json', data_prefix=dict(img='train2017/')))
val_dataloader = test_dataloader = dict(dataset=dict(
    data_root=data_root, ann_file='annotations/instances_val2017.json', data_prefix=dict(img='val2017/')))
