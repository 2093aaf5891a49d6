"""Labels keep inside the picture and off each other, and off the people where there is room."""
import cv2
import numpy as np
import pytest

from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.structures import LabelSet
from mmqanet.visualization import callouts
from mmqanet.visualization.callouts import LabelLayout, draw_callouts
from mmqanet.visualization.lettering import Badge
from mmqanet.visualization.paint import windows_of


def spots(x: float, y: float, radius: float) -> np.ndarray:
    return np.array([[x, y, radius]])


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a[:2] < b[2:]).all() and (b[:2] < a[2:]).all())


@pytest.mark.parametrize('seed', range(8))
def test_labels_neither_overlap_nor_leave_the_picture(seed):
    rng = np.random.default_rng(seed)
    width, height = rng.integers(150, 700, 2)
    covered = np.zeros((height, width), bool)
    covered[:, width // 3:width // 2] = True
    layout = LabelLayout(covered, em=16)
    boxes = [layout.place_tag((50, 20), rng.random(2) * (width, height)) for _ in range(8)]
    for _ in range(40):
        size = rng.integers(30, 120), 16
        box, start = layout.place_label(
            size, spots(*rng.random(2) * (width, height), rng.random() * 80), sides=(width / 3, width / 2))
        boxes.append(box)
        if box is not None:
            assert (box[2:] - box[:2]).tolist() == list(size)
            if start is not None:
                assert (box[:2] <= start).all()
                assert (start <= box[2:]).all()
    placed = [box for box in boxes if box is not None]
    assert len(placed) > 8
    for index, box in enumerate(placed):
        assert (box[:2] >= 0).all()
        assert (box[2:] <= (width, height)).all()
        assert not any(overlap(box, other) for other in placed[:index])


def test_a_label_stands_beside_the_person_where_there_is_room():
    covered = np.zeros((400, 600), bool)
    covered[50:380, 250:350] = True
    box, start = LabelLayout(covered, em=16).place_label((90, 16), spots(300, 200, 30), sides=(250, 350))
    x1, y1, x2, y2 = box.astype(int)
    assert covered[y1:y2, x1:x2].mean() < 0.25
    assert start is not None
    assert np.hypot(*(start - (300, 200))) < 150


def test_a_label_lies_on_a_part_that_is_large():
    covered = np.ones((400, 600), bool)
    box, start = LabelLayout(covered, em=16).place_label((90, 16), spots(300, 200, 150), sides=(0, 600))
    assert start is None
    assert ((box[:2] + box[2:]) / 2).tolist() == [300, 200]


def test_a_label_on_its_part_hides_little_of_what_there_is_to_see():
    covered, detail = np.ones((400, 600), bool), np.zeros((100, 150), np.float32)
    detail[45:55, 60:90] = 20  # around the innermost spot
    places = np.concatenate([spots(300, 200, 150), spots(320, 200, 140), spots(300, 100, 60), spots(300, 320, 40)])
    box, start = LabelLayout(covered, em=16, detail=detail).place_label((90, 16), places, sides=(0, 600))
    assert start is None
    assert ((box[:2] + box[2:]) / 2).tolist() == [300, 100], 'of what is plain, where the part is wide enough'
    layout = LabelLayout(covered, em=16, detail=np.full_like(detail, 20))
    assert ((layout.place_label((90, 16), places, sides=(0, 600))[0].reshape(2, 2).mean(0)).tolist()) == [300, 200]
    box, _ = layout.place_label((90, 16), places, sides=(0, 600))
    assert ((box[:2] + box[2:]) / 2).tolist() == [300, 100], 'where no label lies yet'


def test_the_name_of_a_face_is_not_written_on_its_eyes():
    """A person of one part with eyes and mouth around its innermost point, and a plain forehead."""
    photo = np.full((400, 300, 3), 170, np.uint8)
    for centre in ((110, 170), (190, 170), (150, 250), (150, 205)):
        cv2.circle(photo, centre, 24, (30, 40, 90), cv2.FILLED)
    face = np.zeros((400, 300), np.uint8)
    cv2.ellipse(face, (150, 200), (110, 160), 0, 0, 360, 1, cv2.FILLED)
    human = face.astype(np.int32)
    parsing = ImageParsing(category=face, human=human, part=human, part_labels=np.array([1]), part_people=np.array([0]),
                           part_scores=np.array([0.9]), person_scores=np.array([0.9]))
    drawn = photo.copy()
    draw_callouts(drawn, parsing, people=windows_of(human), parts=windows_of(human), quality_thr=0,
                  label_set=LabelSet(('background', 'skin'), ((0, 0, 0), (255, 200, 160))))
    rows, columns = np.nonzero((drawn != photo).any(axis=2) & (face > 0) & (np.arange(400)[:, None] > 70))
    assert len(rows) > 200
    assert (photo[rows, columns] == 170).mean() > 0.98


@pytest.mark.parametrize(('quality', 'threshold', 'shown'), [
    (0.4999, 0.5, '0.49'), (0.496, 0.5, '0.49'), (0.5, 0.5, '0.50'), (0.504, 0.5, '0.50'), (0.496, 0, '0.50'),
    (0.4949, 0.494, '0.50'), (0.4931, 0.494, '0.49')])
def test_a_quality_is_written_on_its_side_of_the_threshold(quality, threshold, shown, monkeypatch):
    written = []
    monkeypatch.setattr(callouts, 'Badge', lambda pieces, **options: written.append(pieces) or Badge(pieces, **options))
    human = np.ones((200, 200), np.int32)
    parsing = ImageParsing(category=human.astype(np.uint8), human=human, part=human, part_labels=np.array([1]),
                           part_people=np.array([0]), part_scores=np.array([quality]), person_scores=np.array([quality]))
    draw_callouts(np.zeros((200, 200, 3), np.uint8), parsing, people=windows_of(human), parts=windows_of(human),
                  label_set=LabelSet(('background', 'skin'), ((0, 0, 0), (255, 200, 160))), quality_thr=threshold)
    assert [pieces[1][0] for pieces in written] == [shown, shown]


def test_a_crowd_leaves_small_parts_without_labels():
    covered = np.ones((400, 600), bool)
    assert LabelLayout(covered, em=16).place_label((90, 16), spots(300, 200, 5), sides=(280, 320)) == (None, None)


def test_a_label_larger_than_the_picture_is_left_out():
    layout = LabelLayout(np.zeros((20, 40), bool), em=16)
    assert layout.place_label((90, 16), spots(20, 10, 5), sides=(10, 30)) == (None, None)
    assert layout.place_tag((90, 16), (20, 10)) is None


def test_a_badge_sits_above_the_head_and_moves_down_at_the_border():
    layout = LabelLayout(np.zeros((400, 600), bool), em=16)
    above = layout.place_tag((60, 20), (300, 200))
    assert above[3] <= 200
    assert above[0] < 300 < above[2]
    at_border = layout.place_tag((60, 20), (100, 3))
    assert at_border[1] >= 0


def test_reserved_places_are_kept_free():
    layout = LabelLayout(np.zeros((200, 200), bool), em=16)
    taken = layout.reserve((70, 60), (60, 40))
    box = layout.place_tag((60, 20), (100, 100))
    assert not overlap(taken, box)


def test_lines_to_labels_do_not_cross():
    def side(a, b, c) -> bool:
        return bool((b - a)[0] * (c - a)[1] > (b - a)[1] * (c - a)[0])

    crossings = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        covered = np.zeros((400, 500), bool)
        covered[50:350, 200:300] = True
        layout, lines = LabelLayout(covered, em=16), []
        for anchor in np.stack([rng.integers(200, 300, 14), rng.integers(50, 350, 14)], axis=1).astype(float):
            _, start = layout.place_label((60, 16), spots(*anchor, 5), sides=(200, 300))
            if start is not None:
                lines.append((start, anchor))
        assert len(lines) > 8
        crossings += sum(
            side(a, b, c) != side(a, b, d) and side(c, d, a) != side(c, d, b)
            for index, (a, b) in enumerate(lines) for c, d in lines[:index])
    assert crossings == 0
