"""The network's parts on a GPU say what they say on the CPU: ``pytest -m gpu``; elsewhere these are skipped.

``MMQANET_TEST_DEVICE`` names the device; ``cpu`` tries the tests themselves.
"""
import os
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmqanet.functional.pasting import paste_person
from mmqanet.functional.quality import fuse_quality, pixel_scores
from mmqanet.registry import MODELS

DEVICE = os.environ.get('MMQANET_TEST_DEVICE', 'cuda')
REPO = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(
    DEVICE.startswith('cuda') and not torch.cuda.is_available(), reason='there is no GPU here')]


def tiny():
    cfg = Config.fromfile(REPO / 'configs/toy/qanet_r18_toy.py')
    cfg.merge_from_dict({'model.backbone.base_channels': 8, 'model.neck.in_channels': [8, 16, 32, 64]})
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmqanet'):
        return MODELS.build(cfg.model)


def losses_of(model, device: str) -> dict:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 64, 48, generator=generator).to(device)
    labels = torch.randint(0, 20, (2, 64, 48), generator=generator).to(device)
    logits, iou = model(images)
    return model.parsing_head.loss(logits.float(), labels) | model.iou_head.loss(iou.float(), logits.float(), labels)


def test_losses_and_their_gradients():
    found = {}
    for device in ('cpu', DEVICE):
        model = tiny().to(device).train()
        losses = losses_of(model, device)
        sum(losses.values()).backward()
        found[device] = ({name: float(loss.detach()) for name, loss in losses.items()},
                         model.parsing_head.classifier.weight.grad.cpu())
    assert found[DEVICE][0] == pytest.approx(found['cpu'][0], rel=2e-2, abs=1e-3)
    torch.testing.assert_close(found[DEVICE][1], found['cpu'][1], rtol=5e-2, atol=1e-3)


def test_pasting_and_qualities():
    probs = torch.randn(20, 32, 24, generator=torch.Generator().manual_seed(0)).mul(4).softmax(0)
    people = [paste_person([probs.to(device)], [(5.5, -3.0, 60.0, 95.0)], image_shape=(100, 80))
              for device in ('cpu', DEVICE)]
    assert people[0].offset == people[1].offset
    assert (people[0].label_map == people[1].label_map.cpu()).float().mean() > 0.999
    torch.testing.assert_close(people[0].pixel_scores, people[1].pixel_scores.cpu(), atol=1e-4, rtol=0)
    score = pixel_scores(probs[None].to(DEVICE))[0]
    torch.testing.assert_close(score.cpu(), pixel_scores(probs[None])[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(fuse_quality(score, score, score), score, atol=1e-5, rtol=0)


def test_a_step_in_mixed_precision_stays_finite_and_near():
    model = tiny().to(DEVICE).train()
    exact = {name: float(loss.detach()) for name, loss in losses_of(model, DEVICE).items()}
    with torch.autocast(torch.device(DEVICE).type, torch.bfloat16):
        losses = losses_of(model, DEVICE)
    sum(losses.values()).backward()
    assert all(bool(torch.isfinite(parameter.grad).all()) for parameter in model.parameters() if parameter.grad is not None)
    assert {name: float(loss.detach()) for name, loss in losses.items()} == pytest.approx(exact, rel=0.1, abs=0.05)


def test_channels_last_changes_nothing():
    model = tiny().to(DEVICE).eval()
    images = torch.randn(2, 3, 64, 48, generator=torch.Generator().manual_seed(0)).to(DEVICE)
    with torch.no_grad():
        plain = model(images)[0]
        other = model.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))[0]
    torch.testing.assert_close(plain, other, rtol=1e-2, atol=1e-3)


def test_two_steps_with_one_seed_are_equal():
    found = []
    for _ in range(2):
        model = tiny().to(DEVICE).train()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(2):
            optimizer.zero_grad()
            sum(losses_of(model, DEVICE).values()).backward()
            optimizer.step()
        found.append(model.parsing_head.classifier.weight.detach().cpu())
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)


def steps(model, optimizer, seeds) -> None:
    """A step of training on made-up images by each seed."""
    for seed in seeds:
        torch.manual_seed(seed)
        images, labels = torch.randn(2, 3, 64, 48).to(DEVICE), torch.randint(0, 20, (2, 64, 48)).to(DEVICE)
        optimizer.zero_grad()
        logits, iou = model(images)
        losses = model.parsing_head.loss(logits, labels) | model.iou_head.loss(iou, logits, labels)
        sum(losses.values()).backward()
        optimizer.step()


def test_training_goes_on_from_a_file_as_without_a_break(tmp_path):
    def begin():
        model = tiny().to(DEVICE).train()
        return model, torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    whole, first, second = begin(), begin(), begin()
    steps(*whole, seeds=range(4))
    steps(*first, seeds=range(2))
    torch.save([part.state_dict() for part in first], tmp_path / 'state.pth')
    for part, state in zip(second, torch.load(tmp_path / 'state.pth', map_location=DEVICE, weights_only=True)):
        part.load_state_dict(state)
    steps(*second, seeds=range(2, 4))
    for (name, ours), theirs in zip(second[0].state_dict().items(), whole[0].state_dict().values()):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6, msg=name)
    assert not torch.equal(first[0].parsing_head.classifier.weight, whole[0].parsing_head.classifier.weight)
