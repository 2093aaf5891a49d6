"""Whole images of toy dense pose against its annotations."""
import json

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from mmqanet.analysis.browsed_images import whole_images
from mmqanet.analysis.browsing import Browser
from mmqanet.datasets import SeededIndex
from mmqanet.datasets.densepose_coco import DensePoseCOCODataset
from mmqanet.engine.config import read_config
from mmqanet.preparation.toy import draw_toy_dataset
from mmqanet.structures.surface_points import place_part_map, read_part_map


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    pytest.importorskip('h5py')
    folder = tmp_path_factory.mktemp('toy')
    draw_toy_dataset(folder, num_train=1, num_val=1, size=(96, 72), max_people=2, seed=2, progress=False, dense_pose=True)
    cfg = read_config('configs/densepose/qanet_r18_toy-densepose.py')
    with DefaultScope.overwrite_default_scope('mmqanet'):
        yield folder, {split: dict(cfg[f'{split}_dataloader'].dataset.to_dict(), data_root=f'{folder}/')
                       for split in ('train', 'val')}


def test_parts_and_points_are_those_of_the_annotations(toy):
    folder, settings = toy
    content = json.loads((folder / 'annotations/toy-densepose_val.json').read_text())
    people = [one for one in content['annotations'] if 'dp_x' in one]
    whole = whole_images(settings['val'], DensePoseCOCODataset).read(content['images'][0]['id'])
    shape = whole.image.shape[:2]
    maps = [place_part_map(read_part_map(one), one['bbox'], shape) for one in people]
    assert (whole.category > 0).tolist() == (np.max(maps, axis=0) > 0).tolist()
    assert whole.human.max() == len(whole.boxes) == len(people)
    x = np.concatenate([np.array(one['dp_x']) / 255 * one['bbox'][2] + one['bbox'][0] for one in people])
    assert np.allclose(whole.points.xy[:, 0], x)
    charts = [chart for one in people for chart in one['dp_I']]
    palette = DensePoseCOCODataset.METAINFO['palette']
    assert [tuple(colour[::-1]) for colour in whole.points.colours.tolist()] == [palette[chart] for chart in charts]


@pytest.mark.parametrize('split', ['train', 'val'])
def test_points_are_drawn(toy, split, monkeypatch):
    browser = Browser(toy[1][split])
    _, picture = browser.draw(SeededIndex(0, (0, 0)))
    monkeypatch.setattr('mmqanet.visualization.surface_points.PlacedPoints.draw', lambda *args, **kwargs: None)
    _, without = browser.draw(SeededIndex(0, (0, 0)))
    assert picture.shape == without.shape
    assert 0.002 < (picture != without).any(-1).mean() < 0.3
