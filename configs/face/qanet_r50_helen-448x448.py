# QANet-R50 on Helen, 448x448: the released recipe with the classes of faces. Untrained here, and its numbers are not published.
_base_ = [
    '../_base_/models/qanet_r50.py',
    '../_base_/datasets/helen.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]

model = dict(parsing_head=dict(num_classes=11))
val_evaluator = test_evaluator = dict(groups='helen')
