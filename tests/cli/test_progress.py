"""What a run tells of itself, and what is shown of it."""
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mmqanet.apis.inputs import Picture
from mmqanet.apis.predictions import Failed, Parsed
from mmqanet.apis.videos import Frame, Video
from mmqanet.cli import progress as module
from mmqanet.cli import result_loop
from mmqanet.cli.progress import ParsingProgress
from mmqanet.cli.result_loop import ResultLoop
from mmqanet.errors import DataError

PICTURE = Picture(name='a', source='in/a.jpg', content=Path('in/a.jpg'))
VIDEO, OTHER = (Video(name=name, source=f'in/{name}.mp4', handle=f'in/{name}.mp4') for name in 'vw')


def parsed(item, people=2, index=None):
    frame = Frame(name=item.name, source=item.source, image=np.zeros((4, 5, 3), np.uint8), index=index)
    return Parsed(item=item, frame=frame, sample=SimpleNamespace(pred_instances=range(people)))


@pytest.fixture
def told(monkeypatch):
    """A running progress, the lines that it says and those that it complains."""
    said, complained = [], []
    monkeypatch.setattr(module, 'say', said.append)
    monkeypatch.setattr(module, 'complain', complained.append)
    with ParsingProgress(None) as progress:
        yield progress, said, complained


def test_a_line_a_picture_and_one_a_video(told):
    progress, said, _ = told
    progress.done(parsed(PICTURE, 1), 'out/a.json')
    for index in range(3):
        progress.done(parsed(VIDEO, 2, index), 'out/v.mp4')
    assert said == ['in/a.jpg: 1 person -> out/a.json']
    progress.done(parsed(OTHER, 0, 0), 'out/w.mp4')
    progress.done(parsed(PICTURE, 3), 'out/a.json')
    assert said[1:] == ['in/v.mp4: 3 frames, 6 people in them -> out/v.mp4',
                        'in/w.mp4: 1 frame, 0 people in it -> out/w.mp4', 'in/a.jpg: 3 people -> out/a.json']
    progress.done(parsed(VIDEO, 2, 0), 'out/v.mp4')
    progress.forget_video()
    progress.end_video()
    assert len(said) == 4


def test_failures_of_a_video_that_are_alike_count_as_one(told):
    progress, _, complained = told
    for item, message in ((VIDEO, 'x'), (VIDEO, 'x'), (VIDEO, 'y'), (OTHER, 'y'), (OTHER, 'y')):
        progress.fail(Failed(item=item, error=DataError(message)))
    assert complained == ['failed: x', 'failed: y', 'failed: y']
    assert progress.failed == 3


def test_the_summary_counts_and_divides(told, monkeypatch):
    progress, _, _ = told
    monkeypatch.setattr(ParsingProgress, 'seconds', lambda self: 4.0)
    assert progress.summary() == '0 pictures or frames, 0 people in 4.0 s (0.0 people/s)'
    progress.done(parsed(PICTURE, 6), 'out/a.json')
    assert progress.summary() == '1 picture or frame, 6 people in 4.0 s (1.5 people/s)'
    progress.fail(Failed(item=VIDEO, error=DataError('x')))
    assert progress.summary() == '1 picture or frame, 6 people in 4.0 s (1.5 people/s); 1 failed'


def test_a_picture_is_shown_until_a_key_and_a_frame_for_a_moment(monkeypatch):
    shown = []
    monkeypatch.setattr(result_loop, 'show_image', lambda drawing, name, wait_time: shown.append((drawing, name, wait_time)))
    written = []
    writer = SimpleNamespace(video=None, draw=lambda result: 'drawing', write=lambda *given: written.append(given))
    progress = SimpleNamespace(done=lambda *given: None)
    loop = ResultLoop(writer, progress, show=True)
    picture, frame = parsed(PICTURE), parsed(VIDEO, index=0)
    loop.take(picture)
    loop.take(frame)
    assert [entry[:2] for entry in shown] == [('drawing', 'in/a.jpg'), ('drawing', 'in/v.mp4')]
    assert shown[0][2] == 0
    assert 0 < shown[1][2] < 0.02
    assert written == [(picture, 'drawing'), (frame, 'drawing')]
    ResultLoop(writer, progress, show=False).take(picture)
    assert written[2] == (picture, None)
    assert len(shown) == 2
