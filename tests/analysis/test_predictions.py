import numpy as np
import pytest
from predicted_sets import predicted_sample

from mmqanet.analysis.predictions import PredictionCache
from mmqanet.errors import DataError, InputError


def test_what_is_written_is_read_back(tmp_path):
    cache = PredictionCache(tmp_path, {'checkpoint': 'a'})
    sizes = set()
    for seed in range(12):
        sample = predicted_sample(seed, ties=False)
        cache.write(sample.name, sample)
        given, scores = sample.pred_instances, cache.scores(sample.name)
        people, parsing_ids = cache.people(sample.name)
        assert np.array_equal(scores.part_pixel_scores, given.sweep_part_pixel_scores.numpy())
        assert np.array_equal(scores.pixel_scores, given.sweep_pixel_scores.numpy())
        assert np.array_equal(scores.bbox_scores, given.bbox_scores.numpy())
        assert np.array_equal(scores.iou_scores, given.iou_scores.numpy())
        assert people.image_shape == sample.ori_shape
        assert len(people.label_maps) == len(given.label_maps)
        for one, other in zip(people.label_maps, given.label_maps):
            assert np.array_equal(one, other.numpy())
        assert np.array_equal(people.offsets, given.offsets.numpy())
        assert np.array_equal(parsing_ids, sample.gt_instances.parsing_ids.numpy())
        backdrop = cache.backdrop(sample.name)
        assert (backdrop is None) == (seed % 3 > 0)
        if backdrop is not None:
            assert np.array_equal(backdrop, sample.pred_sem_seg.data[0].numpy())
        sizes.add(len(people.label_maps))
    assert {0, 1} < sizes


def test_missing_images_are_those_without_file(tmp_path):
    cache = PredictionCache(tmp_path, {'checkpoint': 'a'})
    names = [predicted_sample(seed, ties=False).name for seed in range(3)]
    assert cache.missing(names) == [0, 1, 2]
    cache.write(names[1], predicted_sample(1, ties=False))
    assert cache.missing(names) == [0, 2]
    assert PredictionCache(tmp_path, {'checkpoint': 'a'}).missing(names) == [0, 2]


def test_predictions_of_another_origin_are_refused_and_replaced_on_request(tmp_path):
    sample = predicted_sample(1, ties=False)
    PredictionCache(tmp_path / 'p', {'checkpoint': 'of a run that failed before its first image'})
    PredictionCache(tmp_path / 'p', {'checkpoint': 'a', 'model config': 'x'}).write(sample.name, sample)
    with pytest.raises(InputError, match='another checkpoint'):
        PredictionCache(tmp_path / 'p', {'checkpoint': 'b', 'model config': 'x'})
    with pytest.raises(InputError, match='another model config'):
        PredictionCache(tmp_path / 'p', {'checkpoint': 'a'})
    same = PredictionCache(tmp_path / 'p', {'checkpoint': 'a', 'model config': 'x'}, replace=True)
    assert same.missing([sample.name]) == []
    other = PredictionCache(tmp_path / 'p', {'checkpoint': 'b', 'model config': 'x'}, replace=True)
    assert other.missing([sample.name]) == [0]
    other.write(sample.name, sample)
    with pytest.raises(InputError, match='another checkpoint'):
        PredictionCache(tmp_path / 'p', {'checkpoint': 'a', 'model config': 'x'})


def test_only_predictions_are_discarded(tmp_path):
    (tmp_path / 'origin.json').write_text('{"of": "another program"}')
    (tmp_path / 'notes.txt').write_text('mine')
    PredictionCache(tmp_path, {'checkpoint': 'a'}).write('image', predicted_sample(1, ties=False))
    PredictionCache(tmp_path, {'checkpoint': 'b'}, replace=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['notes.txt', 'origin.json']


def test_a_broken_file_is_named(tmp_path):
    cache, sample = PredictionCache(tmp_path, {}), predicted_sample(1, ties=False)
    cache.write(sample.name, sample)
    path = tmp_path / f'{sample.name}.npz'
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=f'{sample.name}.npz'):
        cache.people(sample.name)
    (tmp_path / 'origin.json').write_text('{')
    with pytest.raises(DataError, match=r'origin\.json'):
        PredictionCache(tmp_path, {})
