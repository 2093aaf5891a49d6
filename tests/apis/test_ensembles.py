"""Several parsers as one: from checkpoints to people, against the members alone."""
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmqanet.apis import HumanParsingInferencer, init_model
from mmqanet.apis.ensembles import members_asked_for, members_in, read_ensemble
from mmqanet.apis.inference import inference_topdown
from mmqanet.cli.main import main
from mmqanet.errors import DataError, InputError
from mmqanet.models import ParserEnsemble
from mmqanet.models.parsers import ensemble as ensembles

REPO = Path(__file__).resolve().parents[2]
BOXES = [[10, 5, 60, 100], [40.5, 20, 110, 118], [70, 2, 90, 60]]
SCORES = [0.9, 0.6, 0.4]


def make_member(path: Path, *, seed: int, meta=None, changes=None) -> Path:
    cfg = Config.fromfile(REPO / 'configs/toy/qanet_r18_toy.py')
    cfg.merge_from_dict({'model.backbone.base_channels': 8, 'model.neck.in_channels': [8, 16, 32, 64], **(changes or {})})
    torch.manual_seed(seed)
    model = init_model(cfg)
    model.iou_head.regressor.bias.data.fill_(0.3 + 0.2 * seed)
    model.parsing_head.classifier.weight.data *= 300
    stored = dict(cfg=cfg.pretty_text, dataset_meta={**model.dataset_meta, **(meta or {})})
    torch.save(dict(state_dict=model.state_dict(), meta=stored), path)
    return path


@pytest.fixture(scope='module')
def first(tmp_path_factory) -> Path:
    return make_member(tmp_path_factory.mktemp('first') / 'first.pth', seed=0)


@pytest.fixture(scope='module')
def second(tmp_path_factory) -> Path:
    """Another network with larger crops, other padding and a mirror image."""
    crop = 'test_dataloader.dataset.pipeline.2.'
    return make_member(tmp_path_factory.mktemp('second') / 'second.pth', seed=1, changes={
        'model.flip_test': True, f'{crop}input_size': (128, 160), f'{crop}padding': 1.3})


@pytest.fixture(scope='module')
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 30, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)


def parse(model, picture):
    sample, = inference_topdown(model, picture, BOXES, box_scores=SCORES)
    return sample


def ensemble(*members, **options) -> ParserEnsemble:
    model = init_model(None, ensemble=members, **options)
    assert isinstance(model, ParserEnsemble)
    return model


def assert_same(ours, theirs):
    for key in ('qualities', 'part_qualities', 'iou_scores', 'pixel_scores', 'bboxes', 'bbox_scores', 'offsets'):
        assert torch.equal(ours.pred_instances[key], theirs.pred_instances[key]), key
    assert all(map(torch.equal, ours.pred_instances.label_maps, theirs.pred_instances.label_maps))
    for key in ('category', 'human', 'part'):
        assert torch.equal(getattr(ours.pred_maps, key), getattr(theirs.pred_maps, key))


@pytest.mark.parametrize('one_at_a_time', [False, True])
def test_one_member_is_the_plain_parser_to_the_bit(first, second, picture, one_at_a_time):
    for path in (first, second):
        assert_same(parse(ensemble(path, one_at_a_time=one_at_a_time), picture), parse(init_model(None, path), picture))


def test_equal_members_are_the_plain_parser(first, picture):
    """Up to rounding: a single map is compared along borders only, a mean at every pixel."""
    ours, theirs = parse(ensemble(first, first), picture), parse(init_model(None, first), picture)
    assert torch.equal(ours.pred_instances.iou_scores, theirs.pred_instances.iou_scores)
    for key in ('qualities', 'part_qualities', 'pixel_scores'):
        torch.testing.assert_close(ours.pred_instances[key], theirs.pred_instances[key], rtol=1e-4, atol=1e-4)
    assert (ours.pred_maps.category == theirs.pred_maps.category).float().mean() > 0.999


def test_a_member_without_weight_says_nothing(first, second, picture):
    ours = parse(ensemble(first, dict(checkpoint=second, weight=0)), picture)
    alone = parse(init_model(None, first), picture)
    torch.testing.assert_close(ours.pred_instances.qualities, alone.pred_instances.qualities)
    torch.testing.assert_close(ours.pred_instances.iou_scores, alone.pred_instances.iou_scores)
    assert torch.equal(ours.pred_maps.category, alone.pred_maps.category)


