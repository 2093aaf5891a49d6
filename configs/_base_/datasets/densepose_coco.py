# Crops of 384x512 of the people of DensePose-COCO; the body tables of the evaluation are the user's (docs/densepose.md).
_base_ = './prepared.py'

data_root = 'data/densepose_coco/'
load_person = [dict(type='LoadImage'), dict(type='LoadSurface')]
mirror = 'DensePoseData/UV_data/UV_symmetry_transforms.mat'
warp = [_base_.pack[0], dict(type='WarpSurfacePoints', uv_mirror=data_root + mirror)]
people = dict(type='DensePoseCOCODataset', data_root=data_root, on_invalid='skip')
train_dataloader = dict(
    dataset=dict(
        people,
        _delete_=True,
        ann_file='annotations/densepose_coco_2014_train.json',
        data_prefix=dict(img='train2014'),
        pipeline=[*load_person, _base_.crop, *_base_.augmentation, *warp, _base_.pack[1]],
    ))
val_dataloader = test_dataloader = dict(
    dataset=dict(
        people,
        _delete_=True,
        ann_file='annotations/densepose_coco_2014_minival.json',
        data_prefix=dict(img='val2014'),
        test_mode=True,
        pipeline=[dict(type='LoadImage'), _base_.crop, *_base_.pack],
    ))
val_evaluator = test_evaluator = dict(
    _delete_=True,
    type='DensePoseMetric',
    ann_file=data_root + 'annotations/densepose_coco_2014_minival.json',
    body=data_root + 'DensePoseData/eval_data',
)
