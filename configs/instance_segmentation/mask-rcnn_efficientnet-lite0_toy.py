# People and their parts on the embedded data set.
_base_ = [
    '../_base_/models/mask-rcnn_efficientnet-lite0.py',
    '../_base_/datasets/part_instances.py',
    '../_base_/segmentation_runtime.py',
]

max_epochs = 4
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, end=0.5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.5, end=max_epochs, eta_min_ratio=0.01, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
train_dataloader = dict(batch_size=4)
