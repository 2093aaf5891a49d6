# People and their parts on the embedded data set.
_base_ = [
    '../_base_/models/mask-rcnn_efficientnet-lite0.py',
    '../_base_/datasets/part_instances.py',
    '../_base_/segmentation_runtime.py',
]
