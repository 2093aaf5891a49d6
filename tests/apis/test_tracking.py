"""Who is who in a video: the tracker alone, and through the inferencer and the command line."""
import json
from itertools import pairwise
from types import SimpleNamespace

import cv2
import jsonschema
import numpy as np
import pytest
import torch

from mmqanet.apis import HumanParsingInferencer
from mmqanet.apis.detector import PersonDetector
from mmqanet.apis.outputs import ResultWriter
from mmqanet.apis.predictions import schema
from mmqanet.apis.tracking import Tracking
from mmqanet.apis.tracking.cuts import SceneCuts
from mmqanet.apis.tracking.smoothing import TrackSmoother, blend
from mmqanet.apis.tracking.stage import _same, _sighting
from mmqanet.apis.tracking.tracker import PersonTracker, Track
from mmqanet.errors import InputError
from mmqanet.functional.association import PartColours, Sighting
from mmqanet.preparation.toy.motion import draw_video


def person(x, y=0, *, width=10, height=20, colour=0):
    look = PartColours(np.array([0, 1.0]), np.array([[0, 0, 0], [colour] * 3], float))
    return Sighting(np.array([x, y, x + width, y + height], float), np.ones((height, width), bool), np.array([y, x]), look)


def follow(frames, *, unsure=(), fps=10, **rules):
    tracker = PersonTracker(Tracking(**rules))
    return [tracker.update(people, unsure[index] if unsure else [], index / fps) for index, people in enumerate(frames)]


@pytest.mark.parametrize(('shift', 'common', 'expected'), [
    (2.4, 0, True), (2.5, 0, True), (2.6, 0, False), (50, 6, True), (50, 5, False), (2.6, 5, False), (0, 0, True)])
def test_who_shares_six_tenths_of_box_or_pixels_is_there_already(shift, common, expected):
    """Boxes of 10 by 4, masks of 8 and of ``common`` + 2 pixels, of which ``common`` are the same."""
    one = Sighting(np.array([0.0, 0, 10, 4]), np.ones((1, 8), bool), np.array([0, 0]), None)
    other = Sighting(np.array([shift, 0, 10 + shift, 4]), np.ones((1, common + 2), bool), np.array([0, 8 - common]), None)
    assert _same(one, other) is expected
    assert _same(other, one) is expected


def test_a_sighting_is_cut_to_the_pixels_of_the_person():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    labels = np.zeros((20, 30), np.uint8)
    labels[3:9, 5:22] = 1
    labels[9:15, 11:13] = 2
    labels[4, 6] = 0
    people = SimpleNamespace(label_maps=[None, torch.from_numpy(labels)], offsets=torch.tensor([[0, 0], [7, 25]]),
                             bboxes=torch.tensor([[0.0, 0, 1, 1], [26.5, 8.0, 50.0, 24.0]]))
    found = _sighting(people, torch.tensor(1), image, 3)
    assert found.box.tolist() == [26.5, 8, 50, 24]
    assert found.corner.tolist() == [7 + 3, 25 + 5]
    np.testing.assert_array_equal(found.mask, labels[3:15, 5:22] > 0)
    expected = PartColours.of(image[10:22, 30:47], labels[3:15, 5:22], 3)
    np.testing.assert_array_equal(found.look.shares, expected.shares)
    np.testing.assert_allclose(found.look.colours, expected.colours)
    people.label_maps[1] = torch.zeros(2, 3, dtype=torch.uint8)
    assert not _sighting(people, torch.tensor(1), image, 3).mask.any()


def test_numbers_last_where_people_move_and_their_order_changes():
    frames = [[person(4 * i), person(100 - 4 * i, 30)][::1 if i % 2 else -1] for i in range(8)]
    numbers = [found for found, _ in follow(frames)]
    assert numbers[0] == [1, 2]
    assert all(found == ([2, 1] if i % 2 else [1, 2]) for i, found in enumerate(numbers))


