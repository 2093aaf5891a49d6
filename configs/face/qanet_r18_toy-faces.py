# The small QANet of the toy people on their faces (tools/dataset_converters/draw_toy_faces.py): iBugMask's 14 classes, 160x160
# pictures, 128x128 crops. It learns the parts of a face from scratch in minutes on a CPU.
_base_ = '../toy/qanet_r18_toy.py'

crop = dict(type='BoxesToCrops', input_size=(128, 128), padding=1.1)
augmentation = [dict(type='RandomCropRotation', std=15.0, limit=30.0), dict(type='RandomCropFlip')]
data = dict(type='IBugMask14Dataset', data_root='data/toy_faces/')
model = dict(parsing_head=dict(num_classes=14))
train_dataloader = dict(
    dataset=dict(
        **data,
        ann_file='annotations/toy-faces_train.json',
        pipeline=[*_base_.load_person, crop, *augmentation, *_base_.pack],
    ),
)
val_dataloader = test_dataloader = dict(
    dataset=dict(
        **data,
        ann_file='annotations/toy-faces_val.json',
        pipeline=[*_base_.load_image, crop, *_base_.pack],
    ),
)
val_evaluator = test_evaluator = dict(_delete_=True, type='FaceParsingMetric', groups='helen')
