"""What the page shows and offers, without a browser."""
import json
import zipfile

import numpy as np
import pytest
from pictures import picture, save, save_video
from PIL import Image

from mmqanet.apis import HumanParsingInferencer
from mmqanet.ui.app import EMPTY, build_app
from mmqanet.ui.parsing import parse_photos


@pytest.fixture(scope='module')
def inferencer(small_parser):
    return HumanParsingInferencer(small_parser / 'config.py', small_parser / 'weights.pth', 'cpu')


def test_one_photo(inferencer, tmp_path):
    photo = save(tmp_path / 'me.png', picture(70, 50))
    outcome = parse_photos(inferencer, [str(photo)], tmp_path / 'out')
    assert outcome.summary == '1 person in 1 photo.'
    assert outcome.problems == []
    assert outcome.report == outcome.downloads['report'].read_text(encoding='utf-8')
    labels = np.array(Image.open(outcome.downloads['label_maps']))
    sample, = inferencer(photo, return_datasamples=True)['predictions']
    assert (labels == sample.pred_maps.category[0].numpy()).all()
    assert json.loads(outcome.downloads['json'].read_text())['name'] == 'me'
    names = zipfile.ZipFile(outcome.downloads['cut_outs']).namelist()
    parts = len(sample.pred_parts)
    assert len([name for name in names if name.startswith('parts/me/')]) == parts > 1
    assert [name for name in names if name.startswith('people/')] == ['people/me/1.png']


def test_several_photos_a_broken_one_and_a_video(inferencer, tmp_path):
    folder = tmp_path / 'uploads'
    photos = [save(folder / 'a/x.png', picture(70, 50)), save(folder / 'b/x.jpg', picture(40, 60))]
    (folder / 'broken.png').write_bytes(b'nothing')
    save_video(folder / 'film.avi', frames=1)
    given = [*photos, folder / 'broken.png', folder / 'film.avi']
    outcome = parse_photos(inferencer, list(map(str, given)), tmp_path / 'out')
    assert outcome.summary.endswith(' in 2 photos.')
    assert outcome.problems == ['film.avi: videos are for `mmqanet parse`',
                                'broken.png: not readable as an image (no known format)']
    assert sorted(zipfile.ZipFile(outcome.downloads['json']).namelist()) == ['x.jpg.json', 'x.png.json']
    assert outcome.report.count('class="picture"') == 2


def test_a_picture_of_the_camera_is_rgb(inferencer, tmp_path):
    image = picture(70, 50)
    outcome = parse_photos(inferencer, [image], tmp_path / 'out')
    expected, = inferencer(image[..., ::-1].copy())['predictions']
    assert json.loads(outcome.downloads['json'].read_text())['people'] == expected['people']


def test_nothing_readable(inferencer, tmp_path):
    (tmp_path / 'broken.png').write_bytes(b'nothing')
    outcome = parse_photos(inferencer, [str(tmp_path / 'broken.png')], tmp_path / 'out')
    assert (outcome.summary, outcome.report, outcome.downloads) == ('Nothing could be parsed.', None, {})


def test_nobody(small_parser, tmp_path):
    class Blind:
        """Finds nobody."""

        def detect(self, images):
            return [(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)) for _ in images]

    inferencer = HumanParsingInferencer(small_parser / 'config.py', small_parser / 'weights.pth', 'cpu', detector=Blind())
    outcome = parse_photos(inferencer, [picture(70, 50)], tmp_path / 'out')
    assert outcome.summary == 'Nobody was found.'
    assert outcome.report.count('class="picture"') == 1
    assert 'cut_outs' not in outcome.downloads


@pytest.mark.parametrize('nothing', [None, []])
def test_a_page_without_photos_is_empty(inferencer, tmp_path, nothing):
    pytest.importorskip('gradio')
    app = build_app(inferencer, workspace=tmp_path)
    shows = [function.fn for function in app.fns.values()]
    assert len(shows) == 2  # files and camera
    for show in shows:
        viewer, told, *downloads = show(nothing)
        assert (viewer, told) == (EMPTY, '')
        assert not any(button.visible for button in downloads)
    assert not list(tmp_path.iterdir())
