# People and their parts on the embedded data set.
_base_ = [
    '../_base_/models/mask-rcnn_efficientnet-lite0.py',
    '../_base_/datasets/part_instances.py',
    '../_base_/segmentation_runtime.py',
]

max_epochs = 4
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=max_epochs)]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
train_dataloader = dict(batch_size=4)
