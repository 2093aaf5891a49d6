# RP R-CNN with ResNet-50 (ECCV 2020): Parsing R-CNN with group norm, a semantic branch between FPN and proposals, and a
# re-scoring head.
_base_ = './parsing-rcnn_r50.py'

norm_cfg = dict(type='GN', num_groups=32, requires_grad=True)
model = dict(
    type='RPRCNN',
    neck=dict(norm_cfg=norm_cfg),
    semantic_head=dict(type='mmqanet.GlobalSemanticHead', in_channels=256, num_classes=20, norm_cfg=norm_cfg),
    # The fifth level ends in the semantic branch.
    rpn_head=dict(anchor_generator=dict(strides=[4, 8, 16, 32])),
    roi_head=dict(
        mask_head=dict(norm_cfg=norm_cfg),
        rescoring_head=dict(type='mmqanet.ParsingRescoringHead', in_channels=512, num_classes=20),
    ),
    postprocessor=dict(quality_weights=(3.0, 1.0, 1.0)),
)
baseline_weights = (1.0, 1.0, 0.0)  # of tools/analysis_tools/ablate_quality.py: without the quality-aware module (Table 6)
