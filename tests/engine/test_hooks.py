"""Pictures of validation and test: which images, where to, in the right colours, and none unless asked."""
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmengine.visualization import Visualizer

from mmqanet.engine import ParsingVisualizationHook
from mmqanet.errors import InputError
from mmqanet.structures import ParsingDataSample
from mmqanet.visualization import ParsingLocalVisualizer

BLUE_SKY = (250, 120, 10)  # BGR
META = dict(classes=('background', 'coat'), palette=((0, 0, 0), (255, 0, 0)))


@pytest.fixture
def samples(tmp_path) -> list[ParsingDataSample]:
    """Five validated images in a sub-folder, each with its annotation."""
    labels = np.zeros((500, 400), np.uint8)
    labels[100:400, 100:300] = 1
    category = torch.from_numpy(labels)[None]
    samples = []
    for index in range(5):
        path = tmp_path / f'{index}.png'
        cv2.imwrite(str(path), np.full((500, 400, 3), BLUE_SKY, np.uint8))
        sample = ParsingDataSample(metainfo=dict(name=f'walk/{index}', img_path=str(path)))
        sample.gt_maps = PixelData(category=category, human=category.int())
        sample.pred_maps = PixelData(category=category, human=category.int(), part=category.int())
        sample.pred_instances = InstanceData(qualities=torch.tensor([0.9]))
        sample.pred_parts = InstanceData(labels=torch.tensor([1]), scores=torch.tensor([0.8]), people=torch.tensor([0]))
        samples.append(sample)
    return samples


def runner_with(picture_taker: Visualizer) -> SimpleNamespace:
    loader = SimpleNamespace(batch_size=2, dataset=SimpleNamespace(metainfo=META))
    return SimpleNamespace(visualizer=picture_taker, val_dataloader=loader, test_dataloader=loader, iter=70)


def local_visualizer(tmp_path) -> ParsingLocalVisualizer:
    return ParsingLocalVisualizer(vis_backends=[dict(type='LocalVisBackend')], save_dir=str(tmp_path / 'work'))


def run(after_iter, runner: SimpleNamespace, samples: list[ParsingDataSample]) -> None:
    for batch_idx, first in enumerate(range(0, len(samples), 2)):
        after_iter(runner, batch_idx, {}, samples[first:first + 2])


