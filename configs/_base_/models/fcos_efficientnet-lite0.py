# A light FCOS: EfficientNet-Lite0, an FPN of 96 channels on strides 8-32, a head of two convolutions.
norm_cfg = dict(type='GN', num_groups=16, requires_grad=True)
model = dict(
    type='FCOS',
    data_preprocessor=dict(
        type='DetDataPreprocessor', mean=[127.0] * 3, std=[128.0] * 3, bgr_to_rgb=True, pad_size_divisor=32),
    backbone=dict(
        type='mmqanet.EfficientNetLite0',
        out_indices=(1, 2, 3),
        frozen_stages=1,
        norm_eval=True,
        channels_last=True,
        init_cfg=dict(type='Pretrained', checkpoint='data/pretrained/efficientnet_lite0.pth'),
    ),
    neck=dict(
        type='FPN',
        in_channels=[40, 112, 320],
        out_channels=96,
        num_outs=3,
        norm_cfg=norm_cfg,
    ),
    bbox_head=dict(
        type='FCOSHead',
        num_classes=1,
        in_channels=96,
        feat_channels=96,
        stacked_convs=2,
        norm_cfg=norm_cfg,
        strides=[8, 16, 32],
        # Finer levels for a size than mmdet's: a box errs by a share of its stride, and people in photos are large.
        regress_ranges=((-1, 64), (64, 256), (256, 1e8)),
        center_sampling=True,
        norm_on_bbox=True,
        centerness_on_reg=True,
        loss_bbox=dict(type='GIoULoss', loss_weight=2.0),
        # Boxes start with an extent of three strides to each side, not with none: GIoU has a direction from the first step.
        init_cfg=dict(
            type='Normal',
            layer='Conv2d',
            std=0.01,
            override=[
                dict(type='Normal', name='conv_cls', std=0.01, bias_prob=0.01),
                dict(type='Normal', name='conv_reg', std=0.01, bias=3.0),
            ],
        ),
    ),
    test_cfg=dict(
        nms_pre=300, min_bbox_size=0, score_thr=0.05, nms=dict(type='nms', iou_threshold=0.6), max_per_img=100),
)
