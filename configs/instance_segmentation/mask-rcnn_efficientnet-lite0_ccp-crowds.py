# People and their garments on crowds composed of real photos (docs/data/ccp.md), from the network of the toy people.
_base_ = './mask-rcnn_efficientnet-lite0_toy.py'

max_epochs = 2
load_from = 'work_dirs/mask-rcnn_efficientnet-lite0_toy/epoch_4.pth'
data_root = 'data/CCP_crowds/'
metainfo = dict(_delete_=True, classes=(
    'person', 'hair', 'hat', 'eyewear', 'top', 'outerwear', 'dress', 'trousers', 'shorts', 'skirt', 'hosiery', 'shoes', 'bag',
    'scarf', 'belt', 'accessories', 'skin'))
size = (416, 416)
num_classes = len(metainfo['classes'])
model = dict(roi_head=dict(bbox_head=dict(num_classes=num_classes), mask_head=dict(num_classes=num_classes)))
train_pipeline = [
    *_base_.train_pipeline[:3],
    dict(type='RandomResize', scale=size, ratio_range=(0.8, 1.2), keep_ratio=True),
    dict(type='RandomCrop', crop_size=size, recompute_bbox=True),
    _base_.train_pipeline[5],
    dict(type='Pad', size=size, pad_val=dict(img=(127, 127, 127), masks=0)),
    _base_.train_pipeline[-1],
]
test_pipeline = [_base_.test_pipeline[0], dict(type='Resize', scale=size, keep_ratio=True), _base_.test_pipeline[-1]]
train_dataloader = dict(dataset=dict(data_root=data_root, metainfo=metainfo, pipeline=train_pipeline))
val_dataloader = test_dataloader = dict(dataset=dict(data_root=data_root, metainfo=metainfo, pipeline=test_pipeline))
val_evaluator = test_evaluator = dict(ann_file=data_root + 'annotations/instances_val.json')
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=max_epochs)]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
