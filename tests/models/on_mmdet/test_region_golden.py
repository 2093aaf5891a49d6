"""The region-based parsers agree with the released ones, given their weights by their own names.

What was recorded, and how: golden/region_based/README.md. Nothing runs twice: networks are slow on a CPU.
"""
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData, PixelData
from released_regions import build, loaded, model_config, pattern

from mmqanet.checkpoints.conversion.region_weights import translate_region_key
from mmqanet.datasets.transforms import ImagesAtScales, PackParsingInputs
from mmqanet.functional.merging import paint_classes
from mmqanet.functional.overlaps import mean_class_iou
from mmqanet.functional.pasting import SemanticContext, full_label_map, paste_person
from mmqanet.functional.people import CroppedPeople
from mmqanet.functional.region_labels import crop_labels
from mmqanet.models.postprocessor import cropped_people
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample

pytest.importorskip('mmdet')
from mmdet.structures.bbox import bbox2roi

from mmqanet.models.on_mmdet.region_pasting import category_map, whole_pixel_window

NAMES = ('parsing_rcnn', 'rp_rcnn')


@pytest.fixture(scope='module')
def folder(golden_dir) -> Path:
    path = golden_dir / 'region_based'
    if not path.is_dir():
        pytest.skip('the recorded values of the region-based parsers are not here')
    return path


class Recorded:
    """The arrays and the JSON of one recording; ``std`` of a stage scales the tolerance of its features."""

    def __init__(self, folder: Path, name: str, *parts: str):
        self.json = json.loads((folder / f'{name}.json').read_text()) if (folder / f'{name}.json').exists() else {}
        self.arrays = {}
        for part in parts or ('',):
            with np.load(folder / f'{name}{part}.npz') as file:
                self.arrays.update({key: file[key] for key in file.files})

    def __getitem__(self, key: str) -> np.ndarray:
        return self.arrays[key]

    def tensor(self, key: str) -> torch.Tensor:
        return torch.from_numpy(self.arrays[key])

    def safe(self, key: str, shape) -> np.ndarray:
        return np.unpackbits(self.arrays[key])[:math.prod(shape)].reshape(shape).astype(bool)

    def check(self, key: str, actual: torch.Tensor, stage: str) -> None:
        """Features within a thousandth of the stage's standard deviation."""
        error = np.abs(actual.detach().numpy() - self.arrays[key]).max() / self.json['stats'][stage]['std']
        assert error < 1e-3, f'{key}: {error}'


@pytest.mark.parametrize('name', NAMES)
@torch.no_grad()
def test_the_network(folder, name):
    recorded = Recorded(folder, f'network_{name}', '_body', '_heads')
    model = loaded(folder, name, recorded.json)
    image = pattern(2021, (1, 3, 256, 320))
    maps = model.backbone(image)
    pyramid = model.neck(maps)
    for level, (stage, steps) in enumerate((('c2', (8, 8)), ('c3', (4, 4)), ('c4', (2, 2)), ('c5', (1, 8)))):
        spatial, channels = (8, 8) if level == 0 else (steps[0], 8)
        recorded.check(f'{stage}_sub', maps[level][:, ::channels, ::spatial, ::spatial], stage)
    for level, step in enumerate((8, 4, 2, 1, 1), 2):
        recorded.check(f'p{level}_sub', pyramid[level - 2][:, :, ::step, ::step], f'p{level}')
    levels = pyramid
    if model.semantic_head:
        semantic, levels = model.semantic_head(pyramid)
        recorded.check('sem_logits_sub2', semantic[:, :, ::2, ::2], 'sem_logits')
        differs = semantic.argmax(1).numpy() != recorded['sem_argmax']
        assert not differs[recorded.safe('sem_safe', differs.shape)].any()
        for level, step in enumerate((8, 4, 2, 1), 2):
            recorded.check(f'e{level}_sub', levels[level - 2][:, ::2, ::step, ::step], f'e{level}')
    check_proposals(recorded, model, levels)
    check_regions(recorded, model, levels)


