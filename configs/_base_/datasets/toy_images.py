# The embedded data set for parsers that read whole images, at its own size.
_base_ = './cihp_images.py'

data_root = 'data/toy/'
find_people = [
    *_base_.load_image,
    dict(type='ImagesAtScales', short_side=240, long_side=320),
    dict(type='PackParsingInputs', images='scaled_images'),
]
learn_people = [
    *_base_.load_image,
    dict(type='RandomShortSide', short_sides=(208, 240, 272), long_side=384, backend='cv2'),
    dict(type='RandomMirror', prob=0.5),
    dict(type='PackParsingInputs', images='img'),
]
train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='annotations/toy_train.json', pipeline=learn_people))
val_dataloader = test_dataloader = dict(
    dataset=dict(data_root=data_root, ann_file='annotations/toy_val.json', pipeline=find_people))
