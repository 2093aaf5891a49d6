# A light SOLOv2: EfficientNet-Lite0, an FPN of 64 channels, two convolutions a branch, size ranges for small pictures.
norm_cfg = dict(type='GN', num_groups=16, requires_grad=True)
model = dict(
    type='SOLOv2',
    data_preprocessor=dict(
        type='DetDataPreprocessor', mean=[127.0] * 3, std=[128.0] * 3, bgr_to_rgb=True, pad_mask=True, pad_size_divisor=32),
    backbone=dict(
        type='mmqanet.EfficientNetLite0',
        frozen_stages=1,
        norm_eval=True,
        channels_last=True,
        init_cfg=dict(type='Pretrained', checkpoint='data/pretrained/efficientnet_lite0.pth'),
    ),
    neck=dict(type='FPN', in_channels=[24, 40, 112, 320], out_channels=64, num_outs=5, norm_cfg=norm_cfg),
    mask_head=dict(
        type='mmqanet.QualityAwareSOLOV2Head',
        num_classes=20,
        in_channels=64,
        feat_channels=96,
        stacked_convs=2,
        strides=[8, 8, 16, 32, 32],
        scale_ranges=((1, 24), (12, 48), (24, 96), (48, 192), (96, 2048)),
        num_grids=[40, 36, 24, 16, 12],
        pos_scale=0.2,
        cls_down_index=0,
        norm_cfg=norm_cfg,
        mask_feature_head=dict(
            feat_channels=64, start_level=0, end_level=3, out_channels=64, mask_stride=4, norm_cfg=norm_cfg),
        loss_mask=dict(type='DiceLoss', use_sigmoid=True, loss_weight=3.0),
        loss_cls=dict(type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0),
    ),
    test_cfg=dict(
        nms_pre=500, score_thr=0.1, mask_thr=0.5, filter_thr=0.05, kernel='gaussian', sigma=2.0, max_per_img=100),
)
