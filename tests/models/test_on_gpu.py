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
