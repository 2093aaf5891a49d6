"""A prepared data set of single people, drawn small: red people on green in training, blue ones on yellow in validation."""
import cv2
import numpy as np
import pytest

from mmqanet.preparation.converters.batch import claim_folder
from mmqanet.preparation.converters.prepared import write_coco_json, write_sample
from mmqanet.preparation.crowds.cutout import cut_out
from mmqanet.preparation.crowds.photos import Photo, Photos

WIDTH, HEIGHT = 180, 160
# Person and surroundings, BGR.
COLOURS = dict(Training=((40, 40, 210), (60, 190, 60)), Validation=((210, 40, 40), (60, 190, 190)))


def draw_photo(seed: int, split: str = 'Training') -> tuple[np.ndarray, np.ndarray]:
    """A photo (160, 180, 3) uint8 BGR and its labels (160, 180) uint8: a head (1), a trunk (2) and legs (3)."""
    rng = np.random.default_rng(seed)
    person, surroundings = COLOURS[split]
    image = np.empty((HEIGHT, WIDTH, 3), np.float32)
    image[:] = surroundings
    image[HEIGHT * 3 // 4:] *= 0.8
    category = np.zeros((HEIGHT, WIDTH), np.uint8)
    x = int(rng.integers(80, 100))
    cv2.circle(category, (x, 30), 11, 1, -1)
    cv2.rectangle(category, (x - 16, 42), (x + 16, 90), 2, -1)
    for side in (-1, 1):
        cv2.rectangle(category, (x + side * 10 - 4, 91), (x + side * 10 + 4, 145), 3, -1)
    share = cv2.GaussianBlur((category > 0).astype(np.float32), (0, 0), 0.8)[..., None]
    image = image * (1 - share) + np.float32(person) * share + rng.normal(0, 3, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8), category


@pytest.fixture
def photo() -> Photo:
    image, category = draw_photo(0)
    return Photo(image, category > 0, cut_out(image, category, category > 0))


@pytest.fixture
def scenery() -> np.ndarray:
    """The surroundings of ``photo`` without the person."""
    image = np.empty((HEIGHT, WIDTH, 3), np.float32)
    image[:] = COLOURS['Training'][1]
    image[HEIGHT * 3 // 4:] *= 0.8
    return image.astype(np.uint8)


@pytest.fixture(scope='session')
def source(tmp_path_factory):
    """The data set on disk: 7 training photos, 4 for validation."""
    root = tmp_path_factory.mktemp('single')
    for split, short, count in (('Training', 'train', 7), ('Validation', 'val', 4)):
        images, people = [], []
        for number in range(count):
            image, category = draw_photo(100 * count + number, split)
            name = f'{short}{number}'
            jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
            people.append(write_sample(root / split, name, image=jpeg, category=category, human=(category > 0) * 1,
                                       num_classes=4))
            images.append(dict(file_name=f'{name}.jpg', height=HEIGHT, width=WIDTH))
        write_coco_json(root / f'annotations/single_{short}.json', images, people)
    claim_folder(root, {'converter': 'drawn for a test'})
    return root


@pytest.fixture
def photos(source) -> Photos:
    names = tuple(f'train{number}' for number in range(7))
    return Photos(source / 'Training', people=names, backdrops=names)