def full_probabilities(path, picture, monkeypatch) -> tuple[np.ndarray, np.ndarray]:
    """What one parser says of all pixels (N, C, H, W) of the image, and its IoU scores; by a plain loop over the pixels."""
    from mmqanet.models import QualityAwarePostprocessor

    taken = []
    paste = QualityAwarePostprocessor.paste
    with monkeypatch.context() as patch:
        patch.setattr(QualityAwarePostprocessor, 'paste', lambda self, probs, windows, **options: (
            taken.append((probs, windows)), paste(self, probs, windows, **options))[1])
        sample = parse(init_model(None, path), picture)
    people = []
    for (probs,), ((x1, y1, x2, y2),) in taken:
        height, width = probs.shape[1:]
        x = (np.arange(picture.shape[1]) + 0.5 - x1) / (x2 - x1) * width - 0.5
        y = (np.arange(picture.shape[0]) + 0.5 - y1) / (y2 - y1) * height - 0.5
        weights_x = np.clip(1 - abs(x[:, None] - np.arange(width)), 0, 1)
        weights_y = np.clip(1 - abs(y[:, None] - np.arange(height)), 0, 1)
        people.append(weights_y @ probs.numpy().astype(float) @ weights_x.T)
    return np.stack(people), sample.pred_instances.iou_scores.numpy()


@pytest.mark.parametrize('weights', [(1, 1), (3, 1)])
def test_probabilities_and_iou_scores_are_averaged_by_weight(first, second, picture, weights, monkeypatch):
    (probs, ious), (other_probs, other_ious) = (
        full_probabilities(path, picture, monkeypatch) for path in (first, second))
    members = [dict(checkpoint=path, weight=weight) for path, weight in zip((first, second), weights)]
    ours = parse(ensemble(*members), picture)
    share = weights[0] / sum(weights)
    mean = share * probs + (1 - share) * other_probs
    np.testing.assert_allclose(ours.pred_instances.iou_scores, share * ious + (1 - share) * other_ious, rtol=1e-5)
    assert ours.pred_instances.bbox_scores.tolist() == pytest.approx(SCORES)
    best = np.sort(mean, axis=1)
    least = 1 / mean.shape[1]
    decided = (abs(best[:, -1] - least) > 1e-4) & ((best[:, -1] < least) | (best[:, -1] - best[:, -2] > 1e-4))
    expected = np.where(best[:, -1] < least, 0, mean.argmax(1))
    for index, (label_map, (top, left)) in enumerate(zip(ours.pred_instances.label_maps, ours.pred_instances.offsets)):
        full = np.zeros(picture.shape[:2], int)
        full[top:top + label_map.shape[0], left:left + label_map.shape[1]] = label_map
        assert (full == expected[index])[decided[index]].all()
        assert decided[index].mean() > 0.99
    assert (expected != probs.argmax(1)).any()  # the second member matters


def test_the_order_of_members_does_not_matter(first, second, picture):
    ours, theirs = parse(ensemble(first, second), picture), parse(ensemble(second, first), picture)
    torch.testing.assert_close(ours.pred_instances.qualities, theirs.pred_instances.qualities)
    assert (ours.pred_maps.category == theirs.pred_maps.category).float().mean() > 0.999


def test_members_are_kept_or_taken_in_turn_with_the_same_result(first, second, picture, monkeypatch):
    monkeypatch.setattr(ensembles, 'DEVICE_CROPS', 2)
    kept = parse(ensemble(first, second), picture)
    model = ensemble(first, second, one_at_a_time=True)
    moves = []
    for index, member in enumerate(model.members):
        monkeypatch.setattr(member, 'to', lambda device, index=index: moves.append((index, str(device))))
    assert_same(parse(model, picture), kept)
    assert len(moves) == 8  # two groups of people, two members in each, both of which are moved


def test_memory_holds_the_maps_of_few_people(first, second, picture, monkeypatch):
    """Taken and pasted by turns: no member runs ahead by more than its batch."""
    model = ensemble(first, second, max_crops=1)
    order = []
    for index, member in enumerate(model.members):
        forward = member.forward_crops

        def crops(*args, forward=forward, index=index, **options):
            for found in forward(*args, **options):
                order.append(index)
                yield found

        monkeypatch.setattr(member, 'forward_crops', crops)
    parse(model, picture)
    assert order == [0, 1] * len(BOXES)


