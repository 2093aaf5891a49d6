# Table 7 of the paper: Mask R-CNN with the quality-aware module; mmdet's own config and checkpoints.
_base_ = 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'

custom_imports = dict(imports=['mmqanet.registry'])
model = dict(roi_head=dict(mask_head=dict(type='mmqanet.QualityAwareFCNMaskHead')))