def check_proposals(recorded: Recorded, model, levels) -> None:
    scores, deltas = model.rpn_head(levels)
    assert len(scores) == len(model.rpn_head.prior_generator.base_anchors) == 5 - bool(model.semantic_head)
    for index, (score, delta) in enumerate(zip(scores, deltas)):
        step = 2 if index == 0 else 1
        recorded.check(f'rpn_obj_p{index + 2}', score[:, :, ::step, ::step], f'obj{index + 2}')
        recorded.check(f'rpn_del_p{index + 2}', delta[:, :, ::step, ::step], f'del{index + 2}')
        np.testing.assert_array_equal(
            model.rpn_head.prior_generator.base_anchors[index], recorded[f'cell_anchors_p{index + 2}'])
    found, = model.rpn_head.predict_by_feat(
        scores, deltas, batch_img_metas=[dict(img_shape=(256, 320), pad_shape=(256, 320))])
    assert len(found) == len(recorded['proposals'])
    places, same = nearest(found.bboxes.numpy(), recorded['proposals'], within=0.02)
    assert same.mean() >= 0.99
    np.testing.assert_allclose(found.scores[places[same]], recorded['proposal_scores'][same], atol=1e-4)


def check_regions(recorded: Recorded, model, levels) -> None:
    rois = bbox2roi([recorded.tensor('rois')])
    extractor = model.roi_head.bbox_roi_extractor
    np.testing.assert_array_equal(extractor.map_roi_levels(rois, 4) + 2, recorded['box_level'])
    boxes = model.roi_head._bbox_forward(levels, rois)
    recorded.check('box_roi_sub', boxes['bbox_feats'][:, ::8], 'box_roi')
    recorded.check('box_cls', boxes['cls_score'].flip(1), 'cls')
    spread = recorded.json['stats']['bdel']['std']
    np.testing.assert_allclose(boxes['bbox_pred'], recorded['box_del'][:, 4:], atol=1e-3 * spread)
    logits, iou = model.roi_head.parse(levels, rois)
    recorded.check('parsing_logits_sub4', logits[:, :, ::4, ::4], 'logits')
    differs = logits.argmax(1).numpy() != recorded['parsing_argmax']
    assert not differs[recorded.safe('parsing_safe', differs.shape)].any()
    assert (iou is None) == ('iou_raw' not in recorded.arrays)
    if iou is not None:
        np.testing.assert_allclose(iou, recorded['iou_raw'], atol=1e-3)


def share_found(boxes: np.ndarray, expected: np.ndarray, *, within: float) -> float:
    """The share of expected boxes that one of ``boxes`` equals, in pixels."""
    assert len(boxes) == len(expected)
    return nearest(boxes, expected, within=within)[1].mean()


def nearest(boxes: np.ndarray, expected: np.ndarray, *, within: float) -> tuple[np.ndarray, np.ndarray]:
    """For each expected box the place of the nearest one of ``boxes``, and whether it is the same one. Suppression at a tie
    may leave out another box on another processor."""
    distances = np.abs(boxes[:, None] - expected[None]).max(-1)
    return distances.argmin(0), distances.min(0) < within


