"""Pictures of dense pose: IUV, lines of equal U and V, textures."""
import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmqanet.errors import InputError
from mmqanet.functional.charts import CHARTS
from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.structures import LabelSet, ParsingDataSample
from mmqanet.visualization import draw_parsing
from mmqanet.visualization.arrays import enlarged, predicted
from mmqanet.visualization.surface import checkered_atlas, draw_iso_lines, iuv_picture, paint_texture


def ramp(shape):
    """U grows to the right and V downwards, from 0 to 1."""
    height, width = shape
    across, down = ((np.arange(size) + 0.5) / size for size in (width, height))
    return torch.from_numpy(np.stack(np.meshgrid(across, down))).float()


@pytest.fixture
def sample():
    """Two people of 20x10 pixels on an image of 40x60, charts 1 and 24; the second lies over the first by half."""
    maps = [torch.full((20, 10), chart, dtype=torch.uint8) for chart in (1, 24)]
    category, human = np.zeros((40, 60), np.uint8), np.zeros((40, 60), np.int32)
    for number, (chart, left) in enumerate(((1, 5), (24, 10)), 1):
        category[10:30, left:left + 10], human[10:30, left:left + 10] = chart, number
    sample = ParsingDataSample(metainfo=dict(ori_shape=(40, 60)))
    sample.pred_maps = PixelData(category=torch.from_numpy(category)[None], human=torch.from_numpy(human)[None])
    sample.pred_instances = InstanceData(
        qualities=torch.tensor([0.9, 0.8]), label_maps=maps, offsets=torch.tensor([[10, 5], [10, 10]]),
        uv_maps=[ramp((20, 10)), 1 - ramp((20, 10))])
    return sample


def test_every_pixel_has_the_coordinates_of_whom_it_shows(sample):
    surface = predicted(sample).surface
    assert surface[0, 15, 7] == pytest.approx(0.25)
    assert surface[0, 15, 12] == pytest.approx(0.75)  # of the second person, not of the first
    assert surface[1, 29, 19] == pytest.approx(0.025)
    assert not surface[:, :10].any()
    larger = enlarged(predicted(sample), 3).surface
    assert larger.shape == (2, 120, 180)
    assert larger[0, 46, 22] == surface[0, 15, 7]


def test_the_iuv_picture_has_charts_and_coordinates(sample):
    picture = iuv_picture(predicted(sample))
    assert picture.shape == (40, 60, 3)
    assert picture[15, 7].tolist() == [1, 63, 70]  # 255 * (0.25, 0.275), rounded down
    assert picture[15, 12].tolist() == [24, 191, 184]
    assert not picture[:10].any()
    plain = ImageParsing.of_nobody(np.zeros((4, 4), np.uint8))
    with pytest.raises(InputError, match='no surface'):
        iuv_picture(plain)
    with pytest.raises(InputError, match='no surface'):
        paint_texture(np.zeros((4, 4, 3), np.uint8), plain, checkered_atlas(4))


def test_lines_lie_at_every_fifth_of_a_chart(sample):
    parsing = predicted(sample)
    image = np.full((40, 60, 3), 128, np.uint8)
    drawn = draw_iso_lines(image, parsing)
    changed = (drawn != image).any(2)
    assert (drawn[11, 5:10, 0] > 200).tolist() == [False, True, False, True, False]  # U passes 0.2 and 0.4
    assert (drawn[10:30, 5, 0] < 100).nonzero()[0].tolist() == [3, 7, 11, 15]  # V passes 0.2, 0.4, 0.6, 0.8
    assert not changed[:10].any()
    assert not changed[:, 20:].any()


def test_a_texture_takes_the_place_of_people_alone(sample):
    """An atlas whose colours tell chart, U and V."""
    side = 11
    atlas = np.zeros((6 * side, 4 * side, 3), np.uint8)
    for chart in range(1, 25):
        column, row = divmod(chart - 1, 6)
        tile = atlas[row * side:(row + 1) * side, column * side:(column + 1) * side]
        tile[..., 0] = chart
        tile[..., 1] = np.linspace(0, 200, side).round()
        tile[..., 2] = np.linspace(200, 0, side).round()[:, None]
    image = np.full((40, 60, 3), 7, np.uint8)
    painted = paint_texture(image, predicted(sample), atlas)
    assert painted[15, 7].tolist() == [1, 50, 55]
    assert painted[15, 12].tolist() == [24, 150, 145]
    assert (painted[:10] == 7).all()
    assert (painted[:, 20:] == 7).all()
    for wrong in (atlas[:-1], atlas[..., 0], atlas.astype(float)):
        with pytest.raises(InputError, match='an atlas is'):
            paint_texture(image, predicted(sample), wrong)


def test_the_first_atlas_has_a_colour_a_chart():
    atlas = checkered_atlas(20)
    assert atlas.shape == (120, 80, 3)
    hues = cv2.cvtColor(atlas, cv2.COLOR_BGR2HSV)[10::20, 10::20, 0].ravel()
    assert len(set(hues.tolist())) == 24


def test_overlays_of_dense_pose_have_lines_and_no_names_of_charts(sample):
    label_set = LabelSet(CHARTS, [(8 * index, 90, 200) for index in range(len(CHARTS))])
    image = np.full((40, 60, 3), 128, np.uint8)
    with_names = draw_parsing(image, sample, label_set=label_set, legend=False)
    assert (with_names == draw_parsing(image, sample, label_set=label_set, legend=False, part_labels=False)).all()
    del sample.pred_instances.uv_maps
    assert (with_names != draw_parsing(image, sample, label_set=label_set, legend=False, part_labels=False)).any()


def test_charts_of_the_first_atlas_are_checkered_and_darken_downwards():
    first = cv2.cvtColor(checkered_atlas(40)[:40, :40], cv2.COLOR_BGR2HSV)
    saturation, value = first[..., 1].astype(int), first[..., 2].astype(int)
    fields = saturation.reshape(5, 8, 5, 8)
    assert (abs(fields - fields[:, 4:5, :, 4:5]) < 12).all()
    assert (abs(np.diff(fields[:, 4, :, 4], axis=0)) > 60).all()
    assert (abs(np.diff(fields[:, 4, :, 4], axis=1)) > 60).all()
    assert (value.max(1) - value.min(1)).max() <= 1
    assert (value[0, 0], value[-1, 0]) == pytest.approx((255, 0.65 * 255), abs=1)
    assert (np.diff(value[:, 0]) <= 0).all()
