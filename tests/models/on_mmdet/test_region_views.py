"""Frames of boxes between an image and its views; how often a network is asked."""
import pytest
import torch

pytest.importorskip('mmdet')
from mmqanet.models.on_mmdet.region_preprocessor import WholeImagePreprocessor
from mmqanet.models.on_mmdet.region_views import Pyramids, View


def view(*, mirrored=False, last_pixel=0) -> View:
    """A view of 40 × 60 in an input of 64 × 64."""
    return View(inputs=torch.zeros(1, 3, 64, 64), size=(40, 60), mirrored=mirrored, last_pixel=last_pixel)


@pytest.mark.parametrize('last_pixel', [0, 1])
@pytest.mark.parametrize('mirrored', [False, True])
def test_boxes_go_there_and_back(mirrored, last_pixel):
    boxes = torch.tensor([[3, 5, 20, 70], [0, 0, 120, 80.0]])
    seen = view(mirrored=mirrored, last_pixel=last_pixel)
    torch.testing.assert_close(seen.to_frame(seen.from_frame(boxes, (80, 120)), (80, 120)), boxes)


def test_a_mirrored_box_covers_the_mirrored_pixels():
    picture = torch.zeros(40, 60)
    picture[5:9, 10:15] = 1
    rows, columns = picture.flip(1).nonzero().unbind(1)
    ends = torch.tensor([[10, 5, 15, 9.0]])
    seen = view(mirrored=True).from_frame(ends, (40, 60))[0].tolist()
    assert seen == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    named = view(mirrored=True, last_pixel=1).from_frame(ends - torch.tensor([0, 0, 1, 1]), (40, 60))[0].tolist()
    assert named == [columns.min(), rows.min(), columns.max(), rows.max()]


def test_a_view_is_described_as_heads_of_mmdet_want_it():
    assert view().meta == dict(img_shape=(40, 60), pad_shape=(64, 64), scale_factor=(1.0, 1.0))


def test_the_padded_input_goes_on_where_the_image_ends():
    assert view().window((80, 120), whole_input=False) == (0, 0, 128, 128)
    assert view(mirrored=True).window((80, 120), whole_input=False) == (-8, 0, 120, 128)
    assert view(mirrored=True).window((80, 120), whole_input=True) == (0, 0, 120, 80)


def test_one_view_is_extracted_once_and_many_whenever_they_are_looked_at():
    asked = []

    def extract(inputs):
        asked.append(inputs)
        return (inputs,), None

    single, many = Pyramids(extract, [view()]), Pyramids(extract, [view(), view()])
    assert [len(list(single)), len(list(single)), len(asked)] == [1, 1, 1]
    assert [len(list(many)), len(list(many)), len(asked)] == [2, 2, 5]


def test_the_preprocessor_normalises_and_adds_no_weights_to_a_checkpoint():
    preprocessor = WholeImagePreprocessor(mean=(1, 2, 3), std=(2, 4, 8), divisor=4, bgr_to_rgb=True)
    assert preprocessor.state_dict() == {}
    image = torch.tensor([7, 6, 5], dtype=torch.uint8)[:, None, None].expand(3, 2, 3)
    batch = preprocessor.batch([image])
    assert batch.shape == (1, 3, 4, 4)
    assert batch[0, :, 0, 0].tolist() == [(5 - 1) / 2, (6 - 2) / 4, (7 - 3) / 8]
    assert not batch[0, :, 2:].any()
    assert not batch[0, :, :, 3:].any()
