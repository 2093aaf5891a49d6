# Table 7 of the paper: Mask R-CNN with the quality-aware module on LVIS v1. Testing needs the package lvis.
_base_ = 'mmdet::lvis/mask-rcnn_r50_fpn_sample1e-3_ms-1x_lvis-v1.py'

custom_imports = dict(imports=['mmqanet.registry'])
model = dict(roi_head=dict(mask_head=dict(type='mmqanet.QualityAwareFCNMaskHead')))