def test_who_is_fast_is_found_where_the_speed_leads():
    """From the third frame on nobody overlaps with the place of the frame before."""
    frames = [[person(x, colour=80 * (index % 3))] for index, x in enumerate((0, 5, 15, 27, 39))]
    assert {number for found, _ in follow(frames) for number in found} == {1}


def test_a_track_s_speed_is_a_mean_that_forgets():
    """In pixels a second: the first step gives it, each later one counts four tenths."""
    track = Track(1, person(0), 0.0, np.zeros(2))
    track.go_on(person(10, 5), 0.5)
    np.testing.assert_allclose(track.speed, [20, 10])
    track.go_on(person(20, 5), 1.0)
    np.testing.assert_allclose(track.speed, [0.6 * 20 + 0.4 * 20, 0.6 * 10 + 0.4 * 0])
    track.go_on(person(20, 15), 3.0)
    np.testing.assert_allclose(track.speed, [0.6 * 20 + 0.4 * 0, 0.6 * 6 + 0.4 * 5])
    np.testing.assert_allclose(track.expected(3.5).centre - track.seen.centre, track.speed / 2)
    before = track.speed
    track.go_on(person(90), 3.0)  # at the same time nobody has a speed
    np.testing.assert_array_equal(track.speed, before)
    assert (track.frames, track.seconds) == (5, 3.0)


@pytest.mark.parametrize(('seconds', 'number'), [(1.0, 1), (0.3, 2)])
def test_a_track_waits_as_long_as_it_is_told(seconds, number):
    frames = [[person(0)], [], [], [], [], [person(0)]]
    assert follow(frames, lost_seconds=seconds)[-1][0] == [number]


def test_the_unsure_count_for_tracks_only():
    frames, unsure = [[person(0)], [], [person(2)]], [[], [person(1), person(60)], []]
    found = follow(frames, unsure=unsure)
    assert found == [([1], []), ([], [1, 0]), ([1], [])]


def test_the_sure_come_before_the_unsure():
    found = follow([[person(0)], [person(3)]], unsure=[[], [person(0)]])
    assert found[1] == ([1], [0])


@pytest.mark.parametrize(('colour', 'number'), [(0, 1), (10, 1), (27, 2), (200, 2)])
def test_who_was_out_of_sight_is_found_by_colours(colour, number):
    frames = [[person(0)], [], [person(15, colour=colour)]]
    assert follow(frames)[-1][0] == [number]


def test_no_number_is_used_again_after_a_cut():
    tracker = PersonTracker(Tracking())
    tracker.update([person(0)], [], 0)
    tracker.cut()
    assert tracker.update([person(0)], [], 0.1)[0] == [2]


def test_a_cut_is_another_scene_or_size():
    scenes = [list(draw_video(np.random.default_rng(seed), frames=3, size=(96, 72), fps=10)) for seed in (0, 1)]
    cuts = SceneCuts()
    images = [scene.image for scenes in scenes for scene in scenes]
    assert [cuts.is_cut(image) for image in images] == [False, False, False, True, False, False]
    assert cuts.is_cut(images[-1][:60])
    dark = (images[-1][:60] * 0.8).astype(np.uint8)
    assert not cuts.is_cut(dark), 'a lamp that goes off'


@pytest.mark.parametrize('options', [dict(match_thr=1.5), dict(lost_seconds=-1), dict(lost_seconds=float('nan'))])
def test_options_out_of_range_are_refused_by_name(options):
    with pytest.raises(InputError, match=next(iter(options))):
        Tracking(**options)


