"""Whether a video file is whole, the time of its frames, and lines that are written with them."""
import json
import math
import struct
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mmqanet.apis.video_writing import JsonLinesWriter, VideoWriter, is_whole_mp4
from mmqanet.apis.videos import USUAL_FPS, Video, _Clock
from mmqanet.errors import DataError


def box(kind, content=b''):
    return struct.pack('>I4s', 8 + len(content), kind) + content


def large_box(kind, content=b''):
    """With its size in 64 bits behind the kind."""
    return struct.pack('>I4sQ', 1, kind, 16 + len(content)) + content


WHOLE = box(b'ftyp', b'isom') + box(b'mdat', b'12345') + box(b'moov')


@pytest.mark.parametrize(('content', 'expected'), [
    (WHOLE, True), (box(b'moov'), True), (box(b'ftyp') + large_box(b'mdat', b'x' * 40) + box(b'moov', b'y'), True),
    (b'', False), (box(b'ftyp') + box(b'mdat'), False), (WHOLE[:-1], False), (WHOLE[:-9], False), (WHOLE + b'x', False),
    (WHOLE + b'1234567', False), *((WHOLE + struct.pack('>I4s', size, b'free'), False) for size in (0, 1, 7)),
    (WHOLE + struct.pack('>I4s', 9, b'free'), False), (box(b'mdat', b'moov'), False), (b'x' * 40, False)])
def test_a_video_is_whole_where_its_boxes_are_and_the_index_is_there(tmp_path, content, expected):
    (tmp_path / 'a.mp4').write_bytes(content)
    assert is_whole_mp4(tmp_path / 'a.mp4') is expected


def seconds(said, fps=10.0):
    clock = _Clock(fps, runs=False)
    return [clock.next(time) for time in said]


@pytest.mark.parametrize(('said', 'expected'), [
    ([0, 0.1, 0.5, 0.6], [0, 0.1, 0.5, 0.6]), ([0.3, 0.4], [0.3, 0.4]), ([-1, 0.5], [0, 0.5]), ([math.nan, 0.5], [0, 0.5]),
    ([math.inf, 0.5], [0, 0.5]), ([0, 0, 0], [0, 0.1, 0.2]), ([0, 0.5, 0.4, 0.55, 0.7], [0, 0.5, 0.6, 0.7, 0.8]),
    ([0, math.nan, 0.15], [0, 0.1, 0.15]), ([0, math.inf], [0, 0.1])])
def test_times_grow_as_the_file_says_or_by_the_mean_rate(said, expected):
    assert seconds(said) == pytest.approx(expected)


def test_a_camera_has_the_times_at_which_its_frames_come(monkeypatch):
    now = iter([100.0, 107.0, 107.25, 107.25])
    monkeypatch.setattr('mmqanet.apis.videos.time.monotonic', lambda: next(now))
    clock = _Clock(4.0, runs=True)
    assert [clock.next(5.0), clock.next(9.0), clock.next(9.0)] == pytest.approx([0, 0.25, 0.5])


@pytest.mark.parametrize(('first', 'size'), [((24, 32), (24, 32)), ((23, 31), (24, 32)), ((24, 31), (24, 32))])
def test_frames_get_the_size_of_the_first_and_even_sides(tmp_path, monkeypatch, first, size):
    written = []
    monkeypatch.setattr(VideoWriter, '_open', lambda self: SimpleNamespace(write=written.append))
    writer = VideoWriter(tmp_path / 'a.mp4', fps=10)
    rng = np.random.default_rng(0)
    near = first, size, (size[0] - 1, size[1] - 1), (size[0] + 1, size[1] + 1)
    frames = [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in (*near, (48, 64), (12, 32), (24, 16))]
    for frame in frames:
        writer.add(frame)
    assert writer.frames == len(frames)
    assert writer.size == size[::-1]
    assert {image.shape for image in written} == {(*size, 3)}
    for frame, image in zip(frames[:4], written):
        height, width = min(frame.shape[0], size[0]), min(frame.shape[1], size[1])
        edges = (0, size[0] - height), (0, size[1] - width), (0, 0)
        np.testing.assert_array_equal(image, np.pad(frame[:height, :width], edges, mode='edge'))
    for frame, image in zip(frames[4:], written[4:]):
        np.testing.assert_array_equal(image, cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA))


