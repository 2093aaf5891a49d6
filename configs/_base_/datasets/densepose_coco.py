# Crops of 384x512 of the people of DensePose-COCO; the body tables of the evaluation are the user's (docs/densepose.md).
data_root = 'data/densepose_coco/'
load_person = [dict(type='LoadImage'), dict(type='LoadSurface')]
crop = dict(type='BoxesToCrops', input_size=(384, 512))
augmentation = [dict(type='RandomCropScale'), dict(type='RandomCropRotation'), dict(type='RandomCropFlip')]
warp = [
    dict(type='WarpCrops'),
    dict(type='WarpSurfacePoints', uv_mirror=data_root + 'DensePoseData/UV_data/UV_symmetry_transforms.mat'),
]
pack = dict(type='PackParsingInputs')

train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='SeededSampler', shuffle=True),
    dataset=dict(
        type='DensePoseCOCODataset',
        data_root=data_root,
        ann_file='annotations/densepose_coco_2014_train.json',
        data_prefix=dict(img='train2014'),
        on_invalid='skip',
        pipeline=[*load_person, crop, *augmentation, *warp, pack],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='DensePoseCOCODataset',
        data_root=data_root,
        ann_file='annotations/densepose_coco_2014_minival.json',
        data_prefix=dict(img='val2014'),
        on_invalid='skip',
        test_mode=True,
        pipeline=[dict(type='LoadImage'), crop, dict(type='WarpCrops'), pack],
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='DensePoseMetric',
    ann_file=data_root + 'annotations/densepose_coco_2014_minival.json',
    body=data_root + 'DensePoseData/eval_data',
)
test_evaluator = val_evaluator
