# Crops of 1024x768: what the code can do. With which crops, data and schedule the high-resolution challenge of 2021 was won is
# not published, and nobody has trained this config. It goes on from the network for 512x384: 20 epochs at a tenth of the
# paper's rate. A crop takes four times the memory, so a GPU has 8 of them, too few to measure the backbone's norms anew.
_base_ = '../qanet/qanet_hrnet-w48_lip.py'

max_epochs = 20
load_from = 'work_dirs/qanet_hrnet-w48_lip/epoch_140.pth'
model = dict(backbone=dict(norm_eval=True))
crop = dict(type='BoxesToCrops', input_size=(768, 1024))
train_dataloader = dict(
    batch_size=8, dataset=dict(pipeline=[*_base_.load_person, crop, *_base_.augmentation, *_base_.pack]))
val_dataloader = test_dataloader = dict(dataset=dict(pipeline=[*_base_.load_image, crop, *_base_.pack]))
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[12, 17], gamma=0.1)]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