class Squares(torch.nn.Module):
    """Finds bright squares; the brighter, the surer."""

    dataset_meta = dict(classes=('person',))

    def test_step(self, data):
        return [SimpleNamespace(pred_instances=self.find(image.numpy())) for image in data['inputs']]

    @staticmethod
    def find(image):
        _, _, stats, _ = cv2.connectedComponentsWithStats((image.max(axis=2) > 60).astype(np.uint8))
        boxes = [(x, y, x + w, y + h) for x, y, w, h, area in stats[1:] if area > 100]
        scores = [image[y1:y2, x1:x2].mean() / 255 for x1, y1, x2, y2 in boxes]
        return SimpleNamespace(bboxes=torch.tensor(boxes).float().view(-1, 4), scores=torch.tensor(scores).float(),
                               labels=torch.zeros(len(boxes)))


@pytest.fixture(scope='module')
def follower(small_parser):
    detector = PersonDetector(Squares(), lambda results: dict(inputs=torch.from_numpy(results['img'])), score_thr=0.6)
    return HumanParsingInferencer(small_parser / 'config.py', small_parser / 'weights.pth', 'cpu', detector=detector)


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """Two squares that move apart; one is dim for a while, and a dim one comes for a moment."""
    path = tmp_path_factory.mktemp('video') / 'squares.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, (160, 96))
    for index in range(7):
        image = np.zeros((96, 160, 3), np.uint8)
        image[10:50, 70 + 5 * index:95 + 5 * index] = 100 if 2 <= index <= 4 else 250
        image[40:90, 40 - 5 * index:60 - 5 * index] = 240
        if index == 3:
            image[70:95, 120:150] = 100
        writer.write(image)
    writer.release()
    return path


class Scripted(torch.nn.Module):
    """Finds in each frame what it was told to."""

    dataset_meta = dict(classes=('person',))

    def __init__(self, found):
        super().__init__()
        self.found = iter(found)

    def test_step(self, data):
        return [SimpleNamespace(pred_instances=SimpleNamespace(
            bboxes=torch.tensor(boxes).float(), scores=torch.tensor(scores), labels=torch.zeros(len(boxes))))
            for boxes, scores in (next(self.found) for _ in data['inputs'])]


def test_an_unsure_box_on_somebody_who_is_there_takes_nobody_s_track(small_parser, noisy_video):
    """The second person is out of sight in the second frame, in which the first is found twice."""
    first, second, again = [4, 4, 40, 90], [18, 4, 54, 90], [6, 4, 42, 90]
    detector = PersonDetector(
        Scripted([([first, second], [0.9, 0.8]), ([first, again], [0.9, 0.2]), *[([first], [0.9])] * 3]),
        lambda results: dict(inputs=torch.from_numpy(results['img'])), score_thr=0.6)
    parse = HumanParsingInferencer(small_parser / 'config.py', small_parser / 'weights.pth', 'cpu', detector=detector)
    frames = list(parse.stream(noisy_video, track=Tracking(low_match_thr=0.05)))
    assert frames[0].sample.pred_instances.tracks.tolist() == [1, 2]
    assert frames[1].sample.pred_instances.tracks.tolist() == [1]


def tracks(frames):
    return [sorted((person['track'], round(person['box'][0], -1)) for person in frame['people']) for frame in frames]


def test_people_of_a_video_have_tracks_that_go_on_where_the_detector_is_unsure(follower, video):
    plain = follower(video)['predictions']
    assert [len(frame['people']) for frame in plain] == [2, 2, 1, 1, 1, 2, 2]
    assert not any('track' in person for frame in plain for person in frame['people'])
    frames = follower(video, track=True)['predictions']
    for frame in frames:
        jsonschema.validate(frame, schema())
        assert sorted(person['track'] for person in frame['people']) == [1, 2], 'also where one is dim; not the third'
    right = {person['track'] for frame in frames for person in frame['people'] if person['box'][0] > 60}
    assert len(right) == 1


