# ResNet-101-d, as in the release.
_base_ = './qanet_r50.py'

model = dict(
    backbone=dict(
        type='ResNetV1d', depth=101, init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet101_v1d')))
