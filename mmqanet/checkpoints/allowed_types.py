"""What the config inside a checkpoint may build: the types, by where a config names them and by the package they are of.

Whoever hands a checkpoint on writes its config, so a name that stands here is a constructor that strangers may call, with
any numbers, and with words out of :data:`WORDS`. Each was read (onedl-mmdetection 3.5, onedl-mmsegmentation 1.4, onedl-mmcv
2.3): none opens a file, evaluates a string, imports, loads weights or starts a process when it is built or run, given
arguments that :mod:`mmqanet.checkpoints.stored_config` lets pass. tests/checkpoints/test_allowed_types.py looks for the
usual ways of doing so in their sources, and fails where a new version of a package brings one.

To let a checkpoint build one type more: read its constructor and those of what it inherits from, add its name, run that
test. Not on the list and not to be: mmseg's losses (``class_weight`` names a file that is unpickled), ``VPD``,
``TIMMBackbone``, ``CLIPTextEncoder`` and ``BertModel`` (load weights), mmdet's trackers (evaluate strings), its distillation
and ``Detectron2Wrapper`` (read configs), transforms that read files.
"""
import inspect

from mmqanet.registry import DATASETS, MODELS, TRANSFORMS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Of mmengine and mmcv, in every package by the same plain name.
LAYERS = _words("""
    BN BN1d BN2d BN3d SyncBN MMSyncBN GN LN IN IN2d
    ReLU ReLU6 LeakyReLU PReLU RReLU ELU GELU SiLU Sigmoid Tanh Swish HSwish HSigmoid Clamp Clip
    Conv Conv2d ConvWS ConvAWS Conv2dAdaptivePadding DCN DCNv2 SAC
    zero reflect replicate nearest bilinear deconv pixel_shuffle carafe
    ContextBlock GeneralizedAttention NonLocal2d DropPath Dropout
""")

MMSEG_MODELS = _words("""
    BEiT BiSeNetV1 BiSeNetV2 CGNet DDRNet ERFNet FastSCNN HRNet MAE MSCAN MixVisionTransformer MobileNetV2 MobileNetV3 PCPVT
    PIDNet ResNeSt ResNeXt ResNet ResNetV1c ResNetV1d STDCNet SVT SwinTransformer UNet VisionTransformer
    FPN Feature2Pyramid JPU MLANeck MultiLevelNeck
""")

MMDET_MODELS = _words("""
    FCOS ATSS GFL RetinaNet RTMDet TOOD VFNet YOLOX SingleStageDetector
    RPN FasterRCNN MaskRCNN CascadeRCNN MaskScoringRCNN PointRend TwoStageDetector CondInst
    SOLO SOLOv2 YOLACT
    DetDataPreprocessor
    CSPDarknet CSPNeXt HRNet MobileNetV2 PyramidVisionTransformer PyramidVisionTransformerV2 RegNet Res2Net ResNeSt ResNeXt
    ResNet ResNetV1d SwinTransformer
    BFP ChannelMapper CSPNeXtPAFPN DyHead FPN HRFPN PAFPN YOLOXPAFPN
    AnchorFreeHead AnchorHead ATSSHead CondInstBboxHead CondInstMaskHead FCOSHead GFLHead RetinaHead RetinaSepBNHead RPNHead
    RTMDetHead RTMDetInsHead RTMDetInsSepBNHead RTMDetSepBNHead TOODHead VFNetHead YOLOXHead
    DecoupledSOLOHead DecoupledSOLOLightHead SOLOHead SOLOV2Head YOLACTHead YOLACTProtonet
    StandardRoIHead CascadeRoIHead MaskScoringRoIHead PointRendRoIHead SingleRoIExtractor GenericRoIExtractor
    BBoxHead ConvFCBBoxHead DoubleConvFCBBoxHead Shared2FCBBoxHead Shared4Conv1FCBBoxHead
    FCNMaskHead CoarseMaskHead HTCMaskHead MaskIoUHead MaskPointHead
    BalancedL1Loss BoundedIoULoss CIoULoss CrossEntropyLoss DiceLoss DIoULoss DistributionFocalLoss EIoULoss FocalLoss
    GIoULoss IoULoss L1Loss MSELoss QualityFocalLoss SmoothL1Loss VarifocalLoss
    FrozenBN Linear NormedLinear NormedConv2d DropBlock
""")

#: What keys of a model's config build out of mmdet's registry of small parts.
MMDET_PARTS = _words("""
    AnchorGenerator SSDAnchorGenerator MlvlPointGenerator PointGenerator
    DeltaXYWHBBoxCoder DistancePointBBoxCoder PseudoBBoxCoder TBLRBBoxCoder
""")
PART_KEYS = frozenset({'anchor_generator', 'prior_generator', 'point_generator', 'bbox_coder'})