@pytest.mark.parametrize('track', [False, True, Tracking(smooth_seconds=0.2)])
def test_whoever_the_detector_finds_is_in_every_map(small_parser, video, track):
    """The dim square, at 0.39, is below the box score from which tests paint somebody, were that 0.5."""
    detector = PersonDetector(Squares(), lambda results: dict(inputs=torch.from_numpy(results['img'])), score_thr=0.3)
    parse = HumanParsingInferencer(small_parser / 'config.py', small_parser / 'weights.pth', 'cpu', detector=detector)
    parse.model.postprocessor.bbox_score_thr = 0.5
    samples = parse(video, track=track, score_thr=0.01, return_datasamples=True)['predictions']
    assert [len(sample.pred_instances) for sample in samples] == [2, 2, 2, 3, 2, 2, 2]
    for sample in samples:
        assert torch.equal(sample.pred_maps.category > 0, sample.pred_maps.human > 0)
    image = np.full((96, 160, 3), 200, np.uint8)
    given, = parse(image, boxes=[[65, 10, 95, 50]], box_scores=[0.4], return_datasamples=True)['predictions']
    assert given.pred_maps.human.any()
    assert not given.pred_maps.category.any(), 'boxes of somebody else keep to the threshold of the config'


def test_tracks_do_not_depend_on_the_batch(follower, video):
    one, other = (tracks(follower(video, batch_size=size, track=True)['predictions']) for size in (1, 3))
    assert one == other


def test_pictures_are_parsed_as_without_tracking(follower):
    image = np.zeros((96, 160, 3), np.uint8)
    image[10:50, 70:95], image[40:90, 20:50] = 250, 100
    plain, followed = (follower(image, track=track)['predictions'] for track in (False, True))
    assert plain == followed
    assert len(plain[0]['people']) == 1


def test_thresholds_of_quality_leave_the_tracks_as_they_are(follower, video):
    frames = follower(video, track=True)['predictions']
    qualities = sorted(person['quality'] for frame in frames for person in frame['people'])
    threshold = (qualities[6] + qualities[7]) / 2
    left = follower(video, track=True, score_thr=threshold)['predictions']
    expected = [[(person['track'], person['box']) for person in frame['people'] if person['quality'] >= threshold]
                for frame in frames]
    assert [[(person['track'], person['box']) for person in frame['people']] for frame in left] == expected


def test_what_cannot_be_an_option_is_refused(follower, video):
    with pytest.raises(InputError, match='track is a str'):
        follower(video, track='yes')


def test_the_record_has_everybody_with_the_best_frame_and_cut_out(follower, video, tmp_path):
    options = dict(follower.options(track=True))
    writer = ResultWriter(tmp_path, label_set=follower.label_set, kinds=('people',), options=options)
    frames = []
    for parsed in follower.stream(video, track=True):
        writer.write(parsed)
        frames.append(parsed)
    writer.close()
    record = json.loads((tmp_path / 'squares.json').read_text())
    jsonschema.validate(record, schema('video'))
    lines = [json.loads(line) for line in (tmp_path / 'squares.jsonl').read_text().splitlines()]
    assert [track['track'] for track in record['tracks']] == [1, 2]
    for track in record['tracks']:
        own = [(person['quality'], line['frame']) for line in lines for person in line['people']
               if person['track'] == track['track']]
        assert track['frames'] == len(own) == 7
        assert (track['best']['quality'], track['best']['frame']) == max(own, key=lambda pair: pair[0])
        assert track['mean_quality'] == pytest.approx(np.mean([quality for quality, _ in own]), abs=1e-4)
        assert (track['first']['frame'], track['last']['frame']) == (0, 6)
    assert record['files']['people'] == ['people/squares/1.png', 'people/squares/2.png']
    assert all((tmp_path / file).is_file() for file in record['files']['people'])
    item = frames[0].item
    again = ResultWriter(tmp_path, label_set=follower.label_set, kinds=('people',), options=options, resumes=True)
    assert again.changes(item) == []
    other = dict(options, track=dict(options['track'], lost_seconds=2.0))
    assert ResultWriter(tmp_path, label_set=follower.label_set, options=other).changes(item) == [
        'track.lost_seconds was 1.0, is 2.0']


