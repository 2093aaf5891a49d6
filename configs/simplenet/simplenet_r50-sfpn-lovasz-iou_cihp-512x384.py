# Table 3, fifth row: QANet-R50 without the quality-aware module; people are ranked by box and IoU score, as in the paper's
# table. The release ranks by box score alone, (1, 0, 0).
_base_ = '../qanet/qanet_r50_cihp.py'

model = dict(postprocessor=dict(quality_weights=(1.0, 1.0, 0.0)))
