"""Whole drawings, in which everything has its place: labels, badges, lines, colours, hatching, legends."""
import cv2
import numpy as np
import pytest

from mmqanet.functional.geometry import PersonCrop
from mmqanet.functional.image_parsing import ImageParsing, number_parts
from mmqanet.structures import LabelSet
from mmqanet.visualization import draw_panels
from mmqanet.visualization.samples import CropSample, contact_sheet, draw_sample

LABELS = LabelSet(
    ('background', 'hair', 'coat', 'left-arm', 'right-arm', 'trousers', 'shoes'),
    ((0, 0, 0), (122, 68, 24), (230, 57, 70), (0, 180, 216), (255, 159, 28), (67, 97, 118), (56, 176, 0)))


def draw_person(category: np.ndarray, human: np.ndarray, number: int, x: int, y: int, size: int) -> None:
    """A standing figure, ``size`` pixels high and half as wide, whose head is at (x, y); in place."""
    for label, (top, bottom, left, right) in (
            (1, (0, 0.18, -0.09, 0.09)), (2, (0.18, 0.55, -0.14, 0.14)), (3, (0.2, 0.5, 0.14, 0.22)),
            (4, (0.2, 0.5, -0.22, -0.14)), (5, (0.55, 0.93, -0.12, 0.12)), (6, (0.93, 1, -0.14, 0.14))):
        window = np.s_[y + int(top * size):y + int(bottom * size), x + int(left * size):x + int(right * size)]
        category[window], human[window] = label, number


@pytest.fixture
def scene():
    """An image (480, 720, 3) that grows brighter to the right, three people in it, and doubtful parts."""
    image = np.linspace(40, 200, 720, dtype=np.uint8)[None, :, None].repeat(480, 0).repeat(3, 2)
    category, human = np.zeros((2, 480, 720), np.uint8)
    for number, (x, y, size) in enumerate(((150, 30, 420), (420, 8, 300), (560, 150, 310)), 1):
        draw_person(category, human, number, x, y, size)
    human = human.astype(np.int32)
    part, labels, people = number_parts(category, human)
    return image, ImageParsing(
        category=category, human=human, part=part, part_labels=labels, part_people=people,
        part_scores=np.linspace(0.35, 0.95, len(labels)), person_scores=np.array([0.41, 0.82, 0.934]))


def test_an_overlay(scene, looks_like):
    image, parsing = scene
    looks_like('overlay', draw_panels(image, {'': parsing}, label_set=LABELS, alpha=0.6, quality_thr=0.6))


def test_panels_with_titles(scene, looks_like):
    image, parsing = scene
    annotated = ImageParsing.annotated(parsing.category, parsing.human)
    looks_like('panels', draw_panels(image, {'truth': annotated, 'prediction': parsing}, label_set=LABELS,
                                     alpha=0.4, quality_thr=0.5))


def test_a_small_picture_with_doubtful_pixels(scene, looks_like):
    image, parsing = scene
    labels = parsing.category[::8, ::8].copy()
    labels[20:30, 10:20] = 255
    small = ImageParsing.annotated(labels, parsing.human[::8, ::8])
    looks_like('small', draw_panels(np.ascontiguousarray(image[::8, ::8]), {'': small}, label_set=LABELS))


@pytest.mark.skipif(int(cv2.__version__.split('.')[0]) >= 5, reason='OpenCV 5 smooths oblique lines differently')
def test_a_sample_with_its_crop(scene, looks_like):
    image, parsing = scene
    plain = PersonCrop.from_box((60, 30, 240, 450), output_size=(96, 128))
    crop = plain.rotated(15).scaled(0.9).mirrored()
    labels = np.zeros((128, 96), np.uint8)
    labels[20:100, 30:60], labels[40:60, 60:70] = 2, 255
    sample = CropSample(image=np.full((128, 96, 3), 120, np.uint8), labels=labels, person=1, crop=crop, plain=plain)
    drawn = draw_sample(image, parsing.category, parsing.human, np.array([[58.0, 30, 242, 450], [380, 8, 460, 308]]),
                        label_set=LABELS, title='0001.jpg, person 1', crop=sample)
    looks_like('sample', drawn)
    looks_like('sheet', contact_sheet([drawn, image, drawn[:, :400]], width=1200, row=160))
