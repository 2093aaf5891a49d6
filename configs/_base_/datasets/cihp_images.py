# CIHP for parsers that read whole images and find the people themselves (docs/region_based.md).
_base_ = './cihp.py'

find_people = [
    *_base_.load_image,
    dict(type='ImagesAtScales', short_side=800, long_side=1333, augmented_long_side=2000),
    dict(type='PackParsingInputs', images='scaled_images'),
]
learn_people = [
    *_base_.load_image,
    dict(type='RandomShortSide', short_sides=(512, 640, 704, 768, 800, 864), long_side=1400),
    dict(type='RandomMirror', prob=0.5),
    dict(type='PackParsingInputs', images='img'),
]
train_dataloader = dict(batch_size=2, num_workers=2, dataset=dict(per_person=False, pipeline=learn_people))
val_dataloader = test_dataloader = dict(num_workers=2, dataset=dict(annotated_boxes=False, pipeline=find_people))