def test_labels_of_regions_and_the_losses_on_them(folder):
    recorded = Recorded(folder, 'losses_a')
    labels = crop_labels(recorded.tensor('gt_parsing'), recorded.tensor('crop_gt_index'), recorded.tensor('crop_rois'),
                         size=(128, 128))
    np.testing.assert_array_equal(labels, recorded['crop_targets'])
    head = MODELS.build(dict(type='GeometricContextHead', in_channels=32, channels=32))
    rescoring = MODELS.build(dict(type='ParsingRescoringHead', in_channels=32))
    for case in range(2):
        logits = 2 * np.random.default_rng(1100 + case).standard_normal((8, 20, 128, 128))
        logits = torch.from_numpy(logits.astype(np.float32))
        if case:
            logits.scatter_add_(1, labels[:, None], torch.full_like(logits[:, :1], 6))
        logits.requires_grad_()
        loss = head.loss(logits, labels)['loss_parsing']
        loss.backward()
        expected = recorded.json[f'ce{case}']
        assert loss.item() == pytest.approx(expected['loss'], rel=1e-5)
        assert logits.grad.norm().item() == pytest.approx(expected['grad_norm'], rel=1e-3)
        np.testing.assert_allclose(logits.grad[:, :, ::16, ::16], recorded[f'ce{case}_grad_sub'], atol=1e-9)
        iou = mean_class_iou(logits.argmax(1), labels, num_classes=20)
        np.testing.assert_allclose(iou, recorded[f'ce{case}_iou_targets'], atol=1e-6)
        pred = recorded.tensor(f'iouloss{case}_pred')[:, 0].requires_grad_()
        loss = rescoring.loss(pred, logits, labels)['loss_iou']
        loss.backward()
        assert loss.item() == pytest.approx(recorded.json[f'iouloss{case}']['loss'], rel=1e-5)
        np.testing.assert_allclose(pred.grad[:, None], recorded[f'iouloss{case}_grad'], atol=1e-7)


def test_the_semantic_loss(folder):
    recorded = Recorded(folder, 'losses_a')
    model = build(model_config('rp_rcnn', **SMALL))
    sample = ParsingDataSample()
    sample.gt_maps = PixelData(category=recorded.tensor('sem_label0')[None])
    labels = model._semantic_labels([sample], (256, 320))
    np.testing.assert_array_equal(labels[:, ::4, ::4], recorded['sem_resized0'])
    logits = (np.random.default_rng(1400).standard_normal((2, 20, 64, 80)) * 2).astype(np.float32)[:1]
    logits = torch.from_numpy(logits).requires_grad_()
    loss = model.semantic_head.loss(logits, labels)['loss_semantic']
    loss.backward()
    assert loss.item() == pytest.approx(recorded.json['sem_single_img0']['loss'], rel=1e-5)
    assert logits.grad.norm().item() == pytest.approx(recorded.json['sem_single_img0']['grad_norm'], rel=1e-3)


#: Networks of which only the arithmetic matters.
SMALL = {
    'backbone.depth': 18, 'backbone.base_channels': 8, 'backbone.style': 'pytorch', 'neck.in_channels': [8, 16, 32, 64],
    'neck.out_channels': 32, 'rpn_head.in_channels': 32, 'rpn_head.feat_channels': 32,
    'roi_head.bbox_roi_extractor.out_channels': 32, 'roi_head.bbox_head.in_channels': 32,
    'roi_head.bbox_head.fc_out_channels': 16, 'roi_head.mask_roi_extractor.out_channels': 32,
    'roi_head.mask_head.in_channels': 32, 'roi_head.mask_head.channels': 32, 'roi_head.rescoring_head.in_channels': 32,
    'semantic_head.in_channels': 32}
IMAGES = ((256, 320), (231, 298))


@pytest.fixture(scope='module')
def small_parsing_rcnn():
    changes = {key: value for key, value in SMALL.items() if 'semantic' not in key and 'rescoring' not in key}
    return build(model_config('parsing_rcnn', **changes))


def test_proposals_from_given_scores(folder, small_parsing_rcnn):
    recorded = Recorded(folder, 'boxes_a')
    sizes = [(64 >> level, 80 >> level) for level in range(5)]

    def noise(seed, channels, scale):
        return [torch.from_numpy((np.random.default_rng(seed + level).standard_normal((2, channels, *size)) * scale).astype(
            np.float32)) for level, size in enumerate(sizes)]

    metas = [dict(img_shape=shape, pad_shape=(256, 320)) for shape in IMAGES]
    found = small_parsing_rcnn.rpn_head.predict_by_feat(noise(3000, 3, 2), noise(3100, 12, 0.4), batch_img_metas=metas)
    for index, proposals in enumerate(found):
        assert share_found(proposals.bboxes.numpy(), recorded[f'rpn_test_boxes{index}'], within=0.01) >= 0.99
        np.testing.assert_allclose(proposals.scores, recorded[f'rpn_test_scores{index}'], atol=1e-4)


