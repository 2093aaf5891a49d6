# A config with another backbone says its channels:
#     neck=[dict(_base_.fpn, in_channels=[96, 192, 384, 768]), _base_.semantic_fpn]
norm_cfg = dict(type='BN')
fpn = dict(type='FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=4, norm_cfg=norm_cfg)
semantic_fpn = dict(type='SemanticFPN', in_channels=[256, 256, 256, 256], out_channels=256, norm_cfg=norm_cfg)
model = dict(
    type='QANet',
    data_preprocessor=dict(type='ParsingDataPreprocessor'),
    backbone=dict(
        type='ResNetV1c',
        depth=50,
        norm_cfg=norm_cfg,
        norm_eval=False,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c'),
    ),
    neck=[fpn, semantic_fpn],
    parsing_head=dict(
        type='ParsingHead',
        in_channels=256,
        num_classes=20,
        loss_ce=dict(type='PixelCrossEntropyLoss'),
        loss_lovasz=dict(type='LovaszSoftmaxLoss'),
    ),
    iou_head=dict(type='IoUHead', in_channels=256),
    postprocessor=dict(type='QualityAwarePostprocessor', quality_weights=(1.0, 0.5, 3.0), pixel_score_thr=0.2),
    flip_test=True,
)
