"""Overlays and palette pictures: colours where they belong, nothing where nobody is."""
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmqanet.structures import ParsingDataSample
from mmqanet.visualization import draw_parsing, palette_image

PALETTE = ((0, 0, 0), (255, 0, 0), (0, 0, 255))
CLASSES = ('background', 'red part', 'blue part')


def sample_of(category: np.ndarray) -> ParsingDataSample:
    sample = ParsingDataSample()
    maps = dict(category=category, human=(category > 0).astype(np.int32), part=category.astype(np.int32))
    sample.pred_maps = PixelData(**{key: torch.from_numpy(value)[None] for key, value in maps.items()})
    sample.pred_instances = InstanceData(qualities=torch.tensor([0.87]))
    return sample


@pytest.fixture
def category():
    labels = np.zeros((600, 500), np.uint8)
    labels[200:400, 100:200], labels[200:400, 200:300] = 1, 2
    return labels


def test_palette_image_keeps_labels_and_colours(category):
    picture = palette_image(category, PALETTE)
    assert (np.array(picture) == category).all()
    assert picture.convert('RGB').getpixel((150, 300)) == (255, 0, 0)


def test_overlay_blends_part_colours(category):
    image = np.full((600, 500, 3), 100, np.uint8)
    drawn = draw_parsing(image, sample_of(category), palette=PALETTE, classes=CLASSES, alpha=0.5, legend=False)
    assert drawn.shape == image.shape
    assert drawn[300, 150].tolist() == [50, 50, 178]  # BGR: half grey, half red
    assert drawn[300, 250].tolist() == [178, 50, 50]
    assert (drawn[500:] == 100).all()


def test_legend_names_what_is_there(category):
    image = np.full((600, 500, 3), 100, np.uint8)
    drawn = draw_parsing(image, sample_of(category), palette=PALETTE, classes=CLASSES)
    assert drawn.shape[1] > 500
    legend = drawn[:, 500:].reshape(-1, 3)
    assert (legend == (0, 0, 255)).all(1).any()
    assert (legend == (255, 0, 0)).all(1).any()


def test_an_empty_picture_stays_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (600, 500, 3), dtype=np.uint8)
    drawn = draw_parsing(image, sample_of(np.zeros((600, 500), np.uint8)), palette=PALETTE, classes=CLASSES, legend=False)
    assert (drawn == image).all()


def test_tiny_pictures_are_enlarged():
    labels = np.ones((30, 20), np.uint8)
    drawn = draw_parsing(np.zeros((30, 20, 3), np.uint8), sample_of(labels), palette=PALETTE, classes=CLASSES)
    assert min(drawn.shape[:2]) > 300