def test_lines_are_whole_as_soon_as_they_are_added(tmp_path):
    writer = JsonLinesWriter(tmp_path / 'a.jsonl')
    for index in range(2):
        writer.add(dict(frame=index, name='é'))
        lines = (tmp_path / 'a.jsonl').read_text(encoding='utf-8').splitlines()
        assert [json.loads(line) for line in lines] == [dict(frame=number, name='é') for number in range(index + 1)]
    writer.close()
    with pytest.raises(ValueError, match='JSON'):
        JsonLinesWriter(tmp_path / 'b.jsonl').add(dict(frame=math.nan))
    with pytest.raises(DataError, match=r'shown\.jsonl: cannot be written'):
        JsonLinesWriter(tmp_path / 'none/c.jsonl', target=tmp_path / 'shown.jsonl')


def test_a_video_that_may_not_be_read_is_named_with_the_reason(tmp_path, monkeypatch):
    path = tmp_path / 'a.mp4'
    path.write_bytes(WHOLE)

    def refuse(*args):
        raise PermissionError(13, 'Permission denied', str(path))

    monkeypatch.setattr('mmqanet.apis.videos.open', refuse, raising=False)
    video = Video(name='a', source='in/a.mp4', handle=str(path))
    with pytest.raises(DataError, match=r'^in/a\.mp4: Permission denied$'):
        next(video.frames())
    assert video.count() == 0


class Reel:
    """Stands in for OpenCV's reader: a header that promises, and frames."""

    def __init__(self, frames, promised, fps=10.0):
        self.left, self.values = frames, {cv2.CAP_PROP_FRAME_COUNT: promised, cv2.CAP_PROP_FPS: fps}
        self.released = False

    def isOpened(self):
        return True

    def get(self, key):
        return self.values.get(key, 0.0)

    def read(self):
        self.left -= 1
        return (True, np.zeros((2, 3, 3), np.uint8)) if self.left >= 0 else (False, None)

    def release(self):
        self.released = True


@pytest.fixture
def play(tmp_path, monkeypatch):
    """The frames of a reel, and what is said at its end."""
    (tmp_path / 'a.mp4').write_bytes(WHOLE)

    def run(reel, **options):
        monkeypatch.setattr('mmqanet.apis.videos._capture', lambda source: reel)
        video, frames, said = Video(name='a', source='a.mp4', handle=str(tmp_path / 'a.mp4'), **options), [], None
        try:
            for frame in video.frames():
                frames.append(frame)
        except DataError as error:
            said = str(error)
        assert reel.released
        return frames, said

    return run


@pytest.mark.parametrize(('frames', 'promised', 'said'), [
    (0, 0, 'no frame of this video can be read'), (0, 9, 'no frame of this video can be read'), (9, 9, None), (9, 11, None),
    (9, 12, 'the video breaks off after 9 of 12 frames'), (9, 0, None), (9, -1, None), (294, 300, None),
    (293, 300, 'the video breaks off after 293 of 300 frames')])
def test_a_video_that_breaks_off_gives_the_frames_that_are_there(play, frames, promised, said):
    found, error = play(Reel(frames, promised))
    assert [frame.index for frame in found] == list(range(frames))
    assert error == (said and f'a.mp4: {said}')


def test_who_wants_few_frames_misses_none(play):
    assert [len(play(Reel(50, 60), max_frames=most)[0]) for most in (1, 7, 50)] == [1, 7, 50]
    assert play(Reel(50, 60), max_frames=50)[1] is None
    assert play(Reel(50, 60), max_frames=56)[1] == 'a.mp4: the video breaks off after 50 of 56 frames'


@pytest.mark.parametrize(('fps', 'expected'), [
    (12.5, 12.5), (999, 999), (0, USUAL_FPS), (-5, USUAL_FPS), (1000, USUAL_FPS), (math.nan, USUAL_FPS),
    (math.inf, USUAL_FPS)])
def test_an_odd_rate_of_frames_counts_as_the_usual_one(play, fps, expected):
    frames, _ = play(Reel(3, 3, fps))
    assert [frame.fps for frame in frames] == [expected] * 3
    assert [frame.seconds for frame in frames] == pytest.approx([0, 1 / expected, 2 / expected])
