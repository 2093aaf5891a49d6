# Dense pose of the embedded data set: tools/dataset_converters/draw_toy.py data/toy --dense-pose; 96x128 crops.
_base_ = './densepose_coco.py'

data_root = 'data/toy/'
crop = dict(type='BoxesToCrops', input_size=(96, 128), padding=1.1)
warp = [_base_.pack[0], dict(type='WarpSurfacePoints', uv_mirror=data_root + _base_.mirror)]
train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/toy-densepose_train.json',
        data_prefix=dict(img='Training/Images'),
        on_invalid='error',
        pipeline=[*_base_.load_person, crop, dict(type='RandomCropFlip'), *warp, _base_.pack[1]],
    ),
)
val_dataloader = test_dataloader = dict(
    num_workers=2,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/toy-densepose_val.json',
        data_prefix=dict(img='Validation/Images'),
        on_invalid='error',
        pipeline=[dict(type='LoadImage'), crop, *_base_.pack],
    ),
)
val_evaluator = test_evaluator = dict(
    ann_file=data_root + 'annotations/toy-densepose_val.json',
    body=data_root + 'DensePoseData/eval_data',
)
