# SimpleNet: transposed convolutions behind ResNet-50-c, cross-entropy alone, no IoU head; people are ranked by box score.
_base_ = './qanet_r50.py'

model = dict(
    neck=dict(_delete_=True, type='DeconvNeck', in_channels=2048),
    parsing_head=dict(loss_lovasz=None),
    iou_head=None,
    postprocessor=dict(quality_weights=(1.0, 0.0, 0.0)),
)
