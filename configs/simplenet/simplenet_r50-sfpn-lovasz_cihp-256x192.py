# Table 3, third row: the fourth without IoU head; people are ranked by box score.
_base_ = './simplenet_r50-sfpn-lovasz-iou_cihp-256x192.py'

model = dict(iou_head=None, postprocessor=dict(quality_weights=(1.0, 0.0, 0.0)))
