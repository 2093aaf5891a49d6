# QANet-R50 on CIHP, 512x384: the paper's main configuration (Tables 1, 2, 3 and 5).
_base_ = [
    '../_base_/models/qanet_r50.py',
    '../_base_/datasets/cihp.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]
