# Parsing R-CNN with ResNet-50 and FPN (CVPR 2019).
#
# `arithmetic` 'modern' is mmdet's, for training. 'release' is that of the released code, for weights that were converted
# from it (docs/region_based.md).
deltas = dict(type='DeltaXYWHBBoxCoder', target_means=[0.0, 0.0, 0.0, 0.0])
nms = dict(type='nms', iou_threshold=0.7)
model = dict(
    type='ParsingRCNN',
    arithmetic='modern',
    data_preprocessor=dict(type='mmqanet.WholeImagePreprocessor'),
    backbone=dict(
        _scope_='mmdet',
        type='ResNet',
        depth=50,
        style='caffe',
        frozen_stages=1,
        norm_cfg=dict(type='BN', requires_grad=False),
        norm_eval=True,
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://detectron/resnet50_caffe'),
    ),
    neck=dict(_scope_='mmdet', type='FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=5),
    rpn_head=dict(
        _scope_='mmdet',
        type='RPNHead',
        in_channels=256,
        feat_channels=256,
        anchor_generator=dict(
            type='AnchorGenerator', scales=[8], ratios=[0.5, 1.0, 2.0], strides=[4, 8, 16, 32, 64]),
        bbox_coder=dict(deltas, target_stds=[1.0, 1.0, 1.0, 1.0]),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=1.0),
        loss_bbox=dict(type='SmoothL1Loss', beta=1 / 9, loss_weight=1.0),
    ),
    roi_head=dict(
        _scope_='mmdet',
        type='mmqanet.ParsingRoIHead',
        regions_per_image=16,
        bbox_roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
            out_channels=256,
            featmap_strides=[4, 8, 16, 32],
        ),
        bbox_head=dict(
            type='Shared2FCBBoxHead',
            in_channels=256,
            fc_out_channels=1024,
            roi_feat_size=7,
            num_classes=1,
            bbox_coder=dict(deltas, target_stds=[0.1, 0.1, 0.2, 0.2]),
            reg_class_agnostic=False,
            loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
            loss_bbox=dict(type='SmoothL1Loss', beta=1.0, loss_weight=1.0),
        ),
        # Proposal separation: people are parsed on the finest level alone, from regions of 32 × 32.
        mask_roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=32, sampling_ratio=2),
            out_channels=256,
            featmap_strides=[4],
        ),
        mask_head=dict(type='mmqanet.GeometricContextHead', in_channels=256, num_classes=20),
    ),
    train_cfg=dict(
        rpn=dict(
            assigner=dict(
                type='MaxIoUAssigner', pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=0.3, match_low_quality=True,
                ignore_iof_thr=-1),
            sampler=dict(type='RandomSampler', num=256, pos_fraction=0.5, neg_pos_ub=-1, add_gt_as_proposals=False),
            allowed_border=0,
            pos_weight=-1,
            debug=False,
        ),
        rpn_proposal=dict(nms_pre=2000, max_per_img=2000, max_per_batch=2000, nms=nms, min_bbox_size=-1),
        rcnn=dict(
            assigner=dict(
                type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0.5, match_low_quality=False,
                ignore_iof_thr=-1),
            sampler=dict(type='RandomSampler', num=512, pos_fraction=0.25, neg_pos_ub=-1, add_gt_as_proposals=True),
            pos_weight=-1,
            debug=False,
        ),
    ),
    test_cfg=dict(
        rpn=dict(nms_pre=1000, max_per_img=1000, nms=nms, min_bbox_size=-1),
        rcnn=dict(score_thr=0.05, nms=dict(type='nms', iou_threshold=0.5), max_per_img=100),
    ),
    postprocessor=dict(type='QualityAwarePostprocessor', quality_weights=(1.0, 0.0, 1.0), pixel_score_thr=0.2),
)
baseline_weights = (1.0, 0.0, 0.0)  # of tools/analysis_tools/ablate_quality.py: without the quality-aware module (Table 6)
