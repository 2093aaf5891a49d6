# Table 3, fifth row: QANet-R50 without the quality-aware module; people are ranked by box and IoU score.
_base_ = '../qanet/qanet_r50_cihp.py'

model = dict(postprocessor=dict(quality_weights=(1.0, 1.0, 0.0)))
