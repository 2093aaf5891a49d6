"""QANet's mask mode: the network as released, its losses, and the way from crops to scored masks."""
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up import made_up_input, released_state
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData

from mmqanet.checkpoints.conversion.released_weights import convert_released
from mmqanet.errors import InputError
from mmqanet.functional import fuse_quality, mask_pixel_scores
from mmqanet.functional.geometry import PersonCrop
from mmqanet.models.heads.instance_mask_head import InstanceIoUHead, InstanceMaskHead
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample

CONFIG = Path(__file__).resolve().parents[3] / 'configs/instance_segmentation/qanet-mask_r50_coco.py'


def segmenter(**changes):
    """A tiny one: 3 classes, crops of 32 × 64."""
    cfg = dict(
        type='TopdownSegmenter', backbone=dict(type='ResNetV1c', depth=18, base_channels=8, stem_channels=8),
        neck=[dict(type='FPN', in_channels=[8, 16, 32, 64], out_channels=16, num_outs=4),
              dict(type='SemanticFPN', in_channels=[16] * 4, out_channels=16)],
        mask_head=dict(type='InstanceMaskHead', in_channels=16, num_classes=3),
        iou_head=dict(type='InstanceIoUHead', in_channels=16, num_classes=3, hidden_channels=8),
        quality=dict(weights=(1, 1, 1)), **changes)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmqanet'):
        model = MODELS.build(cfg).eval()
    torch.nn.init.constant_(model.iou_head.regressor.bias, 0.5)
    classifier = model.mask_head.classifier
    torch.nn.init.normal_(classifier.weight)
    with torch.no_grad():  # logits around 0, some of them large
        logits = classifier(model(torch.randn(2, 3, 64, 32, generator=torch.Generator().manual_seed(2))))
        classifier.weight *= 4 / logits.std()
        classifier.bias.copy_(-4 * logits.mean((0, 2, 3)) / logits.std())
    return model


