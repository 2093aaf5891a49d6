# QANet-R101 on PASCAL-Person-Part, 512x384 (Table 5).
_base_ = [
    '../_base_/models/qanet_r101.py',
    '../_base_/datasets/pascal_person_part.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]

model = dict(parsing_head=dict(num_classes=7))