def test_pictures_of_people_who_are_no_more_go(follower, video, tmp_path):
    options = follower.options(track=True)
    for max_people in (2, 1):
        writer = ResultWriter(tmp_path, label_set=follower.label_set, kinds=('people',), options=options)
        for parsed in follower.stream(video, track=True, boxes=[[60, 5, 130, 55], [1, 35, 60, 95]][:max_people]):
            writer.write(parsed)
        writer.close()
    assert [path.name for path in (tmp_path / 'people/squares').iterdir()] == ['1.png']


def test_the_past_counts_as_far_as_it_agrees():
    before = torch.tensor([[[1.0, 0.0, 0.6]], [[0.0, 1.0, 0.4]]])
    now = torch.tensor([[[1.0, 1.0, 0.2]], [[0.0, 0.0, 0.8]]])
    mean = blend(before.half(), now, past=0.5, quality=0.8)
    share = 0.5 * 0.6**2 / (0.5 * 0.6**2 + 0.8)  # of the third pixel, where the distributions have 0.6 in common
    third = now[:, 0, 2] * (1 - share) + before[:, 0, 2] * share
    expected = torch.stack([now[:, 0, 0], now[:, 0, 1], third], dim=1)[:, None]
    torch.testing.assert_close(mean, expected, atol=1e-3, rtol=0)
    torch.testing.assert_close(blend(before, now, past=0.0, quality=0.0), now)


def smoothed_at(times, *, x=(0.0, 0.0)):
    """The maps that are pasted for somebody with boxes from ``x``, at two times; there are none without a past."""
    pasted = []

    def paste(probs, windows, *, image_shape):
        pasted.append([part.float() for part in probs])
        return SimpleNamespace(label_map=torch.zeros(2, 2), offset=(0, 0), pixel_scores=torch.zeros(1),
                               part_pixel_scores=torch.zeros(1, 1))

    smoother = TrackSmoother(SimpleNamespace(paste=paste, rescore=lambda sample: None), half_life=0.25)
    for share, left, seconds in zip((1.0, 0.5), x, times):
        probs = torch.tensor([share, 1 - share])[:, None, None].expand(2, 2, 2)
        people = SimpleNamespace(
            tracks=torch.tensor([7]), crop_probs=[[probs]], crop_windows=[None], qualities=torch.tensor([0.5]),
            bboxes=torch.tensor([[left, 0, left + 10, 10]]), label_maps=[None], offsets=torch.zeros(1, 2),
            pixel_scores=torch.zeros(1), part_pixel_scores=torch.zeros(1, 1))
        smoother.smooth(SimpleNamespace(pred_instances=people, ori_shape=(20, 20)), seconds=seconds)
    return pasted


def test_somebody_is_remembered_for_half_a_second_in_the_same_place():
    past = 0.5 * 0.5**2 * 0.5**2  # quality, two half-lives, agreement of (1, 0) and (0.5, 0.5)
    expected = (0.5 * 0.5 + 1.0 * past) / (0.5 + past)
    (found,), = smoothed_at((1.0, 1.5))
    assert found[0].unique().tolist() == pytest.approx([expected], abs=1e-3)
    assert smoothed_at((1.0, 1.5625)) == []
    assert smoothed_at((1.0, 1.25), x=(0.0, 4.0)) == []  # IoU 6/14
    assert len(smoothed_at((1.0, 1.25), x=(0.0, 3.0))) == 1  # 7/13


@pytest.fixture(scope='module')
def noisy_video(tmp_path_factory):
    """Somebody who stands still, in noise."""
    path, rng = tmp_path_factory.mktemp('noisy') / 'noisy.avi', np.random.default_rng(0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, (64, 96))
    plain = rng.integers(0, 256, (96, 64, 3))
    for _ in range(5):
        writer.write((plain + rng.normal(0, 15, plain.shape)).clip(0, 255).astype(np.uint8))
    writer.release()
    return path


