"""From data samples to what is drawn: parts numbered, annotations without a human map, missing annotations."""
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from scenes import random_scenes

from mmqanet.errors import InputError
from mmqanet.functional.image_parsing import IGNORE, number_parts
from mmqanet.structures import ParsingDataSample
from mmqanet.visualization.arrays import annotated, predicted


@pytest.mark.parametrize('scene', random_scenes(6), ids=lambda scene: scene.name)
def test_parts_are_the_pairs_of_person_and_class(scene):
    category = np.where(scene.category == IGNORE, 0, scene.category)
    part, labels, people = number_parts(category, scene.human)
    expected, pairs = np.zeros_like(part), []
    for person in range(1, scene.human.max(initial=0) + 1):
        for label in range(1, scene.num_classes):
            mask = (scene.human == person) & (category == label)
            if mask.any():
                pairs.append((person - 1, label))
                expected[mask] = len(pairs)
    assert (part == expected).all()
    assert list(zip(people.tolist(), labels.tolist())) == pairs


@pytest.mark.parametrize('scene', random_scenes(4, first_seed=10), ids=lambda scene: scene.name)
def test_predictions_keep_the_numbers_of_the_sample(scene):
    sample = scene.sample()
    arrays = predicted(sample)
    assert (arrays.human == sample.pred_maps.human[0].numpy()).all()
    for number, (label, score) in enumerate(zip(sample.pred_parts.labels, sample.pred_parts.scores), 1):
        assert arrays.part_labels[number - 1] == label
        assert arrays.part_scores[number - 1] == score
        assert (arrays.part == number).any()


def test_ignored_pixels_are_no_part_and_no_person():
    category = torch.tensor([[[0, 1, 2, IGNORE]]], dtype=torch.uint8)
    sample = ParsingDataSample()
    sample.gt_maps = PixelData(category=category)
    arrays = annotated(sample)
    assert arrays.human.tolist() == [[0, 1, 1, 0]]
    assert arrays.part.tolist() == [[0, 1, 2, 0]]
    assert arrays.category.tolist() == category[0].tolist()
    assert arrays.part_scores is None


def test_a_sample_without_annotation_is_named():
    with pytest.raises(InputError, match='gt_maps'):
        annotated(ParsingDataSample())
