# QANet-R50 on VIP's annotated frames: the challenge's system of track 2 by its published parts. Which detector, networks and
# test-time techniques its ensemble had is not published (docs/data/vip.md).
_base_ = [
    '../_base_/models/qanet_r50.py',
    '../_base_/datasets/vip.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]