def test_options_reach_every_member(first, second, picture):
    model = ensemble(first, second, tta=[1, 1.1], crop='align', max_crops=3, precision='bfloat16')
    assert [member.flip_test for member in model.members] == [True, True]
    assert {(member.max_crops_per_batch, member.precision) for member in model.members} == {(3, 'bfloat16')}
    sample = parse(model, picture)
    assert [len(crops) for crops in sample.member_crops] == [6, 6]
    assert sample.crop_sampler == 'align'


def test_an_image_without_people(first, second, picture):
    sample, = inference_topdown(ensemble(first, second), picture, np.zeros((0, 4)))
    assert len(sample.pred_instances.qualities) == 0
    assert not sample.pred_maps.category.any()


def test_batches_of_images_change_nothing(first, second, picture):
    model = ensemble(first, second)
    together = inference_topdown(model, [picture, picture[:100]], [BOXES, [[5, 5, 50, 90]]])
    alone, = inference_topdown(model, picture[:100], [[5, 5, 50, 90]])
    torch.testing.assert_close(together[1].pred_instances.qualities, alone.pred_instances.qualities, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(('change', 'message'), [
    (lambda meta: ('back', *meta['classes'][1:-1], 'cape'), "class 0 is 'back', and that of .*first.pth is 'background'"),
    (lambda meta: (*meta['classes'][:2], meta['classes'][3], meta['classes'][2], *meta['classes'][4:]), 'class 2 is'),
])
def test_other_classes_are_refused_by_name(first, tmp_path, change, message):
    meta = init_model(None, first).dataset_meta
    other = make_member(tmp_path / 'other.pth', seed=2, meta=dict(classes=change(meta)))
    with pytest.raises(InputError, match=message):
        ensemble(first, other)


@pytest.mark.parametrize(('members', 'error', 'message'), [
    (['nowhere.pth'], DataError, 'nowhere.pth: no such checkpoint'),
    ([dict(config='a.py')], InputError, 'a.py has no checkpoint'),
    ([3], InputError, 'members: 3 is no checkpoint'),
    ([dict(checkpoint='a.pth', wieght=2)], InputError, 'is no checkpoint and no dict'),
    ([dict(checkpoint='a.pth', weight=-1)], InputError, 'weights: '),
    ([dict(checkpoint='a.pth', weight=0)], InputError, 'not all 0'),
])
def test_bad_members_are_refused(members, error, message):
    with pytest.raises(error, match=message):
        ensemble(*members)


def recipe_of(**model):
    return Config(dict(model=model))


def test_members_of_a_config_are_those_with_checkpoints():
    listed = [dict(checkpoint='a.pth', weight=2.0), dict(checkpoint='b.pth')]
    assert [member.weight for member in members_in(recipe_of(type='ParserEnsemble', members=listed))] == [2, 1]
    assert members_in(recipe_of(type='mmqanet.ParserEnsemble', members=[dict(type='QANet')])) == []
    assert members_in(recipe_of(type='ParserEnsemble')) == members_in(recipe_of(type='QANet', members=3)) == []
    for wrong in ('a.pth', 3, ['a.pth', 'b.pth'], dict(checkpoint='a.pth'), 'x' * 9000):
        with pytest.raises(InputError, match='is no list of members, each a dict') as refusal:
            members_in(recipe_of(type='ParserEnsemble', members=wrong))
        assert len(str(refusal.value)) < 150


def test_a_command_gets_one_parser_or_members():
    plain, joined = recipe_of(type='QANet'), recipe_of(type='ParserEnsemble', members=[dict(checkpoint='a.pth')])
    assert members_asked_for([], plain, checkpoint='x.pth') == []
    assert members_asked_for(['b.pth'], plain, checkpoint=None) == ['b.pth']
    assert members_asked_for(['b.pth'], joined, checkpoint=None) == ['b.pth']
    assert [member.checkpoint for member in members_asked_for([], joined, checkpoint=None)] == ['a.pth']
    for given, base in (([], joined), (['b.pth'], plain)):
        with pytest.raises(InputError, match=r'x\.pth: an ensemble names all of its members; this checkpoint is not used'):
            members_asked_for(given, base, checkpoint='x.pth')
    with pytest.raises(InputError, match='checkpoint: give one, or several after --ensemble'):
        members_asked_for([], plain, checkpoint=None)


def test_options_that_do_not_fit_one_parser_are_refused(first, tmp_path):
    line = dict(qualities=[0.5], ious=[0.5])
    calibration = dict(people=line, parts=[line] * 3, pooled=line)
    with pytest.raises(InputError, match='one_at_a_time: is an option of ensembles'):
        init_model(None, first, one_at_a_time=True)
    with pytest.raises(InputError, match="precision is 'float64', but must be auto or one of"):
        init_model(None, first, precision='float64')
    with pytest.raises(InputError, match='calibration: of 3 parts, and the network has 19'):
        make_member(tmp_path / 'a.pth', seed=0, changes={'model.postprocessor.calibration': calibration})


def test_members_of_other_mirror_pairs_are_refused(first, tmp_path):
    other = make_member(tmp_path / 'other.pth', seed=2, meta=dict(flip_pairs=((14, 15),)))
    with pytest.raises(InputError, match=r'other\.pth: flip_pairs are .*, and those of .*first\.pth are'):
        ensemble(first, other)


def test_a_config_names_the_members(first, second, picture, tmp_path):
    recipe = tmp_path / 'recipe.py'
    recipe.write_text(f"""
_base_ = {str(REPO / 'configs/toy/qanet_r18_toy.py')!r}
model = dict(_delete_=True, type='ParserEnsemble', members=[
    dict(checkpoint={str(first)!r}, weight=2), dict(checkpoint={str(second)!r})])
""")
    ours = parse(init_model(recipe), picture)
    assert_same(ours, parse(ensemble(dict(checkpoint=first, weight=2), second), picture))


def test_a_checkpoint_may_be_an_ensemble(first, second, picture, tmp_path):
    """Its config is read as data, like that of any other parser."""
    model = ensemble(first, dict(checkpoint=second, weight=2))
    path = tmp_path / 'together.pth'
    torch.save(dict(state_dict=model.state_dict(), meta=dict(cfg=model.cfg.pretty_text, dataset_meta=dict(
        model.dataset_meta))), path)
    assert_same(parse(init_model(None, path), picture), parse(model, picture))


def test_the_inferencer_takes_an_ensemble(first, second, picture):
    inferencer = HumanParsingInferencer(ensemble=[first, second], device='cpu')
    result = inferencer(picture, boxes=BOXES, box_scores=SCORES, return_datasamples=True)['predictions'][0]
    assert_same(result, parse(ensemble(first, second), picture))
    with pytest.raises(InputError, match='names all of its members'):
        HumanParsingInferencer(weights=first, ensemble=[second], device='cpu')
    with pytest.raises(InputError, match='cannot be exported'):
        HumanParsingInferencer(ensemble=[first, second], device='cpu', backend='onnx')


def test_every_member_gets_crops_of_its_own(first, second):
    model, crops = ensemble(first, second), torch.zeros(1, 3, 64, 48)
    with torch.no_grad():
        found = model([crops, crops], mode='tensor')
        for (logits, _), member in zip(found, model.members, strict=True):
            torch.testing.assert_close(logits, member(crops, mode='tensor')[0])
        with pytest.raises(ValueError, match='zip'):
            model([crops], mode='tensor')


def test_an_ensemble_is_not_trained(first):
    with pytest.raises(InputError, match='is not trained'):
        ensemble(first)(None, None, mode='loss')


def test_the_command_takes_an_ensemble(first, second, picture, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / 'a.png'), picture)
    words = ['parse', str(tmp_path / 'a.png'), '--boxes', 'image', '--device', 'cpu', '--save']
    options = ['--ensemble', str(first), str(second), '--ensemble-weights', '2', '1']
    assert main([*words, '--out', str(tmp_path / 'out'), *options]) == 0
    found = json.loads((tmp_path / 'out/a.json').read_text())
    sample, = inference_topdown(ensemble(dict(checkpoint=first, weight=2), second), picture)
    assert [person['scores']['iou'] for person in found['people']] == pytest.approx(
        sample.pred_instances.iou_scores.tolist(), abs=1e-3)
    for wrong, message in ((['--ensemble-weights', '1'], '1 of them for 2 members'),
                           (['--checkpoint', str(first)], 'names all of its members')):
        assert main([*words, '--out', str(tmp_path / 'no'), *options[:3], *wrong]) == 1
        assert message in capsys.readouterr().err


def test_the_default_label_set_is_that_of_all_members(first, tmp_path):
    content = torch.load(first, weights_only=False)
    content['meta']['default_classes'] = 'coarse'
    torch.save(content, tmp_path / 'coarse.pth')
    assert read_ensemble([tmp_path / 'coarse.pth', tmp_path / 'coarse.pth']).meta['default_classes'] == 'coarse'
    assert 'default_classes' not in read_ensemble([tmp_path / 'coarse.pth', first]).meta
