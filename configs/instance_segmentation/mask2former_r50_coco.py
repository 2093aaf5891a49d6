# Mask2Former with the quality-aware module: not in the paper.
_base_ = 'mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py'

custom_imports = dict(imports=['mmqanet.registry'])
model = dict(panoptic_fusion_head=dict(type='mmqanet.QualityAwareMaskFormerFusionHead'))