def sample_of(boxes, labels, *, shape=(50, 60), scales=(1.0,)):
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    crops = [PersonCrop.from_box(box, output_size=(32, 64)).scaled(scale) for box in boxes for scale in scales]
    sample = ParsingDataSample(metainfo=dict(ori_shape=shape, crops=crops))
    sample.gt_instances = InstanceData(
        bboxes=boxes, labels=torch.tensor(labels, dtype=torch.int64), bbox_scores=torch.linspace(0.9, 0.5, len(boxes)))
    pixels = torch.randint(0, 256, (len(crops), 3, 64, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return pixels, sample


def test_the_network_agrees_with_the_released_one(golden_dir):
    folder = golden_dir / 'dense_and_masks'
    facts = json.loads((folder / 'network_mask_r50c_256x192.json').read_text())
    cfg = Config.fromfile(CONFIG).model
    cfg.backbone.init_cfg = None
    cfg.mask_head.num_classes = cfg.iou_head.num_classes = 5
    with DefaultScope.overwrite_default_scope('mmqanet'), torch.device('meta'):
        model = MODELS.build(cfg).to_empty(device='cpu').eval()
    model.load_state_dict(convert_released(released_state(facts['keys'], facts['gain'])))
    assert sum(parameter.numel() for parameter in model.parameters()) == facts['num_params']
    image = made_up_input(*facts['input_hw'])
    with np.load(folder / 'network_mask_r50c_256x192.npz') as arrays, torch.no_grad():
        logits, ious = model.segment(torch.cat([image, image.flip(-1)]), torch.from_numpy(arrays['labels']))
        difference = np.abs(logits[:, ::4, ::4].numpy() - arrays['logits_sub4'][:, 0]).max()
        assert difference <= 1e-5 * facts['logits']['std']
        np.testing.assert_allclose(ious.numpy(), arrays['mask_iou_scores'], rtol=0, atol=1e-5)
        safe, half = (np.unpackbits(arrays[key]).reshape(2, 256, 192).astype(bool) for key in ('safe', 'mask_half'))
        assert ((logits.sigmoid().numpy() >= 0.5) == half)[safe].all()


@pytest.mark.parametrize('case', [0, 1])
def test_losses_agree_with_the_released_ones(golden_dir, case):
    folder = golden_dir / 'dense_and_masks'
    facts = json.loads((folder / 'mask_training_a.json').read_text())[f'loss{case}']
    with np.load(folder / 'mask_training_a.npz') as arrays:
        number = facts['N']
        logits = arrays['loss1_logits'] if case else (
            2 * np.random.default_rng(7200).standard_normal((number, 1, 64, 48))).astype(np.float32)
        masks = np.unpackbits(arrays[f'loss{case}_target']).reshape(number, 64, 48)
        pred = torch.from_numpy(arrays[f'loss{case}_iou_pred']).requires_grad_()
        logits, masks = torch.from_numpy(logits[:, 0]), torch.from_numpy(masks)
        mask_loss = InstanceMaskHead(in_channels=1, num_classes=1).loss(logits, masks)['loss_mask']
        assert mask_loss.item() == pytest.approx(facts['loss_mask'], rel=1e-6)
        iou_loss = InstanceIoUHead(in_channels=1, num_classes=1).loss(pred, logits, masks)['loss_iou']
        assert iou_loss.item() == pytest.approx(facts['loss_iou'], rel=1e-6)
        iou_loss.backward()
        np.testing.assert_allclose(pred.grad.numpy(), arrays[f'loss{case}_iou_grad'], rtol=1e-5)


def test_both_heads_learn_where_both_are_there():
    model, labels = segmenter(), torch.tensor([2, 0])
    inputs, masks = torch.randn(2, 3, 64, 32), torch.randint(0, 2, (2, 64, 32))
    samples = [ParsingDataSample(gt_instances=InstanceData(labels=labels[index:index + 1]),
                                 gt_sem_seg=PixelData(data=masks[index:index + 1])) for index in range(2)]
    losses = model.loss(inputs, samples)
    logits, iou = model.segment(inputs, labels)
    expected = {**model.mask_head.loss(logits, masks), **model.iou_head.loss(iou, logits, masks)}
    assert set(losses) == {'loss_mask', 'loss_iou'}
    for name, value in losses.items():
        torch.testing.assert_close(value, expected[name])
    model.iou_head = None
    assert set(model.loss(inputs, samples)) == {'loss_mask'}


def test_heads_answer_for_the_class_of_the_crop():
    feature = torch.randn(3, 4, 8, 6, generator=torch.Generator().manual_seed(0))
    mask_head, iou_head = InstanceMaskHead(in_channels=4, num_classes=5), InstanceIoUHead(in_channels=4, num_classes=5)
    labels = torch.tensor([4, 0, 2])
    for index, label in enumerate(labels.tolist()):
        alone = torch.nn.functional.interpolate(
            mask_head.classifier(feature)[index, label][None, None], scale_factor=4, mode='bilinear')[0, 0]
        torch.testing.assert_close(mask_head(feature, labels)[index], alone)
        torch.testing.assert_close(iou_head(feature, labels)[index], iou_head.regress(feature)[index, label])


def test_masks_of_whole_images_with_their_quality():
    model = segmenter()
    inputs, sample = sample_of([[5, 5, 30, 45], [30, 2, 55, 40]], [1, 2])
    found = model.predict([inputs], [sample])[0].pred_instances
    with torch.no_grad():
        logits, ious = model.segment(model.data_preprocessor.normalize(inputs), sample.gt_instances.labels)
    for index, crop in enumerate(sample.crops):
        x1, y1, x2, y2 = crop.window
        x, y = (torch.arange(60) + 0.5 - x1) / (x2 - x1) * 2 - 1, (torch.arange(50) + 0.5 - y1) / (y2 - y1) * 2 - 1
        grid = torch.stack([x.expand(50, -1), y[:, None].expand(-1, 60)], dim=-1)
        probs = torch.nn.functional.grid_sample(logits[None, None, index].sigmoid(), grid[None], align_corners=False)[0, 0]
        assert (found.masks[index] == (probs >= 0.5)).float().mean() > 0.999
        assert found.masks[index].sum() > 0
        assert found.pixel_scores[index].item() == pytest.approx(mask_pixel_scores(probs[None]).item(), abs=5e-3)
    torch.testing.assert_close(found.iou_scores, ious.clamp(0, 1))
    expected = fuse_quality(found.scores, found.iou_scores, found.pixel_scores, (1, 1, 1))
    torch.testing.assert_close(found.mask_scores, expected)
    assert torch.equal(found.scores, sample.gt_instances.bbox_scores)


def test_mirror_images_and_scales_are_averaged():
    plain, mirrored = segmenter(), segmenter(flip_test=True)
    inputs, sample = sample_of([[5, 5, 30, 45]], [1])
    symmetric = torch.cat([inputs[..., :16], inputs[..., :16].flip(-1)], dim=-1)
    found = mirrored.predict([symmetric], [sample])[0].pred_instances
    probs = next(mirrored._probabilities(symmetric, torch.tensor([1])))[0]
    torch.testing.assert_close(probs, probs.flip(-1))
    other = plain.predict([inputs], [sample_of([[5, 5, 30, 45]], [1])[1]])[0].pred_instances
    assert not torch.equal(found.masks, other.masks)
    inputs, sample = sample_of([[5, 5, 30, 45], [30, 2, 55, 40]], [1, 2], scales=(0.9, 1.1))
    assert plain.predict([inputs], [sample])[0].pred_instances.masks.shape == (2, 50, 60)


def test_an_image_without_boxes_and_crops_that_do_not_fit():
    model = segmenter()
    inputs, sample = sample_of([], [])
    found = model.predict([torch.zeros(0, 3, 64, 32, dtype=torch.uint8)], [sample])[0].pred_instances
    assert found.masks.shape == (0, 50, 60)
    assert found.mask_scores.shape == (0,)
    inputs, sample = sample_of([[5, 5, 30, 45], [30, 2, 55, 40]], [1, 2])
    with pytest.raises(InputError, match='crops: 2 of them, and 1 inputs, do not fit 2 boxes'):
        model.predict([inputs[:1]], [sample])
    sample.crops.append(sample.crops[0])
    with pytest.raises(InputError, match='crops: 3 of them, and 3 inputs, do not fit 2 boxes'):
        model.predict([torch.cat([inputs, inputs[:1]])], [sample])
    sample.set_metainfo(dict(crops=[]))
    with pytest.raises(InputError, match='crops: 0 of them, and 0 inputs, do not fit 2 boxes'):
        model.predict([inputs[:0]], [sample])


def test_a_training_step_lowers_the_loss():
    model = segmenter().train()
    inputs = torch.randn(4, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    samples = []
    for index in range(4):
        sample = ParsingDataSample()
        sample.gt_instances = InstanceData(labels=torch.tensor([index % 3]))
        mask = torch.zeros(1, 64, 32, dtype=torch.uint8)
        mask[:, 10:50, 4 + index:20] = 1
        sample.gt_sem_seg = PixelData(data=mask)
        samples.append(sample)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    totals = []
    for _ in range(8):
        losses = model(inputs, samples, mode='loss')
        assert set(losses) == {'loss_mask', 'loss_iou'}
        totals.append(sum(losses.values()))
        optimizer.zero_grad()
        totals[-1].backward()
        optimizer.step()
    assert totals[-1] < 0.7 * totals[0]
