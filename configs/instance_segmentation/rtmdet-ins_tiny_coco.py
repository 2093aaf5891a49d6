# RTMDet-Ins with the quality-aware module: not in the paper.
_base_ = 'mmdet::rtmdet/rtmdet-ins_tiny_8xb32-300e_coco.py'

custom_imports = dict(imports=['mmqanet.registry'])
model = dict(bbox_head=dict(type='mmqanet.QualityAwareRTMDetInsSepBNHead'))
