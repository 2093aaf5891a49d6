# QANet-R101 on LIP, 512x384, as in the release. Not in the paper.
_base_ = [
    '../_base_/models/qanet_r101.py',
    '../_base_/datasets/lip.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]
