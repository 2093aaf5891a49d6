"""The dense pose parser: the network as released, mirror images, and the way from crops to scored people."""
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up import made_up_input, released_state
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData
from scipy.io import savemat

from mmqanet.checkpoints.conversion.released_weights import convert_released
from mmqanet.errors import DataError, InputError
from mmqanet.functional.charts import MIRRORED_CHARTS, MIRRORED_PARTS
from mmqanet.functional.geometry import PersonCrop
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample

CONFIG = Path(__file__).resolve().parents[3] / 'configs/densepose/qanet_r50_densepose-coco.py'


def dense_parser(**changes):
    cfg = dict(
        type='DensePoseParser', backbone=dict(type='ResNetV1c', depth=18, base_channels=8, stem_channels=8),
        neck=dict(type='SemanticFPN', in_channels=[8, 16, 32, 64], out_channels=8),
        uv_head=dict(type='UVHead', in_channels=8),
        postprocessor=dict(type='DensePosePostprocessor', quality_weights=(1, 0, 1), pixel_score_thr=0.02), **changes)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmqanet'):
        model = MODELS.build(cfg).eval()
    for layer in (model.uv_head.parts, model.uv_head.charts):
        torch.nn.init.normal_(layer.weight, std=2)
    return model


def sample_of(boxes, *, shape=(50, 60)):
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    crops = [PersonCrop.from_box(box, output_size=(32, 64)) for box in boxes]
    sample = ParsingDataSample(metainfo=dict(ori_shape=shape, crops=crops, flip_pairs=(), img_id=1))
    sample.gt_instances = InstanceData(bboxes=boxes, bbox_scores=torch.linspace(0.9, 0.5, len(boxes)))
    pixels = torch.randint(0, 256, (len(crops), 3, 64, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return pixels, sample


@pytest.fixture
def mirror_file(tmp_path) -> str:
    """Tables by which U becomes 1 - U and V stays."""
    v, u = np.meshgrid(np.arange(256) / 255, np.arange(256) / 255, indexing='ij')
    cells = {}
    for name, table in (('U_transforms', 1 - u), ('V_transforms', v)):
        cells[name] = np.empty((1, 24), dtype=object)
        for chart in range(24):
            cells[name][0, chart] = table
    savemat(tmp_path / 'mirror.mat', cells)
    return str(tmp_path / 'mirror.mat')


def test_the_network_agrees_with_the_released_one(golden_dir):
    folder = golden_dir / 'dense_and_masks'
    facts = json.loads((folder / 'network_uv_r50c_256x192.json').read_text())
    cfg = Config.fromfile(CONFIG).model
    cfg.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope('mmqanet'), torch.device('meta'):
        model = MODELS.build(cfg).to_empty(device='cpu').eval()
    model.load_state_dict(convert_released(released_state(facts['keys'], facts['gain'])))
    assert sum(parameter.numel() for parameter in model.parameters()) == facts['num_params']
    with np.load(folder / 'network_uv_r50c_256x192.npz') as arrays, torch.no_grad():
        maps = model(made_up_input(*facts['input_hw']), mode='tensor')
        for key, name in dict(S='segmentation', I='index', U='u', V='v').items():
            difference = np.abs(maps[name][..., ::8, ::8].numpy() - arrays[f'{key}_sub8']).max()
            assert difference <= 1e-5 * facts['outputs'][key]['std']
        for key, name in dict(S='segmentation', I='index').items():
            safe = np.unpackbits(arrays[f'{key}_safe'])[:256 * 192].reshape(256, 192).astype(bool)
            np.testing.assert_array_equal(maps[name].argmax(1)[0].numpy()[safe], arrays[f'{key}_argmax'][safe])


def test_people_get_charts_coordinates_and_qualities():
    model = dense_parser()
    pixels, sample = sample_of([(5, 5, 30, 45), (-10, 0, 20, 60)])
    model.predict([pixels], [sample])
    people = sample.pred_instances
    assert model.num_classes == 25
    for label_map, uv in zip(people.label_maps, people.uv_maps):
        assert uv.shape == (2, *label_map.shape)
        assert 0 <= uv.min() <= uv.max() <= 1
        assert (uv[:, label_map == 0] == 0).all()
        assert (label_map > 0).any()
    torch.testing.assert_close(people.qualities, (people.bbox_scores * people.pixel_scores).sqrt())
    assert sample.pred_maps.category.max() <= 24
    pixels, sample = sample_of([])
    model.predict([pixels], [sample])
    assert sample.pred_instances.uv_maps == []


def test_both_confidences_choose_the_same_charts_of_a_crop():
    pixels, _ = sample_of([(5, 5, 30, 45)])
    maps = [next(dense_parser(chart_confidence=kind).forward_crops([pixels], flip_pairs=()))[0]
            for kind in ('softmax', 'sigmoid')]
    assert (maps[0][15:40].argmax(0) == maps[1][15:40].argmax(0)).all()
    torch.testing.assert_close(maps[0][15:40].sum(0), torch.ones(64, 32))
    assert maps[1][15:40].sum(0).max() > 1.5


def test_a_mirrored_crop_gives_mirrored_maps(mirror_file):
    model = dense_parser(flip_test=True, uv_mirror=mirror_file)
    pixels, _ = sample_of([(5, 5, 30, 45)])
    (maps, _), (mirrored, _) = (next(model.forward_crops([either], flip_pairs=())) for either in (pixels, pixels.flip(-1)))
    unmirrored = mirrored.flip(-1)
    torch.testing.assert_close(unmirrored[:15][MIRRORED_PARTS], maps[:15], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(unmirrored[15:40][MIRRORED_CHARTS], maps[15:40], atol=1e-5, rtol=1e-4)
    one = dense_parser(uv_mirror=mirror_file)
    plain, other = (next(one.forward_crops([either], flip_pairs=()))[0] for either in (pixels, pixels.flip(-1)))
    looked_up = 1 - (255 * other[40:65].flip(-1).clamp(0, 1)).floor() / 255
    expected = (plain[41:65] + looked_up[MIRRORED_CHARTS][1:]) / 2
    torch.testing.assert_close(maps[41:65], expected, atol=5e-3, rtol=0)


def test_losses_take_crops_with_and_without_points():
    model = dense_parser()
    inputs = torch.randn(2, 3, 64, 32, generator=torch.Generator().manual_seed(2))
    samples = []
    for number in (3, 0):
        one = ParsingDataSample()
        one.gt_sem_seg = PixelData(data=torch.randint(0, 15, (1, 64, 32), generator=torch.Generator().manual_seed(number)))
        one.gt_points = InstanceData(
            xy=torch.full((number, 2), 7.5), charts=torch.full((number,), 4), uv=torch.full((number, 2), 0.3))
        samples.append(one)
    losses = model.loss(inputs, samples)
    assert set(losses) == {'loss_parts', 'loss_charts', 'loss_u', 'loss_v'}
    sum(losses.values()).backward()
    assert model.uv_head.u.weight.grad[:, 4].abs().sum() > 0
    assert model.uv_head.u.weight.grad[:, 5].abs().sum() == 0


def test_what_cannot_be_is_said(tmp_path):
    with pytest.raises(InputError, match='flip_test needs uv_mirror'):
        dense_parser(flip_test=True)
    with pytest.raises(InputError, match="chart_confidence is 'tanh'"):
        dense_parser(chart_confidence='tanh')
    with pytest.raises(DataError, match=r'none\.mat'):
        dense_parser(flip_test=True, uv_mirror=str(tmp_path / 'none.mat'))
    with pytest.raises(InputError, match='neither background_below nor context'):
        dense_parser().postprocessor.paste([torch.zeros(90, 4, 4)], [(0, 0, 4, 4)], image_shape=(9, 9), background_below=0.1)
