# QANet-HRNet-W48 on LIP, 512x384 (Table 4, where it is tested at several scales: --tta).
_base_ = [
    '../_base_/models/qanet_hrnet-w48.py',
    '../_base_/datasets/lip.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]
