# Dense pose by QANet-R101.
_base_ = './qanet_r50_densepose-coco.py'

model = dict(backbone=dict(type='ResNetV1d', depth=101, init_cfg=dict(checkpoint='open-mmlab://resnet101_v1d')))
