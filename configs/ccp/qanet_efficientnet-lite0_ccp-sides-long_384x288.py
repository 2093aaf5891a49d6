# The longest step: goes on from the average of the first network with sides and that of the step before
# (docs/shipped_models.md):
#     tools/model_converters/average_checkpoints.py data/pretrained/parser_sides.pth work_dirs/sides_tags/epoch_3.pth \
#         work_dirs/sides_tags/average.pth --share 0.7
_base_ = './qanet_efficientnet-lite0_ccp-sides-tags_384x288.py'

max_epochs = 9
load_from = 'work_dirs/sides_tags/average.pth'
optim_wrapper = dict(optimizer=dict(lr=4e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, end=0.3, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.3, end=max_epochs, eta_min_ratio=0.02, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
