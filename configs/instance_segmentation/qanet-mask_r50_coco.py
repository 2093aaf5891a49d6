# QANet's mask mode on COCO: crops of 192x256 of single instances, one mask a class, and a head for the IoU of the mask. It
# tests on annotated boxes; for those of a detector: test_dataloader.dataset.detection_file.
_base_ = [
    '../_base_/models/qanet_r50.py',
    '../_base_/schedules/adam_140e.py',
    '../_base_/default_runtime.py',
]

classes = (
    'person', 'bicycle', 'car', 'motorcycle', 'airplane', 'bus', 'train', 'truck', 'boat', 'traffic light', 'fire hydrant',
    'stop sign', 'parking meter', 'bench', 'bird', 'cat', 'dog', 'horse', 'sheep', 'cow', 'elephant', 'bear', 'zebra',
    'giraffe', 'backpack', 'umbrella', 'handbag', 'tie', 'suitcase', 'frisbee', 'skis', 'snowboard', 'sports ball', 'kite',
    'baseball bat', 'baseball glove', 'skateboard', 'surfboard', 'tennis racket', 'bottle', 'wine glass', 'cup', 'fork',
    'knife', 'spoon', 'bowl', 'banana', 'apple', 'sandwich', 'orange', 'broccoli', 'carrot', 'hot dog', 'pizza', 'donut',
    'cake', 'chair', 'couch', 'potted plant', 'bed', 'dining table', 'toilet', 'tv', 'laptop', 'mouse', 'remote', 'keyboard',
    'cell phone', 'microwave', 'oven', 'toaster', 'sink', 'refrigerator', 'book', 'clock', 'vase', 'scissors', 'teddy bear',
    'hair drier', 'toothbrush')
data_root = 'data/coco/'
model = dict(
    _delete_=True,
    type='TopdownSegmenter',
    backbone=_base_.model.backbone,
    neck=_base_.model.neck,
    mask_head=dict(type='InstanceMaskHead', in_channels=256, num_classes=80),
    iou_head=dict(type='InstanceIoUHead', in_channels=256, num_classes=80),
    quality=dict(weights=(1.0, 1.0, 1.0), threshold=0.25),
    flip_test=True,
)

crop = dict(type='BoxesToCrops', input_size=(192, 256))
augmentation = [dict(type='RandomCropScale'), dict(type='RandomCropRotation'), dict(type='RandomCropFlip')]
pack = [dict(type='WarpCrops'), dict(type='PackParsingInputs')]
train_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='SeededSampler', shuffle=True),
    dataset=dict(
        type='InstanceCropDataset',
        data_root=data_root,
        ann_file='annotations/instances_train2017.json',
        data_prefix=dict(img='train2017'),
        metainfo=dict(classes=classes),
        pipeline=[dict(type='LoadImage'), dict(type='LoadInstanceMask'), crop, *augmentation, *pack],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='InstanceCropDataset',
        data_root=data_root,
        ann_file='annotations/instances_val2017.json',
        data_prefix=dict(img='val2017'),
        metainfo=dict(classes=classes),
        test_mode=True,
        pipeline=[dict(type='LoadImage'), crop, *pack],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmdet.CocoMetric', metric='segm', ann_file=data_root + 'annotations/instances_val2017.json')
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='coco/segm_mAP'))
