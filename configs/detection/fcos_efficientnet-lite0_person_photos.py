# The person detector of the package: photos of all kinds with a teacher's boxes, composed crowds and portraits. What the
# teacher doubts, and who is too small to be seen, is neither person nor background.
_base_ = './fcos_efficientnet-lite0_person_crowds.py'

size = (384, 384)  # tested with 416, as the crowds' detector
max_epochs = 3
seen_pipeline = [
    # From a picture at half its size, where people are small, to a close-up.
    dict(type='mmqanet.RandomAspect', max_ratio=1.35, prob=0.5),
    dict(type='RandomResize', scale=size, ratio_range=(0.5, 1.6), keep_ratio=True),
    dict(type='RandomCrop', crop_size=size, allow_negative_crop=True),
    dict(type='mmqanet.IgnoreSmallBoxes', min_size=6),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmseg.PhotoMetricDistortion', hue_delta=9),
    dict(type='RandomGrayscale', prob=0.15, keep_channels=True),
    dict(type='Pad', size=size, pad_val=dict(img=(127, 127, 127))),
    dict(type='PackDetInputs'),
]
load_boxes = [
    dict(type='mmqanet.SeedFromIndex'),
    dict(type='mmqanet.LoadImage'),
    dict(type='LoadAnnotations', with_bbox=True),
]
person = dict(classes=('person',), palette=[(220, 20, 60)])
photos = dict(
    type='CocoDataset',
    metainfo=person,
    data_root='data/people/',
    ann_file='people_train.json',
    data_prefix=dict(img='photos/'),
    filter_cfg=dict(filter_empty_gt=False, min_size=32),
    pipeline=load_boxes + seen_pipeline,
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            photos,
            dict(photos, ann_file='portraits_train.json', data_prefix=dict(img='portraits/')),
            dict(photos, data_root='data/CCP_crowds/', ann_file='annotations/crowds_train.json',
                 data_prefix=dict(img='Training/Images/')),
        ],
    ))
val_dataloader = dict(
    dataset=dict(
        data_root='data/people/',
        ann_file='people_val.json',
        data_prefix=dict(img='photos/'),
    ))
test_dataloader = val_dataloader

model = dict(bbox_head=dict(type='mmqanet.IgnoringFCOSHead'))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, end=0.1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=0.1, end=max_epochs, eta_min_ratio=0.01, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
