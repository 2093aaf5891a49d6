import pytest
import torch
from mmengine.structures import InstanceData

from mmqanet.errors import InputError
from mmqanet.functional import pixel_scores
from mmqanet.functional.geometry import PersonCrop
from mmqanet.functional.pasting import full_label_map
from mmqanet.models.postprocessor import QualityAwarePostprocessor
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample

IMAGE = (70, 90)
BOXES = [(10, 8, 30, 44), (52, 12, 75, 60), (-9, 30, 12, 66), (40, 20, 60, 66)]
CLASSES = 4


def make_sample(boxes=BOXES, scores=None, scale_factors=(1.0,)):
    crops = [PersonCrop.from_box(box, output_size=(24, 32)).scaled(factor) for box in boxes for factor in scale_factors]
    sample = ParsingDataSample(metainfo=dict(ori_shape=IMAGE, crops=crops))
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).view(-1, 4),
        bbox_scores=torch.linspace(0.9, 0.5, len(boxes)) if scores is None else torch.tensor(scores))
    return sample


def make_answers(number, seed=0):
    """Probabilities and raw IoU scores of ``number`` crops."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(number, CLASSES, 8, 6, generator=generator).repeat_interleave(4, 2).repeat_interleave(4, 3)
    return list(zip((3 * noise).softmax(1), torch.rand(number, generator=generator)))


def fill(postprocessor, sample, answers):
    """Paste everybody and pack them, as a parser does."""
    boxes, people, iou_scores = sample.gt_instances, [], []
    number = len(sample.crops) // max(len(boxes.bboxes), 1)
    for first in range(0, len(sample.crops), number or 1):
        windows = [crop.window for crop in sample.crops[first:first + number]]
        probs, ious = zip(*(next(answers) for _ in windows))
        people.append(postprocessor.paste(probs, windows, image_shape=IMAGE))
        iou_scores.append(sum(ious) / number)
    return postprocessor.pack(sample, people, bboxes=boxes.bboxes, bbox_scores=boxes.bbox_scores, iou_scores=iou_scores,
                              num_classes=CLASSES)


def full_image(sample, answers):
    """(N, C, H, W) float64: every crop pasted over the whole image, the scales of a person averaged."""
    height, width = sample.ori_shape
    pasted = []
    for crop, (probs, _) in zip(sample.crops, answers):
        x1, y1, x2, y2 = crop.window
        x = (torch.arange(width).double() + 0.5 - x1) / (x2 - x1) * 2 - 1
        y = (torch.arange(height).double() + 0.5 - y1) / (y2 - y1) * 2 - 1
        grid = torch.stack(torch.meshgrid(x, y, indexing='xy'), dim=-1)[None]
        pasted.append(torch.nn.functional.grid_sample(probs.double()[None], grid, align_corners=False)[0])
    number = len(sample.gt_instances.bboxes)
    return torch.stack(pasted).view(number, -1, CLASSES, height, width).mean(1)


@pytest.mark.parametrize('scale_factors', [(1.0,), (0.8, 1.0, 1.3)])
@pytest.mark.parametrize('threshold', [0.0, 0.2, 0.5])
def test_people_agree_with_the_full_image(scale_factors, threshold):
    sample = make_sample(scale_factors=scale_factors)
    answers = make_answers(len(sample.crops))
    fill(QualityAwarePostprocessor(pixel_score_thr=threshold, quality_weights=(2, 1, 3)), sample, iter(answers))
    people, full = sample.pred_instances, full_image(sample, answers)

    best, labels = full.max(1)
    labels[best < 1 / CLASSES] = 0
    maps = torch.stack([full_label_map(crop, offset, IMAGE) for crop, offset in zip(people.label_maps, people.offsets)])
    assert (maps == labels).float().mean() > 0.9999
    instance, parts = pixel_scores(full, threshold)
    torch.testing.assert_close(people.pixel_scores, instance.float(), rtol=0, atol=1e-4)
    torch.testing.assert_close(people.part_pixel_scores, parts.float(), rtol=0, atol=1e-4)

    iou = torch.stack([answer[1] for answer in answers]).view(len(BOXES), -1).mean(1)
    torch.testing.assert_close(people.iou_scores, iou)
    box = sample.gt_instances.bbox_scores
    torch.testing.assert_close(people.bbox_scores, box)
    torch.testing.assert_close(people.qualities, (box**2 * iou * people.pixel_scores**3) ** (1 / 6))
    torch.testing.assert_close(
        people.part_qualities, (box[:, None]**2 * iou[:, None] * people.part_pixel_scores**3) ** (1 / 6))


def one_class(label):
    """A crop that is all of one class."""
    probs = torch.full((CLASSES, 32, 24), 0.02)
    probs[label] = 0.94
    return probs


def test_the_image_maps_of_people_apart():
    sample = make_sample(boxes=[(5, 10, 20, 30), (50, 10, 65, 30)], scores=[0.9, 0.2])
    answers = [(one_class(2), torch.tensor(0.5)), (one_class(3), torch.tensor(0.9))]
    fill(QualityAwarePostprocessor(quality_weights=(0, 1, 0)), sample, iter(answers))
    maps, parts = sample.pred_maps, sample.pred_parts
    assert maps.category.shape == maps.human.shape == maps.part.shape == (1, *IMAGE)
    assert maps.category[0, 20, 12] == 2
    assert maps.category[0, 20, 57] == 0  # the box score of the second person is below 0.3
    assert [maps.human[0, 20, x].item() for x in (12, 57, 40)] == [1, 2, 0]
    assert [maps.part[0, 20, x].item() for x in (12, 57, 40)] == [1, 2, 0]  # by ascending quality
    assert parts.labels.tolist() == [2, 3]
    assert parts.people.tolist() == [0, 1]
    assert parts.scores.tolist() == pytest.approx([0.5, 0.9])


def test_thresholds_reach_the_merging():
    boxes = [(5, 10, 20, 30), (5, 10, 20, 30), (50, 10, 65, 30)]
    answers = [(one_class(label), torch.tensor(score)) for label, score in ((2, 0.5), (2, 0.7), (3, 0.4))]

    def people_seen(**settings):
        sample = make_sample(boxes=boxes, scores=[0.9, 0.8, 0.2])
        fill(QualityAwarePostprocessor(quality_weights=(0, 1, 0), **settings), sample, iter(answers))
        return set(sample.pred_maps.human.unique().tolist()), set(sample.pred_maps.category.unique().tolist())

    assert people_seen() == ({0, 2, 3}, {0, 2})  # person 1 is suppressed by its better duplicate
    assert people_seen(bbox_score_thr=0.1) == ({0, 2, 3}, {0, 2, 3})
    assert people_seen(instance_score_thr=0.45) == ({0, 2}, {0, 2})
    assert people_seen(category_quality_thr=0.4) == ({0, 2, 3}, {0, 2, 3})
    boxes[0] = (6, 10, 21, 30)  # now they differ a little
    assert people_seen(nms_iou_thr=0.99)[0] == {0, 1, 2, 3}


@pytest.mark.parametrize(('score', 'seen'), [(0.2999, {0}), (0.3, {0, 2})])
def test_a_box_score_of_0_3_enters_the_category_map(score, seen):
    """As in the release, where no config says otherwise."""
    sample = make_sample(boxes=BOXES[:1], scores=[score])
    fill(QualityAwarePostprocessor(), sample, iter([(one_class(2), torch.tensor(0.5))]))
    assert set(sample.pred_maps.category.unique().tolist()) == seen
    assert set(sample.pred_maps.human.unique().tolist()) == {0, 1}


def test_the_settings_are_those_of_the_paper_where_no_config_states_them():
    postprocessor = QualityAwarePostprocessor()
    assert postprocessor.quality_weights == (1.0, 0.5, 3.0)
    assert (postprocessor.pixel_score_thr, postprocessor.nms_iou_thr, postprocessor.instance_score_thr) == (0.2, 0.6, 0.01)
    assert postprocessor.pixel_score_sweep == ()
    assert postprocessor.min_region == 0


def test_new_weights_without_new_answers():
    sample = make_sample()
    answers = make_answers(len(BOXES))
    fill(QualityAwarePostprocessor(quality_weights=(1, 0, 0)), sample, iter(answers))
    assert torch.equal(sample.pred_instances.qualities, sample.gt_instances.bbox_scores)
    other = QualityAwarePostprocessor(quality_weights=(0, 0, 1))
    other.rescore(sample)
    expected = fill(other, make_sample(), iter(answers))
    assert torch.equal(sample.pred_instances.qualities, sample.pred_instances.pixel_scores)
    for name in ('category', 'human', 'part'):
        assert torch.equal(sample.pred_maps.get(name), expected.pred_maps.get(name))
    assert torch.equal(sample.pred_parts.scores, expected.pred_parts.scores)


def test_a_sweep_keeps_the_pixel_scores_of_other_thresholds():
    answers = make_answers(len(BOXES))
    sample = fill(QualityAwarePostprocessor(pixel_score_sweep=(0.0, 0.2, 0.7)), make_sample(), iter(answers))
    plain = fill(QualityAwarePostprocessor(), make_sample(), iter(answers)).pred_instances
    other = fill(QualityAwarePostprocessor(pixel_score_thr=0.7), make_sample(), iter(answers)).pred_instances
    swept = sample.pred_instances
    assert 'sweep_pixel_scores' not in plain
    assert torch.equal(swept.qualities, plain.qualities)
    assert torch.equal(swept.sweep_pixel_scores[:, 1], plain.pixel_scores)
    torch.testing.assert_close(swept.sweep_pixel_scores[:, 2], other.pixel_scores)
    torch.testing.assert_close(swept.sweep_part_pixel_scores[:, 2], other.part_pixel_scores)
    empty = fill(QualityAwarePostprocessor(pixel_score_sweep=(0.0, 0.4)), make_sample([]), iter(()))
    assert empty.pred_instances.sweep_part_pixel_scores.shape == (0, 2, CLASSES - 1)


@pytest.mark.parametrize(('raw', 'kept'), [(-0.3, 0.0), (1.4, 1.0), (0.4, 0.4)])
def test_the_iou_score_is_clamped(raw, kept):
    sample = make_sample(boxes=BOXES[:1])
    fill(QualityAwarePostprocessor(quality_weights=(0, 1, 0)), sample, iter([(one_class(1), torch.tensor(raw))]))
    assert sample.pred_instances.iou_scores.item() == pytest.approx(kept)
    assert sample.pred_instances.qualities.item() == pytest.approx(kept)


def test_speckles_are_gone_before_anything_is_scored_where_asked():
    probs = one_class(1).clone()
    probs[:, 10:13, 10:13] = torch.tensor([0.1, 0.2, 0.7, 0.0])[:, None, None]
    kept, cleaned = (
        fill(QualityAwarePostprocessor(min_region=share), make_sample(boxes=BOXES[:1]), iter([(probs, torch.tensor(0.5))]))
        for share in (9 / probs[0].numel(), 10 / probs[0].numel()))
    assert kept.pred_instances.label_maps[0].unique().tolist() == [0, 1, 2]  # 0 at its rim
    assert kept.pred_parts.labels.tolist() == [1, 2]
    assert cleaned.pred_instances.label_maps[0].unique().tolist() == [0, 1]
    assert cleaned.pred_parts.labels.tolist() == [1]
    assert cleaned.pred_instances.part_pixel_scores[0, 1] == 0


def test_an_image_with_nobody_gives_an_empty_result():
    sample = make_sample(boxes=[])
    fill(QualityAwarePostprocessor(), sample, iter([]))
    people = sample.pred_instances
    assert len(people.label_maps) == 0
    assert people.bboxes.shape == (0, 4)
    assert people.offsets.shape == (0, 2)
    assert people.part_qualities.shape == people.part_pixel_scores.shape == (0, CLASSES - 1)
    assert sample.pred_maps.category.shape == (1, *IMAGE)
    assert not sample.pred_maps.category.any()
    assert len(sample.pred_parts.labels) == 0


def test_somebody_outside_the_image_is_kept_without_pixels():
    sample = make_sample(boxes=[BOXES[0], (300, 300, 340, 380)])
    fill(QualityAwarePostprocessor(), sample, iter(make_answers(2)))
    assert sample.pred_instances.label_maps[1].numel() == 0
    assert sample.pred_instances.qualities[1] == 0
    assert set(sample.pred_maps.human.unique().tolist()) == {0, 1}


LINES = [dict(qualities=[0.0, 1.0], ious=[0.0, top]) for top in (0.5, 0.2, 0.4, 0.8)]
CALIBRATION = dict(people=LINES[0], parts=LINES[1:], pooled=LINES[0])


def test_a_calibration_adds_expected_ious_and_changes_nothing_else():
    plain, calibrated = (fill(postprocessor, make_sample(), iter(make_answers(len(BOXES)))) for postprocessor in (
        QualityAwarePostprocessor(), QualityAwarePostprocessor(calibration=CALIBRATION)))
    people = calibrated.pred_instances
    torch.testing.assert_close(people.expected_ious, 0.5 * people.qualities)
    torch.testing.assert_close(people.expected_part_ious, people.part_qualities * torch.tensor([0.2, 0.4, 0.8]))
    assert 'expected_ious' not in plain.pred_instances
    for name in ('qualities', 'part_qualities', 'kept'):
        assert torch.equal(people[name], plain.pred_instances[name]), name
    for name in ('category', 'human', 'part'):
        assert torch.equal(getattr(calibrated.pred_maps, name), getattr(plain.pred_maps, name)), name
    assert torch.equal(calibrated.pred_parts.scores, plain.pred_parts.scores)
    nobody = make_sample(boxes=[])
    fill(QualityAwarePostprocessor(calibration=CALIBRATION), nobody, iter([]))
    assert nobody.pred_instances.expected_part_ious.shape == (0, 3)


@pytest.mark.parametrize('settings', [
    dict(quality_weights=(0, 0, 0)), dict(quality_weights=(1, -1, 1)), dict(pixel_score_thr=1.2),
    dict(bbox_score_thr=-0.1), dict(pixel_score_sweep=(0.2, 1.1)), dict(nms_iou_thr=2.0),
    dict(instance_score_thr=float('nan')), dict(category_quality_thr=-1.0), dict(min_region=1.0),
    dict(calibration={'people': LINES[0]})])
def test_bad_settings_are_refused_by_name(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        QualityAwarePostprocessor(**settings)


def test_bad_people_are_refused_by_name():
    postprocessor = QualityAwarePostprocessor()
    boxes = make_sample().gt_instances
    people = [postprocessor.paste([one_class(1)], [(0, 0, 9, 9)], image_shape=IMAGE)] * 3
    with pytest.raises(InputError, match='3 with 3 iou_scores do not fit 4 bboxes'):
        postprocessor.pack(make_sample(), people, bboxes=boxes.bboxes, bbox_scores=boxes.bbox_scores,
                           iou_scores=[1, 1, 1], num_classes=CLASSES)
    with pytest.raises(InputError, match='bbox_scores must'):
        fill(postprocessor, make_sample(scores=[0.5, 0.5, 0.5, 1.5]), iter(make_answers(4)))
    with pytest.raises(InputError, match='iou_scores'):
        fill(postprocessor, make_sample(), iter([(probs, torch.tensor(float('nan'))) for probs, _ in make_answers(4)]))
    with pytest.raises(InputError, match='probs'):
        fill(postprocessor, make_sample(), iter([(probs * 2, iou) for probs, iou in make_answers(4)]))


def test_the_registry_builds_it():
    cfg = dict(type='QualityAwarePostprocessor', quality_weights=(1, 1, 0), nms_iou_thr=0.5)
    assert MODELS.build(cfg).quality_weights == (1, 1, 0)
