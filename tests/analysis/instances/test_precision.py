"""Average precision beside pycocotools' own, and by drawn images beside copies of these images."""
from contextlib import redirect_stdout

import numpy as np
import pytest

pytest.importorskip('pycocotools')

from mask_scenes import CLASSES, scenes
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmqanet.analysis.instances.evaluation import COCOMaskEvaluator
from mmqanet.analysis.instances.precision import ClassMatches, bootstrap, mean_precision
from mmqanet.errors import DataError, InputError


def official(path, ids, found, kind, scores):
    truth = COCO(str(path))
    results = []
    for image_id, image, values in zip(ids, found, scores):
        for index, score in enumerate(values.tolist()):
            result = dict(image_id=image_id, category_id=CLASSES[image.labels[index]], score=score)
            x1, y1, x2, y2 = image.bboxes[index].tolist()
            shape = dict(segmentation=image.masks[index]) if kind == 'segm' else dict(bbox=[x1, y1, x2 - x1, y2 - y1])
            results.append({**result, **shape})
    evaluation = COCOeval(truth, truth.loadRes(results), kind)
    evaluation.params.imgIds = ids
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return 100 * evaluation.stats[:6]


@pytest.mark.parametrize('kind', ['segm', 'bbox'])
@pytest.mark.parametrize('seed', [0, 1])
def test_metrics_are_pycocotools_own_under_any_ranking(tmp_path, kind, seed):
    path, ids, found = scenes(tmp_path, seed=seed)
    evaluator = COCOMaskEvaluator(path, ids, CLASSES, found)
    rng = np.random.default_rng(seed)
    for _ in range(3):  # overlaps are kept from the first on
        scores = [rng.integers(1, 8, size=len(image.labels)).astype(np.float32) / 8 for image in found]
        with redirect_stdout(None):
            expected = official(path, ids, found, kind, scores)
        metrics = evaluator.match(scores, kind=kind).metrics()
        defined = expected >= 0
        assert np.array(list(metrics.values()))[defined] == pytest.approx(expected[defined], abs=1e-9)
        assert np.isnan(np.array(list(metrics.values()))[~defined]).all()


def test_some_images_of_an_annotation(tmp_path):
    path, ids, found = scenes(tmp_path)
    with redirect_stdout(None):
        expected = official(path, ids[2:5], found[2:5], 'segm', [image.scores for image in found[2:5]])
    metrics = COCOMaskEvaluator(path, ids[2:5], CLASSES, found[2:5]).match([image.scores for image in found[2:5]]).metrics()
    assert metrics['AP'] == pytest.approx(expected[0])


def test_some_classes_of_an_annotation(tmp_path):
    path, ids, found = scenes(tmp_path)
    scores = [image.scores for image in found]
    whole = COCOMaskEvaluator(path, ids, CLASSES, found).match(scores).areas['all']
    chosen = COCOMaskEvaluator(path, ids, CLASSES, found, classes=['9', '3', '9']).match(scores).areas['all']
    assert len(chosen) == 2
    for one, expected in zip(chosen, (whole[0], whole[2])):
        np.testing.assert_array_equal(one.average_precision(), expected.average_precision())
    with pytest.raises(InputError, match="the annotation has no class 'hat'; it has 3, 7, 9"):
        COCOMaskEvaluator(path, ids, CLASSES, found, classes=['3', 'hat'])


def test_an_image_that_counts_twice_is_an_image_twice(tmp_path):
    path, ids, found = scenes(tmp_path)
    evaluator = COCOMaskEvaluator(path, ids, CLASSES, found)
    # Distinct scores: copies of a detection are neighbours in the ranking, and no other one lies between them.
    ranks = iter(np.random.default_rng(0).permutation(sum(len(image.labels) for image in found)) + 1)
    scores = [np.array([next(ranks) for _ in image.labels], dtype=np.float32) for image in found]
    classes = evaluator.match(scores).areas['all']
    times = np.array([0, 2, 1, 3, 0, 1, 1, 2])
    for matches in classes:
        copies = np.repeat(np.arange(len(matches.images)), times[matches.images])
        doubled = ClassMatches(images=matches.images[copies], hits=matches.hits[:, copies],
                               ignored=matches.ignored[:, copies], targets=matches.targets * times)
        np.testing.assert_allclose(matches.average_precision(times), doubled.average_precision(), atol=0.05)


def test_draws_are_paired_and_of_a_seed(tmp_path):
    path, ids, found = scenes(tmp_path)
    evaluator = COCOMaskEvaluator(path, ids, CLASSES, found)
    one = evaluator.match([image.scores for image in found]).areas['all']
    other = evaluator.match([1 - image.scores for image in found]).areas['all']
    draws = bootstrap([one, one, other], draws=20, seed=1)
    assert draws.shape == (20, 3, 10)
    np.testing.assert_array_equal(draws[:, 0], draws[:, 1])
    assert draws[:, 0, 0].std() > 0
    assert abs(draws[:, 0].mean() - mean_precision(one).mean()) < 0.2
    np.testing.assert_array_equal(draws, bootstrap([one, one, other], draws=20, seed=1))
    assert not np.array_equal(draws, bootstrap([one, one, other], draws=20, seed=2))


def test_an_annotation_that_lacks_an_image_or_cannot_be_read_is_named(tmp_path):
    path, ids, found = scenes(tmp_path)
    with pytest.raises(DataError, match=r'truth.json: no image with the id 99'):
        COCOMaskEvaluator(path, [*ids[:-2], 99, 98], CLASSES, found)
    path.write_text('{"images": [')
    with pytest.raises(DataError, match=r'truth.json: not readable as an annotation'):
        COCOMaskEvaluator(path, ids, CLASSES, found)
    with pytest.raises(DataError, match=r'none\.json'):
        COCOMaskEvaluator(tmp_path / 'none.json', ids, CLASSES, found)