def files_under(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*.*g') if path.is_file())


def test_validation_hands_every_nth_image_to_the_local_backend(tmp_path, samples):
    run(ParsingVisualizationHook(interval=2).after_val_iter, runner_with(local_visualizer(tmp_path)), samples)
    images = tmp_path / 'work/vis_data/vis_image'
    assert files_under(images) == ['val-walk-0_70.png', 'val-walk-2_70.png', 'val-walk-4_70.png']
    picture = cv2.imread(str(images / 'val-walk-0_70.png'))
    assert picture[450, 20].tolist() == list(BLUE_SKY)
    assert picture.shape[1] > 2 * 400  # the annotation stands beside the prediction


def test_show_dir_gets_one_picture_per_image_in_its_folder(tmp_path, samples):
    hook = ParsingVisualizationHook(out_dir=str(tmp_path / 'shown'), draw_gt=False)
    run(hook.after_test_iter, runner_with(local_visualizer(tmp_path)), samples)
    assert files_under(tmp_path / 'shown') == [f'walk/{index}.jpg' for index in range(5)]
    assert not (tmp_path / 'work/vis_data/vis_image').exists()
    picture = cv2.imread(str(tmp_path / 'shown/walk/3.jpg'))
    assert 400 < picture.shape[1] < 700
    np.testing.assert_allclose(picture[450, 20], BLUE_SKY, atol=6)
    np.testing.assert_allclose(picture[350, 130], 0.4 * np.array(BLUE_SKY) + 0.6 * np.array([0, 0, 255]), atol=8)


def test_an_image_is_read_once_and_only_if_it_is_drawn(tmp_path, samples, monkeypatch):
    from mmqanet.engine import hooks

    read, read_image = [], hooks.read_image
    monkeypatch.setattr(hooks, 'read_image', lambda path: read.append(path) or read_image(path))
    run(ParsingVisualizationHook(interval=3).after_val_iter, runner_with(local_visualizer(tmp_path)), samples)
    assert read == [samples[0].img_path, samples[3].img_path]


def test_nothing_is_drawn_unless_asked(tmp_path, samples):
    hook, runner = ParsingVisualizationHook(draw=False), runner_with(local_visualizer(tmp_path))
    run(hook.after_val_iter, runner, samples)
    run(hook.after_test_iter, runner, samples)
    assert not (tmp_path / 'work/vis_data/vis_image').exists()


def test_a_config_with_another_visualizer_gets_pictures_as_well(tmp_path, samples):
    other = Visualizer(vis_backends=[dict(type='LocalVisBackend')], save_dir=str(tmp_path / 'work'))
    run(ParsingVisualizationHook(interval=5).after_test_iter, runner_with(other), samples)
    assert files_under(tmp_path / 'work/vis_data/vis_image') == ['test-walk-0_70.png']


def test_only_the_main_process_draws_validation_but_every_process_its_share_of_a_test(tmp_path, samples, monkeypatch):
    from mmqanet.engine import hooks

    monkeypatch.setattr(hooks, 'is_main_process', lambda: False)
    runner = runner_with(local_visualizer(tmp_path))
    run(ParsingVisualizationHook().after_val_iter, runner, samples)
    assert not (tmp_path / 'work/vis_data/vis_image').exists()
    run(ParsingVisualizationHook(out_dir=str(tmp_path / 'shown')).after_test_iter, runner, samples)
    assert len(files_under(tmp_path / 'shown')) == 5


def test_tensorboard_gets_the_pictures(tmp_path, samples):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    drawer = ParsingLocalVisualizer(vis_backends=[dict(type='TensorboardVisBackend')], save_dir=str(tmp_path / 'work'))
    run(ParsingVisualizationHook(interval=4).after_val_iter, runner_with(drawer), samples)
    drawer.close()
    events = EventAccumulator(str(tmp_path / 'work/vis_data')).Reload()
    assert events.Tags()['images'] == ['val-walk-0', 'val-walk-4']
    event, = events.Images('val-walk-0')
    picture = cv2.imdecode(np.frombuffer(event.encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
    assert event.step == 70
    assert picture[450, 20].tolist() == list(BLUE_SKY)


def test_an_interval_below_one_is_refused():
    with pytest.raises(InputError, match='interval'):
        ParsingVisualizationHook(interval=0)


def test_pictures_of_joined_sets_with_equal_names_keep_apart(tmp_path, samples):
    """Each set has its folder of images; a name of one may be a name of the other."""
    for number, sample in enumerate(samples[:2]):
        path = tmp_path / f'set{number}/a.png'
        path.parent.mkdir()
        cv2.imwrite(str(path), np.full((500, 400, 3), BLUE_SKY, np.uint8))
        sample.set_metainfo(dict(name='walk/a', img_path=str(path)))
    runner = runner_with(local_visualizer(tmp_path))
    runner.test_dataloader.dataset.datasets = [
        SimpleNamespace(data_prefix=dict(img=str(tmp_path / f'set{number}'))) for number in range(2)]
    run(ParsingVisualizationHook(out_dir=str(tmp_path / 'shown'), draw_gt=False).after_test_iter, runner, samples[:2])
    assert files_under(tmp_path / 'shown') == ['walk/1_a.jpg', 'walk/2_a.jpg']


def test_pictures_do_not_overwrite_the_photos_they_are_made_of(tmp_path, samples):
    photo = tmp_path / 'walk/0.jpg'
    photo.parent.mkdir()
    cv2.imwrite(str(photo), np.full((500, 400, 3), BLUE_SKY, np.uint8))
    samples[0].set_metainfo(dict(img_path=str(photo)))
    before = photo.read_bytes()
    hook = ParsingVisualizationHook(out_dir=str(tmp_path))
    with pytest.raises(InputError, match=r'0\.jpg: the output would overwrite'):
        run(hook.after_test_iter, runner_with(local_visualizer(tmp_path)), samples)
    assert photo.read_bytes() == before
