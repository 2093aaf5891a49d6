# QANet-HRNet-W48 on MHP-v2, 512x384 (Table 5).
_base_ = [
    '../_base_/models/qanet_hrnet-w48.py',
    '../_base_/datasets/mhp_v2.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]

model = dict(parsing_head=dict(num_classes=59))
