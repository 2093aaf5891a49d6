# The paper's detector, FCOS R-50, on the person boxes of CIHP.
_base_ = [
    '../_base_/models/fcos_r50.py',
    '../_base_/datasets/person_boxes.py',
    '../_base_/schedules/fcos_1x.py',
    '../_base_/detection_runtime.py',
]
