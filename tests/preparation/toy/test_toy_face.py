"""Portraits of toy people: what is where on a face, and the data set that they become."""
import runpy
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from mmqanet.datasets import IBugMask14Dataset
from mmqanet.errors import DataError, InputError
from mmqanet.preparation.toy import face_writer
from mmqanet.preparation.toy.face import draw_face
from mmqanet.preparation.toy.parts import FacePart

TOOL = Path(__file__).resolve().parents[3] / 'tools/dataset_converters/draw_toy_faces.py'


@pytest.fixture(scope='module')
def faces():
    return [draw_face(np.random.default_rng([0, seed]), size=(96, 96)) for seed in range(40)]


def centre(face, part):
    rows, columns = np.nonzero(face.category == part)
    return (rows.mean(), columns.mean()) if len(rows) else (np.nan, np.nan)


def test_the_classes_are_those_of_the_data_set():
    names = [part.name.lower().replace('_', '-') for part in FacePart]
    assert tuple(names) == IBugMask14Dataset.METAINFO['classes']


def test_every_part_occurs_and_left_is_the_viewer_s(faces):
    share = {part: np.mean([(face.category == part).any() for face in faces]) for part in FacePart}
    assert min(share.values()) > 0.05
    for left, right in IBugMask14Dataset.METAINFO['flip_pairs']:
        distances = [centre(face, right)[1] - centre(face, left)[1] for face in faces]
        assert np.mean(np.array(distances) > 0) > 0.25, 'both sides are seen'
        assert np.nanmin(distances) > 0


def test_brows_are_above_eyes_above_the_nose_above_the_mouth(faces):
    for upper, lower in ((FacePart.LEFT_BROW, FacePart.LEFT_EYE), (FacePart.RIGHT_EYE, FacePart.NOSE),
                         (FacePart.NOSE, FacePart.UPPER_LIP), (FacePart.UPPER_LIP, FacePart.INNER_MOUTH),
                         (FacePart.INNER_MOUTH, FacePart.LOWER_LIP)):
        down = np.array([centre(face, lower)[0] - centre(face, upper)[0] for face in faces])
        assert np.nanmean(down) > 0
        assert (down[~np.isnan(down)] > 0).mean() > 0.85, f'{upper.name} above {lower.name}; heads are tilted'


def test_glasses_hide_the_eyes(faces):
    for face in faces:
        if (face.category == FacePart.GLASSES).any():
            assert not np.isin(face.category, (FacePart.LEFT_EYE, FacePart.RIGHT_EYE)).any()


def test_pictures_of_a_version_stay_the_same(faces):
    """A change that alters them raises ``VERSION``: then so do these sums, of pixels by class and brightness by colour."""
    assert face_writer.VERSION == 1
    found = np.bincount(np.concatenate([face.category.ravel() for face in faces]), minlength=14)
    expected = [281795, 30096, 493, 489, 1640, 1634, 525, 1732, 760, 1435, 38338, 1074, 1447, 7182]
    np.testing.assert_allclose(found, expected, rtol=0.004, atol=10)
    pixels = np.concatenate([face.image.reshape(-1, 3) for face in faces]).astype(float)
    np.testing.assert_allclose(pixels.mean(0), [118.088, 128.091, 137.899], atol=0.03)
    np.testing.assert_allclose(pixels.std(0), [58.551, 52.553, 58.106], atol=0.03)


def test_the_tool_makes_a_data_set_of_heads(tmp_path):
    main = runpy.run_path(str(TOOL))['main']
    args = [str(tmp_path), '--num-train', '2', '--num-val', '1', '--size', '64x64', '--workers', '1']
    assert main(args) == 0
    prefix = {kind: f'Training/{folder}' for kind, folder in (('img', 'Images'), ('category', 'Category_ids'))}
    with DefaultScope.overwrite_default_scope('mmqanet'):
        dataset = IBugMask14Dataset(ann_file='annotations/toy-faces_train.json', data_root=str(tmp_path), data_prefix=prefix)
    assert len(dataset) == 2
    before = {path: path.read_bytes() for path in tmp_path.rglob('*.png')}
    assert main(args) == 0
    assert before == {path: path.read_bytes() for path in tmp_path.rglob('*.png')}
    assert main([*args, '--seed', '1']) != 0, 'a folder of another seed'


def test_sizes_out_of_range_are_refused():
    with pytest.raises(InputError, match='size'):
        draw_face(np.random.default_rng(0), size=(20, 64))


@pytest.mark.parametrize(('name', 'value'), [('num_train', 0), ('num_val', 0), ('seed', -1), ('size', (20, 64))])
def test_arguments_out_of_range_write_nothing(tmp_path, name, value):
    with pytest.raises(InputError, match=name):
        face_writer.draw_toy_faces(tmp_path / 'out', **{'num_train': 1, 'num_val': 1, name: value}, progress=False)
    assert not (tmp_path / 'out').exists()


def test_a_picture_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'Training/Images/train_000001.jpg').mkdir(parents=True)
    with pytest.raises(DataError, match=rf'^{tmp_path}: train_000001: '):
        face_writer.draw_toy_faces(tmp_path, num_train=1, num_val=1, size=(64, 64), progress=False)
