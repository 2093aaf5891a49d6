# Table 7 of the paper: SOLOv2 with the quality-aware module; mmdet's own config and checkpoints.
_base_ = 'mmdet::solov2/solov2_r50_fpn_1x_coco.py'

custom_imports = dict(imports=['mmqanet.registry'])
model = dict(mask_head=dict(type='mmqanet.QualityAwareSOLOV2Head'))