def test_targets_and_losses_of_boxes(folder, small_parsing_rcnn):
    recorded, head = Recorded(folder, 'boxes_a'), small_parsing_rcnn.roi_head
    sampled = []
    for index in range(2):
        people = InstanceData(bboxes=recorded.tensor(f'gt{index}'), labels=torch.zeros(len(recorded[f'gt{index}'])).long())
        proposals = InstanceData(priors=recorded.tensor(f'box_props{index}'))
        assigned = head.bbox_assigner.assign(proposals, people)
        np.testing.assert_array_equal(assigned.gt_inds > 0, recorded[f'box_labels{index}'] > 0)
        result = head.bbox_sampler.__class__(num=10**6, pos_fraction=0.5, add_gt_as_proposals=False).sample(
            assigned, proposals, people)
        deltas = head.bbox_head.bbox_coder.encode(result.pos_priors, result.pos_gt_bboxes)
        np.testing.assert_allclose(deltas, recorded[f'box_targets{index}'][result.pos_inds], atol=1e-4)
        sampled.append(result)
    order = torch.cat([torch.cat([result.pos_inds, result.neg_inds]) + 40 * index for index, result in enumerate(sampled)])
    logits = torch.from_numpy((np.random.default_rng(1500).standard_normal((70, 2)) * 1.5).astype(np.float32))
    deltas = torch.from_numpy((np.random.default_rng(1501).standard_normal((70, 8)) * 0.7).astype(np.float32))
    logits, deltas = logits.requires_grad_(), deltas.requires_grad_()
    losses = head.bbox_head.loss_and_target(
        logits.flip(1)[order], deltas[order, 4:], bbox2roi([result.priors for result in sampled]), sampled,
        small_parsing_rcnn.train_cfg.rcnn)['loss_bbox']
    expected = recorded.json['box_loss']
    assert losses['loss_cls'].item() == pytest.approx(expected['loss_classifier'], rel=1e-5)
    assert losses['loss_bbox'].item() == pytest.approx(expected['loss_box_reg'], rel=1e-5)
    (losses['loss_cls'] + losses['loss_bbox']).backward()
    np.testing.assert_allclose(logits.grad, recorded['box_grad_cls'], atol=1e-7)
    np.testing.assert_allclose(deltas.grad, recorded['box_grad_del'], atol=1e-7)


def test_detections_from_given_scores(folder, small_parsing_rcnn):
    recorded, head = Recorded(folder, 'boxes_a'), small_parsing_rcnn.roi_head
    for index, rows in enumerate((slice(0, 60), slice(60, 100))):
        boxes = recorded.tensor(f'post0_props{index}')
        decoded = head.bbox_head.bbox_coder.decode(boxes, recorded.tensor('post0_del')[rows, 4:], max_shape=IMAGES[index])
        np.testing.assert_allclose(decoded, recorded[f'post0_decoded{index}'], atol=0.01)
        found = head.bbox_head._predict_by_feat_single(
            bbox2roi([boxes]), recorded.tensor('post0_cls')[rows].flip(1), recorded.tensor('post0_del')[rows, 4:],
            dict(img_shape=IMAGES[index]), rcnn_test_cfg=small_parsing_rcnn.test_cfg.rcnn)
        order = np.argsort(-recorded[f'post0_scores{index}'], kind='stable')
        np.testing.assert_allclose(found.bboxes, recorded[f'post0_boxes{index}'][order], atol=0.01)
        np.testing.assert_allclose(found.scores, recorded[f'post0_scores{index}'][order], atol=1e-5)


