# One person a picture: no human maps to read, and scores of pixels only.
_base_ = './prepared.py'

train_dataloader = dict(
    dataset=dict(data_prefix=dict(_delete_=True, img='Training/Images', category='Training/Category_ids')))
val_dataloader = test_dataloader = dict(
    dataset=dict(data_prefix=dict(_delete_=True, img='Validation/Images', category='Validation/Category_ids')))
val_evaluator = test_evaluator = dict(type='SingleHumanParsingMetric')
