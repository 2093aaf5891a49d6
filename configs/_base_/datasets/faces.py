# Faces (docs/data/faces.md): one head a sample, square crops of 448x448 around head boxes, F1 scores.
_base_ = './single_person.py'

crop = dict(type='BoxesToCrops', input_size=(448, 448))
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load_person, crop, *_base_.augmentation, *_base_.pack]))
val_dataloader = dict(dataset=dict(pipeline=[*_base_.load_image, crop, *_base_.pack]))
test_dataloader = dict(
    dataset=dict(
        data_prefix=dict(_delete_=True, img='Testing/Images', category='Testing/Category_ids'),
        pipeline=[*_base_.load_image, crop, *_base_.pack],
    ),
)
val_evaluator = test_evaluator = dict(type='FaceParsingMetric')
