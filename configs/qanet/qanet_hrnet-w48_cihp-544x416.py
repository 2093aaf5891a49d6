# QANet-HRNet-W48 on CIHP with larger crops and a wider semantic FPN, as in the release. Not in the paper.
_base_ = './qanet_hrnet-w48_cihp.py'

model = dict(neck=dict(out_channels=384), parsing_head=dict(in_channels=384), iou_head=dict(in_channels=384))
crop = dict(type='BoxesToCrops', input_size=(416, 544))
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load_person, crop, *_base_.augmentation, *_base_.pack]))
val_dataloader = test_dataloader = dict(dataset=dict(pipeline=[*_base_.load_image, crop, *_base_.pack]))
