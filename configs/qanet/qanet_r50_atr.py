# QANet-R50 on ATR, 512x384. Not in the paper.
_base_ = [
    '../_base_/models/qanet_r50.py',
    '../_base_/datasets/atr.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]

model = dict(parsing_head=dict(num_classes=18))
