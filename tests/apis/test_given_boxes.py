"""Which boxes are whose."""
import pytest
from pictures import picture, save

from mmqanet.apis.given_boxes import look_up
from mmqanet.apis.inputs import find_inputs, is_single
from mmqanet.errors import InputError

FIRST, SECOND = [[0, 0, 9, 9], [1, 1, 5, 5]], [[2, 2, 7, 7]]


def boxes_of(given, boxes, what='boxes'):
    items = find_inputs(given)
    found = look_up(boxes, items, single=is_single(given), what=what)
    return [found(item) for item in items]


@pytest.fixture
def folder(tmp_path):
    for name in ('b.png', 'a.png'):
        save(tmp_path / 'in' / name, picture())
    return tmp_path / 'in'


def test_a_folder_takes_a_list_with_the_boxes_of_each_picture_by_name(folder):
    assert boxes_of(folder, [FIRST, SECOND]) == boxes_of(str(folder), [FIRST, SECOND]) == [FIRST, SECOND]
    assert boxes_of([folder], (FIRST, None)) == [FIRST, None]


def test_a_folder_of_one_picture_takes_the_boxes_alone_and_a_list_of_folders_does_not(folder):
    (folder / 'b.png').unlink()
    assert boxes_of(folder, FIRST) == boxes_of(folder / 'a.png', FIRST) == [FIRST]
    assert boxes_of([folder], [FIRST]) == [FIRST]
    with pytest.raises(InputError, match=r'boxes must be as many as the inputs \(1\), not 2'):
        boxes_of([folder], FIRST)


def test_another_number_of_boxes_than_a_folder_has_pictures_is_refused(folder):
    for boxes in ([FIRST], [FIRST, SECOND, FIRST], []):
        with pytest.raises(InputError, match=rf'boxes must be as many as the inputs \(2\), not {len(boxes)}'):
            boxes_of(folder, boxes)
    with pytest.raises(InputError, match=r'box_scores must be as many as the inputs \(2\), not 1'):
        boxes_of(folder, [[0.5]], what='box_scores')


def test_the_same_picture_twice_has_boxes_of_its_own_each_time(folder):
    assert boxes_of([folder / 'a.png', folder / 'a.png'], [FIRST, SECOND]) == [FIRST, SECOND]


def test_the_whole_image_is_a_word_for_boxes_alone(folder):
    assert boxes_of(folder, 'image') == ['image', 'image']
    assert boxes_of(folder, None) == boxes_of(folder, None, what='box_scores') == [None, None]
    for what, word in (('boxes', 'all'), ('box_scores', 'image'), ('boxes', '')):
        with pytest.raises(InputError, match=rf"{what} is '{word}'; the only word that is known is boxes='image'"):
            boxes_of(folder, word, what=what)


@pytest.mark.parametrize('key', ['in/a.png', 'a.png'])
def test_boxes_by_name(folder, key, monkeypatch):
    monkeypatch.chdir(folder.parent)
    boxes = {key: FIRST, 'b.png': SECOND}
    assert boxes_of('in', boxes) == [FIRST, SECOND]
    with pytest.raises(InputError, match=r'in/b\.png: no boxes are given for b\.png'):
        boxes_of('in', {key: FIRST})