def smoothed(follower, video, seconds, **options):
    return list(follower.stream(video, boxes='image', track=Tracking(smooth_seconds=seconds), **options))


def test_smoothing_takes_flicker_out_and_the_record_says_how_much(follower, noisy_video, tmp_path):
    frames = smoothed(follower, noisy_video, 1.0)
    before, after = (np.sum([frame.sample.get(name) for frame in frames], axis=0) for name in ('flicker', 'smoothed'))
    assert after[0] / after[1] < 0.7 * before[0] / before[1]
    maps = [frame.sample.pred_maps.category[0].numpy() for frame in frames]
    pairs = [((one > 0) & (other > 0), one != other) for one, other in pairwise(maps)]
    assert after.tolist() == [sum((both & changed).sum() for both, changed in pairs), sum(both.sum() for both, _ in pairs)]
    plain = [frame.sample for frame in follower.stream(noisy_video, boxes='image', track=True)]
    assert [sample.flicker for sample in plain] == [frame.sample.flicker for frame in frames]
    assert torch.equal(plain[0].pred_maps.category, frames[0].sample.pred_maps.category), 'the first has no past'
    writer = ResultWriter(tmp_path, label_set=follower.label_set, options=follower.options(track=True))
    for frame in frames:
        writer.write(frame)
    writer.close()
    record = json.loads((tmp_path / 'noisy.json').read_text())
    jsonschema.validate(record, schema('video'))
    assert record['flicker'] == pytest.approx(dict(parsed=before[0] / before[1], smoothed=after[0] / after[1]), abs=1e-5)
    assert 'crop_probs' not in frames[-1].sample.pred_instances


def test_smoothing_does_not_depend_on_the_batch(follower, noisy_video):
    one, other = (smoothed(follower, noisy_video, 0.2, batch_size=size) for size in (1, 4))
    for first, second in zip(one, other):
        same = first.sample.pred_maps.category == second.sample.pred_maps.category
        assert same.float().mean() > 0.995


def test_smoothing_needs_a_parser_that_keeps_probabilities(follower, noisy_video, monkeypatch):
    monkeypatch.setattr(type(follower.model), 'keeps_probs', False)
    with pytest.raises(InputError, match='keeps no probabilities'):
        follower(noisy_video, track=Tracking(smooth_seconds=1.0))


def test_a_video_without_people_has_no_tracks(follower, tmp_path):
    path = tmp_path / 'empty.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    results = ResultWriter(tmp_path / 'out', label_set=follower.label_set, kinds=('people',),
                           options=follower.options(track=True))
    for frame in follower.stream(path, track=Tracking(smooth_seconds=0.1)):
        results.write(frame)
    results.close()
    record = json.loads((tmp_path / 'out/empty.json').read_text())
    jsonschema.validate(record, schema('video'))
    assert (record['frames'], record['tracks'], record['files']['people']) == (1, [], [])
    assert record['flicker'] == dict(parsed=None, smoothed=None)


def test_at_a_cut_everybody_is_new_and_nothing_is_averaged(follower, tmp_path):
    path, rng = tmp_path / 'cut.avi', np.random.default_rng(3)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, (64, 96))
    scenes = [cv2.resize(rng.integers(low, low + 100, (12, 8, 3)).astype(np.uint8), (64, 96)) for low in (0, 150)]
    for scene in (0, 0, 1, 1):
        writer.write(scenes[scene])
    writer.release()
    frames, plain = smoothed(follower, path, 5.0), list(follower.stream(path, boxes='image'))
    assert [frame.sample.pred_instances.tracks.tolist() for frame in frames] == [[1], [1], [2], [2]]
    assert torch.equal(frames[2].sample.pred_maps.category, plain[2].sample.pred_maps.category)
    assert frames[2].sample.flicker == frames[2].sample.smoothed == (0, 0)
