"""The visualizer: RGB in and out, annotation and prediction, files and backends, built from a config."""
import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData
from mmengine.visualization import Visualizer

from mmqanet.errors import InputError
from mmqanet.registry import VISUALIZERS
from mmqanet.structures import ParsingDataSample
from mmqanet.visualization import ParsingLocalVisualizer

META = dict(classes=('background', 'red part', 'blue part'), palette=((0, 0, 0), (255, 0, 0), (0, 0, 255)))
SKY = (10, 120, 250)  # RGB


@pytest.fixture
def image() -> np.ndarray:
    return np.full((600, 500, 3), SKY, np.uint8)


@pytest.fixture
def sample() -> ParsingDataSample:
    """A blue person predicted where a red one is annotated."""
    mask = torch.zeros((1, 600, 500), dtype=torch.uint8)
    mask[:, 200:500, 150:350] = 1
    sample = ParsingDataSample()
    sample.gt_maps = PixelData(category=mask, human=mask.int())
    sample.pred_maps = PixelData(category=2 * mask, human=mask.int(), part=mask.int())
    sample.pred_instances = InstanceData(qualities=torch.tensor([0.9]))
    sample.pred_parts = InstanceData(labels=torch.tensor([2]), scores=torch.tensor([0.8]), people=torch.tensor([0]))
    return sample


@pytest.fixture
def visualizer() -> ParsingLocalVisualizer:
    visualizer = ParsingLocalVisualizer(alpha=1.0)
    visualizer.dataset_meta = META
    return visualizer


def test_annotation_stands_beside_the_prediction_in_rgb(visualizer, image, sample):
    drawn = visualizer.draw(image, sample)
    assert drawn.shape[1] > 1000
    assert drawn[480, 170].tolist() == [255, 0, 0]
    assert (drawn[480, 500:] == (0, 0, 255)).all(1).sum() > 100
    assert drawn[590, 490].tolist() == list(SKY)


@pytest.mark.parametrize(('options', 'colour'), [(dict(draw_pred=False), (255, 0, 0)), (dict(draw_gt=False), (0, 0, 255))])
def test_either_can_be_left_out(visualizer, image, sample, options, colour):
    drawn = visualizer.draw(image, sample, **options)
    assert 500 < drawn.shape[1] < 800
    assert drawn[480, 170].tolist() == list(colour)


def test_without_a_sample_the_image_stays_as_it_is(image):
    visualizer = ParsingLocalVisualizer()
    assert (visualizer.draw(image, None) == image).all()
    assert (visualizer.draw(image, ParsingDataSample()) == image).all()


@pytest.mark.parametrize('suffix', ['png', 'jpg'])
def test_a_file_holds_the_picture(tmp_path, visualizer, image, sample, suffix):
    path = tmp_path / f'folder/picture.{suffix}'
    visualizer.add_datasample('a/b', image, sample, draw_gt=False, out_file=path)
    stored = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    np.testing.assert_allclose(stored[480, 170], (0, 0, 255), atol=0 if suffix == 'png' else 12)
    assert stored.shape == visualizer.draw(image, sample, draw_gt=False).shape


def test_the_backend_gets_the_picture_when_nothing_else_does(tmp_path, image, sample):
    visualizer = ParsingLocalVisualizer(vis_backends=[dict(type='LocalVisBackend')], save_dir=str(tmp_path), alpha=1.0)
    visualizer.dataset_meta = META
    visualizer.add_datasample('val/one', image, sample, step=3)
    visualizer.add_datasample('val/two', image, sample, out_file=tmp_path / 'two.png')
    path, = (tmp_path / 'vis_data/vis_image').iterdir()
    assert path.name == 'val-one_3.png'
    assert (cv2.imread(str(path))[..., ::-1] == visualizer.draw(image, sample)).all()


def test_a_config_builds_it_by_its_plain_name(tmp_path):
    with DefaultScope.overwrite_default_scope('mmqanet'):
        built = VISUALIZERS.build(dict(
            type='ParsingLocalVisualizer', name='from a config', vis_backends=[dict(type='LocalVisBackend')],
            save_dir=str(tmp_path), part_labels=False))
    assert isinstance(built, ParsingLocalVisualizer)
    assert Visualizer.get_current_instance() is built


def test_classes_have_to_be_known(image, sample):
    with pytest.raises(InputError, match='dataset_meta'):
        ParsingLocalVisualizer().draw(image, sample)


@pytest.mark.parametrize('options', [dict(alpha=1.5), dict(quality_thr=-0.1)])
def test_options_out_of_range_are_refused_at_once(options):
    with pytest.raises(InputError, match=next(iter(options))):
        ParsingLocalVisualizer(**options)