def made_up_region(index: int) -> tuple[torch.Tensor, np.ndarray]:
    """Probabilities (5, 20, 128, 128) of the recorded paste, and a semantic map (160, 208, 20)."""
    rng = np.random.default_rng(4000 + index)
    low, high = rng.standard_normal((5, 20, 16, 16)), rng.standard_normal((5, 20, 128, 128))
    logits = 3 * low.repeat(8, axis=2).repeat(8, axis=3) + 0.3 * high
    y, x = np.mgrid[:128, :128]
    logits[:, 0] += 4 * (((x - 63.5) / 50) ** 2 + ((y - 63.5) / 58) ** 2 > 1) - 1
    probs = torch.from_numpy(logits).softmax(1).float()
    rng = np.random.default_rng(4100 + index)
    coarse = rng.standard_normal((10, 13, 20)).repeat(16, axis=0).repeat(16, axis=1)
    semantic = 3 * coarse + 0.3 * rng.standard_normal((160, 208, 20))
    return probs, torch.from_numpy(semantic).softmax(-1).float().numpy()


@pytest.mark.parametrize('kind', ['p', 'rp'])
def test_pasting_and_the_global_map(folder, kind):
    recorded = Recorded(folder, 'paste_a')
    probs, semantic = made_up_region(0)
    context = backdrop = None
    if kind == 'rp':
        semantic = torch.from_numpy(semantic.transpose(2, 0, 1))
        context = SemanticContext.stretched([semantic], [(0, 0, 208, 160)], weight=0.2)
        backdrop = category_map(context, image_shape=(160, 208), threshold=0.7).data[0].numpy()
    people = []
    for box, part, whole in zip(recorded['boxes'].tolist(), probs, recorded[f'{kind}_int_boxes'].tolist()):
        window = whole_pixel_window(box, num_samples=128)
        for side in range(2):
            margin = (window[2 + side] - window[side]) / 128
            assert window[side] - margin == pytest.approx(whole[side])
            assert window[2 + side] + margin == pytest.approx(max(whole[2 + side], whole[side]) + 1)
        people.append(paste_person([part], [window], image_shape=(160, 208), background_below=0, context=context))
    labels = np.stack([full_label_map(person.label_map, person.offset, (160, 208)).numpy() for person in people])
    differs = labels != recorded[f'{kind}_label']
    assert not differs[recorded.safe(f'{kind}_safe', differs.shape)].any()
    crops = CroppedPeople([person.label_map.numpy() for person in people], [person.offset for person in people], (160, 208))
    painted = paint_classes(crops, recorded[f'{kind}_scores'], threshold=0.3, backdrop=backdrop)
    safe = recorded.safe('rp_global_safe', painted.shape) if kind == 'rp' else ~differs.any(0)
    assert not (painted != recorded[f'{kind}_global'])[safe & ~differs.any(0)].any()


