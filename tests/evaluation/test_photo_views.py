"""Photos of other kinds: image and labels stay in step."""
import cv2
import numpy as np
import pytest

from mmqanet.evaluation.views import VIEWS


@pytest.fixture
def labelled():
    """A picture whose colour says the label of each pixel: 0 blue on the left, 200 green on the right and below."""
    labels = np.zeros((480, 300), np.uint8)
    labels[:, 150:] = labels[300:] = 200
    image = np.zeros((480, 300, 3), np.uint8)
    image[labels == 0, 0] = 250
    image[labels == 200, 1] = 250
    return image, labels


def test_shapes_and_labels(labelled):
    image, labels = labelled
    shapes = {name: view(image, labels)[1].shape for name, view in VIEWS.items()}
    assert shapes == dict(colour=(480, 300), grey=(480, 300), dark=(480, 300), small=(120, 75), upper=(240, 300))
    for name, view in VIEWS.items():
        seen, truth = view(image, labels)
        assert seen.shape == (*truth.shape, 3)
        assert seen.dtype == truth.dtype == np.uint8
        assert set(np.unique(truth)) == {0, 200}, name


@pytest.mark.parametrize('name', ['colour', 'dark', 'small', 'upper'])
def test_colours_stay_with_their_labels(labelled, name):
    seen, truth = VIEWS[name](*labelled)
    green = seen[..., 1] > seen[..., 0]
    assert (green == (truth == 200)).mean() > 0.98
    assert seen.max() == pytest.approx(75 if name == 'dark' else 250, abs=1)


def test_grey_has_three_like_channels(labelled):
    image, labels = labelled
    seen, _ = VIEWS['grey'](image, labels)
    assert np.array_equal(seen[..., 0], cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    assert (seen == seen[..., :1]).all()


def test_what_is_small_stays(labelled):
    image, labels = labelled
    seen, truth = VIEWS['small'](image[:100], labels[:100])
    assert np.array_equal(seen, image[:100])
    assert np.array_equal(truth, labels[:100])
    assert VIEWS['upper'](image[:1], labels[:1])[1].shape == (1, 300)
    assert VIEWS['small'](image[:, :1], labels[:, :1])[1].shape == (120, 1)
