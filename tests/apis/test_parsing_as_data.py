"""What the JSON says of a parsing, against numbers written by hand."""
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmqanet.apis.inputs import Picture
from mmqanet.apis.outputs import ResultWriter
from mmqanet.apis.predictions import Parsed, describe
from mmqanet.apis.videos import Frame
from mmqanet.functional.rle import decode_rle
from mmqanet.structures import LabelSet, ParsingDataSample
from mmqanet.utils.images import read_image

LABELS = LabelSet(('background', 'hat', 'coat', 'shoe'), [(0, 0, 0)] * 4)
PART_PIXEL_SCORES = [[0.11, 0.12, 0.13], [0.21, 0.22, 0.23], [0.31, 0.32, 0.33]]
COAT, SHOE, HAT = np.s_[0:2, 1:4], np.s_[4:5, 0:3], np.s_[2:4, 4:6]


def parsed_people():
    """Three people: the first without a pixel, the second with a coat and a shoe, the third with a hat, painted before."""
    human, part = torch.zeros(1, 5, 6, dtype=torch.int32), torch.zeros(1, 5, 6, dtype=torch.int32)
    for number, (window, person) in enumerate(((HAT, 3), (COAT, 2), (SHOE, 2)), 1):
        human[0][window], part[0][window] = person, number
    sample = ParsingDataSample(metainfo=dict(ori_shape=(5, 6)))
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor([[0, 0, 1, 1], [0.126, 0, 4, 5], [4, 2, 6, 4.999]]), bbox_scores=torch.tensor([0.1, 0.2, 0.3]),
        iou_scores=torch.tensor([0.4, 0.5, 0.6]), pixel_scores=torch.tensor([0.7, 0.8, 0.9]),
        qualities=torch.tensor([0.15, 0.25, 0.351234]), part_pixel_scores=torch.tensor(PART_PIXEL_SCORES))
    sample.pred_maps = PixelData(category=torch.zeros(1, 5, 6, dtype=torch.uint8), human=human, part=part)
    sample.pred_parts = InstanceData(
        labels=torch.tensor([1, 2, 3]), people=torch.tensor([2, 1, 1]), scores=torch.tensor([0.91, 0.62, 0.73]))
    return sample


def description(**frame):
    image = np.zeros((5, 6, 3), np.uint8)
    frame = Frame(name='a', source='in/a.jpg', image=image, **frame)
    return describe(Parsed(item=None, frame=frame, sample=parsed_people()), LABELS)


def test_every_number_is_that_of_its_own_person_and_class():
    second, third = description()['people']
    assert (second['id'], second['box'], second['quality']) == (2, [0.13, 0, 4, 5], 0.25)
    assert (third['id'], third['box'], third['quality']) == (3, [4, 2, 6, 5], 0.35123)
    assert second['scores'] == dict(box=0.2, iou=0.5, pixel=0.8)
    assert third['scores'] == dict(box=0.3, iou=0.6, pixel=0.9)
    told = [[(part['label'], part['name'], part['quality'], part['pixel_score'], part['area']) for part in person['parts']]
            for person in (second, third)]
    assert told == [[(2, 'coat', 0.62, 0.22, 6), (3, 'shoe', 0.73, 0.23, 3)], [(1, 'hat', 0.91, 0.31, 4)]]


def test_the_mask_of_a_part_is_its_pixels():
    people = description()['people']
    for described, window in zip([part for person in people for part in person['parts']], (COAT, SHOE, HAT)):
        expected = np.zeros((5, 6), bool)
        expected[window] = True
        assert (decode_rle(described['rle']) == expected).all()


def test_a_frame_tells_its_number_and_time():
    assert not {'frame', 'seconds'} & set(description())
    told = description(index=0, seconds=0.123456)
    assert (told['frame'], told['seconds']) == (0, 0.1235)
    assert description(index=3)['seconds'] is None
    assert (told['name'], told['source'], told['height'], told['width']) == ('a', 'in/a.jpg', 5, 6)


def test_a_drawing_that_is_there_is_written_as_it_is(tmp_path):
    frame = Frame(name='a', source='a', image=np.zeros((40, 60, 3), np.uint8))
    item = Picture(name='a', source='a', content=frame.image)
    drawing = np.full((40, 60, 3), (250, 30, 100), np.uint8)
    parsed = Parsed(item=item, frame=frame, sample=parsed_people())
    ResultWriter(tmp_path, label_set=LABELS, kinds=('overlay',)).write(parsed, drawing)
    assert np.abs(read_image(tmp_path / 'a_overlay.jpg').astype(int) - (250, 30, 100)).max() < 4


def test_parsing_again_leaves_no_empty_folder(tmp_path):
    item = Picture(name='x/a', source='a', content=np.zeros((5, 6, 3), np.uint8))
    parsed = Parsed(item=item, frame=Frame(name='x/a', source='a', image=item.content), sample=parsed_people())
    ResultWriter(tmp_path, label_set=LABELS, kinds=('parts',)).write(parsed)
    assert len(list((tmp_path / 'parts/x/a').iterdir())) == 3
    ResultWriter(tmp_path, label_set=LABELS, kinds=()).write(parsed)
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob('*'))] == ['x', 'x/a.json']


def test_a_file_of_an_earlier_run_that_is_now_given_stays(tmp_path):
    item = Picture(name='a', source='a', content=np.zeros((5, 6, 3), np.uint8))
    parsed = Parsed(item=item, frame=Frame(name='a', source='a', image=item.content), sample=parsed_people())
    ResultWriter(tmp_path, label_set=LABELS, kinds=('palette', 'people')).write(parsed)
    given = tmp_path / 'a.png', *sorted((tmp_path / 'people/a').glob('*.png'))
    ResultWriter(tmp_path, label_set=LABELS, kinds=(), given=given).write(parsed)
    assert sorted(path for path in tmp_path.rglob('*') if path.is_file()) == [tmp_path / 'a.json', *given]


@pytest.mark.parametrize('sampler', ['align', 'warp'])
def test_the_way_of_resampling_is_told_where_it_is_known(sampler):
    sample = parsed_people()
    sample.set_metainfo(dict(crop_sampler=sampler))
    frame = Frame(name='a', source='a', image=np.zeros((5, 6, 3), np.uint8))
    assert describe(Parsed(item=None, frame=frame, sample=sample), LABELS)['crop_sampler'] == sampler
    assert 'crop_sampler' not in description()
