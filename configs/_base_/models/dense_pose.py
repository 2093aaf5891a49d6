# What stands in the place of the parsing heads; backbone and neck are those of a parser:
#     model = dict(_delete_=True, backbone=_base_.model.backbone, neck=_base_.model.neck, **_base_.dense_pose)
dense_pose = dict(
    type='DensePoseParser',
    uv_head=dict(type='UVHead', in_channels=256),
    postprocessor=dict(type='DensePosePostprocessor', quality_weights=(1.0, 0.0, 1.0), pixel_score_thr=0.2),
)
