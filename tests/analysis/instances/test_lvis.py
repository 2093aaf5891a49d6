"""LVIS's evaluation: federated, by frequency. The package lvis is an extra, and its own average needs an old NumPy."""
import json
import sys

import numpy as np
import pytest
from mask_scenes import CLASSES, scenes

pytest.importorskip('pycocotools')

from mmqanet.analysis.instances.evaluation import LVISMaskEvaluator
from mmqanet.errors import InputError


def lvis_scenes(folder):
    """The scenes with what LVIS adds: images' classes that are known to be absent or not exhaustively marked."""
    path, ids, found = scenes(folder)
    content = json.loads(path.read_text())
    for image in content['images']:
        image.update(neg_category_ids=[CLASSES[0]], not_exhaustive_category_ids=[CLASSES[2]])
    for category, frequency in zip(content['categories'], 'rcf'):
        category['frequency'] = frequency
    for annotation in content['annotations']:
        annotation.pop('iscrowd')
    path.write_text(json.dumps(content))
    return path, ids, found


def test_metrics_are_lvis_own(tmp_path, monkeypatch):
    lvis = pytest.importorskip('lvis')
    path, ids, found = lvis_scenes(tmp_path)
    monkeypatch.setattr(np, 'float', float, raising=False)
    results = [
        dict(image_id=image_id, category_id=CLASSES[image.labels[index]], score=float(image.scores[index]),
             segmentation={**image.masks[index], 'counts': image.masks[index]['counts'].decode()})
        for image_id, image in zip(ids, found) for index in range(len(image.labels))]
    truth = lvis.LVIS(str(path))
    official = lvis.LVISEval(truth, lvis.LVISResults(truth, results), 'segm')
    official.run()
    metrics = LVISMaskEvaluator(path, ids, CLASSES, found).match([image.scores for image in found]).metrics()
    names = {key: key for key in ('AP', 'AP50', 'AP75', 'APs', 'APm', 'APl')}
    names |= {'AP_rare': 'APr', 'AP_common': 'APc', 'AP_frequent': 'APf'}
    assert list(metrics) == list(names)
    for key, value in metrics.items():
        expected = official.results[names[key]]
        assert np.isnan(value) if expected < 0 else value == pytest.approx(100 * expected, abs=1e-9), key


def test_boxes_rank_as_well(tmp_path):
    pytest.importorskip('lvis')
    path, ids, found = lvis_scenes(tmp_path)
    evaluator = LVISMaskEvaluator(path, ids, CLASSES, found)
    scores = [image.scores for image in found]
    before = evaluator.match(scores, kind='bbox').metrics()
    evaluator.match([1 - score for score in scores])
    np.testing.assert_equal(evaluator.match(scores, kind='bbox').metrics(), before)


def test_without_the_package_one_line_says_what_to_install(tmp_path, monkeypatch):
    path, ids, found = lvis_scenes(tmp_path)
    monkeypatch.setitem(sys.modules, 'lvis', None)
    with pytest.raises(InputError, match=r"needs the package lvis: pip install '.\[lvis\]'"):
        LVISMaskEvaluator(path, ids, CLASSES, found)