#: mmcv's operators, which these keys name; mmcv *evaluates* the name of a suppression.
OPERATORS = dict(nms={'nms', 'soft_nms'}, roi_layer={
    'RoIAlign', 'RoIPool', 'SimpleRoIAlign', 'DeformRoIPoolPack', 'ModulatedDeformRoIPoolPack'})

#: By the package whose plain names a config uses; mmqanet's parts are added by :func:`is_own`.
MODELS_OF = dict(mmqanet=LAYERS | MMSEG_MODELS, mmseg=LAYERS | MMSEG_MODELS, mmdet=LAYERS | MMDET_MODELS)

MMCV_TRANSFORMS = frozenset({'Resize', 'Pad', 'Normalize', 'CenterCrop', 'RandomFlip'})
MMSEG_TRANSFORMS = frozenset({'RandomFlip', 'Resize', 'ResizeShortestEdge', 'ResizeToMultiple'})
MMDET_TRANSFORMS = frozenset({
    'RandomFlip', 'Resize', 'Pad', 'FixShapeResize', 'FixScaleResize', 'ResizeShortestEdge', 'PackDetInputs'})
TRANSFORMS_OF = dict(mmqanet=MMCV_TRANSFORMS | MMSEG_TRANSFORMS, mmseg=MMCV_TRANSFORMS | MMSEG_TRANSFORMS,
                     mmdet=MMCV_TRANSFORMS | MMDET_TRANSFORMS)

#: Data sets are looked up for their classes, never built.
MMDET_DATASETS = _words("""
    BaseDetDataset CityscapesDataset CocoCaptionDataset CocoDataset CocoPanopticDataset CrowdHumanDataset LVISDataset
    LVISV05Dataset LVISV1Dataset Objects365V1Dataset Objects365V2Dataset OpenImagesDataset VOCDataset WIDERFaceDataset
    ConcatDataset RepeatDataset ClassBalancedDataset
""")

#: Every text that an argument may be; none of them is the name of a file that anything would open.
WORDS = _words("""
    pytorch caffe cv2 pillow color backend
    nearest bilinear bicubic area lanczos constant edge reflect symmetric replicate zeros circular zero same
    corner valid auto
    on_input on_lateral on_output
    BOTTLENECK BASIC
    tiny small base large xlarge b0 b1 b2 b3 b4 b5 P5 P6
    regnetx_400mf regnetx_800mf regnetx_1.6gf regnetx_3.2gf regnetx_4.0gf regnetx_6.4gf regnetx_8.0gf regnetx_12gf
    deit-tiny deit-small deit-base vit-base vit-large STDCNet1 STDCNet2
    sum mean none max avg add concat min linear square log exp
    iou iof giou diou ciou l1 smooth_l1 sigmoid softmax
    conv act norm non_local anchor_free anchor_based
    dot_product embedded_gaussian gaussian concatenation att channel_add channel_mul
    after_conv1 after_conv2 after_conv3 before_conv1 SPP
    v1 v2 default all NCHW raw cls_token featmap
    xyxy xywh cxcywh horizontal vertical diagonal
    prob logits feat bbox segm mask box
    align warp distribution greedy modern release scaled_images crop_images img
""")


#: mmqanet's own parts of models that are registered only once mmseg's or mmdet's models are imported. A light detector whose
#: config names one of them is built without, and where mmdet is not installed.
OWN_ON_OTHERS = _words("""
    NearestHRNet
    IgnoringFCOSHead IgnoringFocalLoss RegionParser ParsingRCNN RPRCNN ParsingRoIHead WholeImagePreprocessor DetectronRPNHead
    DetectronRoIExtractor
    QualityAwareBoxInstMaskHead QualityAwareCondInstMaskHead QualityAwareCoarseMaskHead QualityAwareDecoupledSOLOHead
    QualityAwareDecoupledSOLOLightHead QualityAwareDynamicMaskHead QualityAwareFCNMaskHead QualityAwareHTCMaskHead
    QualityAwareMaskFormerFusionHead QualityAwareMaskIoUHead QualityAwareRTMDetInsHead QualityAwareRTMDetInsSepBNHead
    QualityAwareSCNetMaskHead QualityAwareSOLOHead QualityAwareSOLOV2Head QualityAwareYOLACTProtonet
""")


def is_own(name: str, *, transform: bool = False) -> bool:
    """Whether mmqanet itself registers a model's part, or a transform, by this name; its constructors open nothing."""
    registry = TRANSFORMS if transform else MODELS
    registry.import_from_location()
    found = registry.module_dict.get(name)
    return (not transform and name in OWN_ON_OTHERS) or (
        inspect.isclass(found) and found.__module__.startswith('mmqanet.'))


def is_own_dataset(name: str) -> bool:
    """Whether mmqanet registers a data set by this name."""
    DATASETS.import_from_location()
    return name in DATASETS.module_dict
