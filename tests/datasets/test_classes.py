"""The table of every data set: classes, colours, flip pairs."""
import hashlib
import json

import cv2
import numpy as np
import pytest
import scipy.spatial

from mmqanet.datasets import (
    ATRDataset,
    CCPDataset,
    CCPMergedDataset,
    CCPSidesDataset,
    CelebAMaskHQDataset,
    CIHPDataset,
    DensePoseCOCODataset,
    HelenDataset,
    HumanParsingDataset,
    IBugMask14Dataset,
    IBugMaskDataset,
    LaPaDataset,
    LIPDataset,
    MHPv2Dataset,
    PascalPersonPartDataset,
    VIPDataset,
)
from mmqanet.registry import DATASETS

# Data set: classes with background, and a few labels as the papers number them.
TABLE = {
    CIHPDataset: (20, {1: 'hat', 5: 'upper-clothes', 10: 'torso-skin', 13: 'face', 18: 'left-shoe', 19: 'right-shoe'}),
    LIPDataset: (20, {1: 'hat', 5: 'upper-clothes', 10: 'jumpsuits', 13: 'face', 14: 'left-arm', 19: 'right-shoe'}),
    ATRDataset: (18, {3: 'sunglasses', 8: 'belt', 9: 'left-shoe', 11: 'face', 13: 'right-leg', 17: 'scarf'}),
    MHPv2Dataset: (59, {1: 'cap/hat', 5: 'left-arm', 16: 'torso-skin', 33: 'right-foot', 47: 'sunglasses',
                        58: 'other-lower-body-clothes'}),
    PascalPersonPartDataset: (7, {1: 'head', 2: 'torso', 3: 'upper-arms', 4: 'lower-arms', 6: 'lower-legs'}),
    CCPDataset: (59, {19: 'hair', 41: 'skin', 58: 'wedges'}),
    CCPMergedDataset: (17, {1: 'hair', 16: 'skin'}),
    CCPSidesDataset: (23, {1: 'hair', 11: 'left-shoe', 17: 'face', 22: 'right-leg'}),
    VIPDataset: (20, {1: 'hat', 10: 'torso-skin', 19: 'right-shoe'}),
    **{lapa: (11, {1: 'skin', 2: 'left-brow', 5: 'right-eye', 8: 'inner-mouth', 10: 'hair'})
       for lapa in (LaPaDataset, HelenDataset, IBugMaskDataset)},
    IBugMask14Dataset: (14, {9: 'lower-lip', 10: 'hair', 11: 'left-ear', 12: 'right-ear', 13: 'glasses'}),
    CelebAMaskHQDataset: (19, {1: 'skin', 2: 'nose', 3: 'glasses', 4: 'left-eye', 7: 'right-brow', 9: 'right-ear',
                               10: 'inner-mouth', 12: 'lower-lip', 14: 'hat', 15: 'earring', 18: 'cloth'}),
    DensePoseCOCODataset: (25, {1: 'torso-back', 5: 'left-foot', 16: 'right-upper-arm-front', 24: 'left-head'}),
}
#: Of classes, palette and flip pairs as JSON, the first digits of the SHA-256.
DIGESTS = {
    CIHPDataset: '6b272e514c84', LIPDataset: 'b6a2c2e88890', ATRDataset: '806deeb81c16', MHPv2Dataset: '99a2b9aa8208',
    PascalPersonPartDataset: 'c898c823f024', CCPDataset: 'c0433c00c7d8', CCPMergedDataset: 'b646f411fa40',
    CCPSidesDataset: '80772809f673', VIPDataset: '6b272e514c84',
    LaPaDataset: '6f01161302bd', HelenDataset: '6f01161302bd', IBugMaskDataset: '6f01161302bd',
    IBugMask14Dataset: 'ff6b4fcd08c7', CelebAMaskHQDataset: 'b04b731d04d2',
    DensePoseCOCODataset: '050a4c5e46fd'}
every_dataset = pytest.mark.parametrize('dataset', TABLE, ids=lambda dataset: dataset.__name__)


def test_the_table_knows_every_data_set():
    DATASETS.import_from_location()
    registered = {kind for kind in DATASETS.module_dict.values() if issubclass(kind, HumanParsingDataset)}
    assert registered - {HumanParsingDataset} == set(TABLE)


@every_dataset
def test_classes(dataset):
    count, labels = TABLE[dataset]
    classes = dataset.METAINFO['classes']
    assert len(classes) == len(set(classes)) == count
    assert classes[0] == 'background'
    assert {label: classes[label] for label in labels} == labels
    assert dataset.__doc__


@every_dataset
def test_a_table_is_changed_on_purpose_only(dataset):
    """Checkpoints, label maps and pictures of earlier versions rely on the order of the classes and on their colours."""
    table = json.dumps([dataset.METAINFO[key] for key in ('classes', 'palette', 'flip_pairs')])
    assert hashlib.sha256(table.encode()).hexdigest()[:12] == DIGESTS[dataset]


@every_dataset
def test_colours_tell_the_classes_apart(dataset):
    palette = np.array(dataset.METAINFO['palette'])
    assert palette.shape == (TABLE[dataset][0], 3)
    assert palette[0].tolist() == [0, 0, 0]
    assert 0 <= palette.min() <= palette.max() <= 255
    apart = abs(palette[:, None] - palette).sum(axis=2) + 999 * np.eye(len(palette), dtype=int)
    assert apart.min() >= 40  # steps of the three channels together


@pytest.mark.parametrize('dataset', [CCPMergedDataset, CCPSidesDataset])
def test_colours_of_the_shipped_classes_look_different(dataset):
    """In CIE Lab, where distances are those that people see, about 2 being the least."""
    palette = np.array([dataset.METAINFO['palette']], np.float32) / 255
    lab = cv2.cvtColor(palette, cv2.COLOR_RGB2LAB)[0]
    assert scipy.spatial.distance.pdist(lab).min() > 20


@every_dataset
def test_flip_pairs_are_all_the_left_and_right_of_the_classes(dataset):
    classes = dataset.METAINFO['classes']
    expected = {(classes.index(name), classes.index(name.replace('left-', 'right-', 1)))
                for name in classes if name.startswith('left-')}
    assert set(dataset.METAINFO['flip_pairs']) == expected
    assert sum(name.startswith('right-') for name in classes) == len(expected) == len(dataset.METAINFO['flip_pairs'])
