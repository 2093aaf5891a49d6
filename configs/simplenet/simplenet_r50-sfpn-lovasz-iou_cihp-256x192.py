# Table 3, fourth row: the fifth with small crops.
_base_ = './simplenet_r50-sfpn-lovasz-iou_cihp-512x384.py'

crop = dict(type='BoxesToCrops', input_size=(192, 256))
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load_person, crop, *_base_.augmentation, *_base_.pack]))
val_dataloader = test_dataloader = dict(dataset=dict(pipeline=[*_base_.load_image, crop, *_base_.pack]))