@pytest.mark.parametrize('name', NAMES)
def test_the_path_from_an_image_to_the_maps(folder, name):
    if not (folder / f'pipeline_{name}.npz').exists():
        pytest.skip(f'the recorded pipeline of {name} is not here')
    recorded = Recorded(folder, f'pipeline_{name}')
    model = loaded(folder, name, recorded.json, **{
        'test_cfg.rcnn.max_per_img': 12, 'postprocessor.quality_weights': (1, int(name == 'rp_rcnn'), 0)})
    image = recorded['image_bgr']
    results = dict(img=image, ori_shape=image.shape[:2], flip_pairs=())
    packed = Compose([ImagesAtScales(short_side=256, long_side=400), PackParsingInputs(images='scaled_images')])(results)
    np.testing.assert_allclose(packed['inputs'][0][:, ::16, ::16], recorded['blob_sub'], atol=1e-4)
    probabilities = []
    parse_view = model._parse_view

    def spy(*args):
        for probs, ious in parse_view(*args):
            probabilities.append(probs)
            yield probs, ious

    model._parse_view = spy
    sample, = model.test_step(pseudo_collate([packed]))
    people = sample.pred_instances
    boxes = people.bboxes.numpy() - [0, 0, 1, 1]
    order = np.abs(boxes[None] - recorded['boxes_image'][:, None]).max(-1).argmin(1)
    assert sorted(order) == list(range(12))
    np.testing.assert_allclose(boxes[order], recorded['boxes_image'], atol=0.01)
    np.testing.assert_allclose(people.bbox_scores[order], recorded['scores'], atol=1e-4)
    np.testing.assert_allclose(people.qualities[order], np.nan_to_num(recorded['parsing_scores']), atol=1e-4)
    probs = torch.cat(probabilities)[order]
    np.testing.assert_allclose(probs[:, :, ::8, ::8], recorded['roi_prob_sub8'], atol=1e-3)
    differs = probs.argmax(1).numpy() != recorded['roi_argmax']
    assert not differs[recorded.safe('roi_safe', differs.shape)].any()
    labels = np.stack([full_label_map(people.label_maps[index], people.offsets[index], (150, 190)) for index in order])
    assert (labels != recorded['label']).mean() <= 1e-3
    backdrop = sample.pred_sem_seg.data[0].numpy() if 'pred_sem_seg' in sample else None
    painted = paint_classes(cropped_people(sample), people.qualities.numpy(), threshold=0.3, backdrop=backdrop)
    assert (painted != recorded['global']).mean() <= 1e-3


@pytest.mark.parametrize('name', NAMES)
def test_a_training_step(folder, name, monkeypatch):
    if not (folder / f'train_step_{name}.npz').exists():
        pytest.skip(f'the recorded training step of {name} is not here')
    recorded = Recorded(folder, f'train_step_{name}')
    model = loaded(folder, name, recorded.json, **{
        'train_cfg.rpn.sampler.num': 10**7, 'train_cfg.rcnn.sampler.num': 10**7, 'roi_head.regions_per_image': None,
        'train_cfg.rpn_proposal.max_per_img': 1000, 'train_cfg.rpn_proposal.max_per_batch': None}).train()
    inputs = pattern(2022, (2, 3, 256, 320))
    inputs[1, :, 231:] = 0
    inputs[1, :, :, 298:] = 0
    samples = [training_sample(recorded, index) for index in range(2)]
    losses = model.loss(inputs, samples)
    total, values = model.parse_losses(losses)
    names = dict(loss_rpn_objectness='loss_rpn_cls', loss_rpn_box_reg='loss_rpn_bbox', loss_classifier='loss_cls',
                 loss_box_reg='loss_bbox', loss_parsing='loss_parsing')
    for key, value in names.items():
        assert values[value].item() == pytest.approx(recorded.json['losses'][key], rel=1e-5), key
    assert total.item() == pytest.approx(recorded.json['total'], rel=1e-5)
    total.backward()
    parameters = dict(model.named_parameters())
    largest = max(norm or 0 for norm in recorded.json['grad_norms'].values())
    for key, norm in recorded.json['grad_norms'].items():
        if norm is not None:
            grad = parameters[translate_region_key(key)].grad
            assert grad.double().norm().item() == pytest.approx(norm, rel=1e-3, abs=1e-9 * largest), key


def training_sample(recorded: Recorded, index: int) -> ParsingDataSample:
    maps = recorded.tensor(f'gt_parsing{index}')
    sample = ParsingDataSample(metainfo=dict(img_shape=maps.shape[1:]))
    sample.gt_instances = InstanceData(
        bboxes=recorded.tensor(f'gt_boxes{index}') + torch.tensor([0, 0, 1, 1]), parsing_ids=torch.arange(1, len(maps) + 1))
    assert ((maps > 0).sum(0) <= 1).all()
    human = ((maps > 0) * sample.gt_instances.parsing_ids[:, None, None]).sum(0)
    category = recorded.tensor(f'semseg{index}') if f'semseg{index}' in recorded.arrays else maps.sum(0).byte()
    sample.gt_maps = PixelData(category=category[None], human=human[None])
    return sample
