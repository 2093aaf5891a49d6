# QANet-R101 on CIHP, 512x384 (Table 5).
_base_ = [
    '../_base_/models/qanet_r101.py',
    '../_base_/datasets/cihp.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]
