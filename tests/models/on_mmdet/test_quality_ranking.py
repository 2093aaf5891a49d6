"""How mask scores reach mmdet's metric: masks are ranked by them, boxes as before."""
import pytest
import torch

pytest.importorskip('mmdet.evaluation')

from mmdet.evaluation import CocoMetric
from mmdet.structures.mask import encode_mask_results
from segmenters import META, build, predict, small_model

from mmqanet.models.on_mmdet import quality_aware


def average_precisions(predictions, truth):
    metric = CocoMetric(metric=['bbox', 'segm'])
    metric.dataset_meta = dict(classes=[str(label) for label in range(80)])
    metric.process({}, [
        dict(img_id=index, ori_shape=META['ori_shape'], instances=instances, pred_instances=found.to_dict())
        for index, (found, instances) in enumerate(zip(predictions, truth))])
    figures = metric.evaluate(len(predictions))
    return tuple({key: value for key, value in figures.items() if kind in key} for kind in ('bbox', 'segm'))


def instances_to_find(found):
    """Every second detection, with its mask and its box."""
    return [dict(bbox=found.bboxes[index].tolist(), bbox_label=0, ignore_flag=0,
                 mask=encode_mask_results(found.masks[index:index + 1].numpy())[0])
            for index in range(0, len(found), 2)]


def test_boxes_keep_their_average_precision_and_that_of_masks_is_all_from_their_order():
    cfg = small_model('FCNMaskHead')
    model = build(cfg)
    with torch.no_grad():
        model.roi_head.bbox_head.fc_reg.weight *= 30  # boxes lie apart
    plain, twin = predict(model), predict(build(quality_aware(cfg, mode='mean'), like=model))
    for found in (*plain, *twin):
        found.labels.zero_()
    truth = [instances_to_find(found) for found in plain]
    boxes, masks = average_precisions(plain, truth)
    boxes_of_twin, masks_of_twin = average_precisions(twin, truth)
    assert boxes_of_twin == boxes
    assert masks_of_twin != masks
    assert 0 < masks_of_twin['coco/segm_mAP'] < 1

    for found, quality in zip(plain, twin):
        found.scores = quality.mask_scores
    boxes_ranked_anew, masks_ranked_anew = average_precisions(plain, truth)
    assert masks_ranked_anew == masks_of_twin
    assert boxes_ranked_anew != boxes
