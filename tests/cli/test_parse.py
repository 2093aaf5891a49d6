"""The command line: what parse writes, and that one bad picture does not stop the others."""
import json
import os
import subprocess
import sys

import cv2
import jsonschema
import matplotlib.cbook
import numpy as np
import pytest
import torch
from pictures import picture, save, save_video
from PIL import Image

from mmqanet.apis import HumanParsingInferencer, inference_topdown, init_model
from mmqanet.apis.predictions import schema
from mmqanet.cli.main import main
from mmqanet.datasets import CIHPDataset
from mmqanet.evaluation.submission import read_submission
from mmqanet.functional.rle import decode_rle
from mmqanet.structures import LabelSet
from mmqanet.utils.images import encode_jpeg
from mmqanet.visualization import draw_parsing


@pytest.fixture(scope='module')
def bench(small_parser):
    """The folder with the model, and two pictures."""
    for name, size in (('a.png', (70, 50)), ('b.jpg', (40, 60))):
        save(small_parser / name, picture(*size))
    return small_parser


def parse(root, *names, out, **options):
    """Run the command on files of ``root`` or of other folders; the exit status."""
    args = ['parse', *(str(root / name) for name in names), '--config', str(root / 'config.py'), '--checkpoint',
            str(root / 'weights.pth'), '--out', str(out), '--device', 'cpu']
    for key, value in options.items():
        values = value if isinstance(value, list) else [] if value is True else [value]
        args += [f'--{key.replace("_", "-")}', *map(str, values)]
    return main(args)


def read(path):
    """A JSON file that follows the schema."""
    content = json.loads(path.read_text())
    jsonschema.validate(content, schema())
    return content


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*') if path.is_file())


@pytest.mark.parametrize('option', [dict(box_score_thr=0.5), dict(tiles=True)])
def test_options_of_the_detector_and_boxes_are_refused(bench, tmp_path, capsys, option):
    assert parse(bench, 'a.png', out=tmp_path / 'out', boxes='image', **option) != 0
    assert f'--{next(iter(option)).replace("_", "-")} is for people that the detector finds' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_it_writes_a_palette_png_and_an_overlay(bench, tmp_path):
    assert parse(bench, 'a.png', 'b.jpg', out=tmp_path) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'a.json', 'a.png', 'a_overlay.jpg', 'b.json', 'b.png', 'b_overlay.jpg', 'submission']
    labels = Image.open(tmp_path / 'a.png')
    assert labels.mode == 'P'
    assert tuple(labels.getpalette()[15:18]) == CIHPDataset.METAINFO['palette'][5]
    model = init_model(bench / 'config.py', bench / 'weights.pth')
    sample, = inference_topdown(model, bench / 'a.png')
    assert (np.array(labels) == sample.pred_maps.category[0].numpy()).all()


@pytest.mark.parametrize(('given', 'told'), [(dict(), 'warp'), (dict(crop='align'), 'align')])
def test_the_json_says_how_people_were_cut_out(bench, tmp_path, given, told):
    assert parse(bench, 'a.png', out=tmp_path, save=True, **given) == 0
    assert read(tmp_path / 'a.json')['crop_sampler'] == told


@pytest.mark.parametrize(('given', 'drawn'), [
    (dict(), dict()), (dict(alpha=0.2), dict(alpha=0.2)), (dict(hatch_below=1), dict(quality_thr=1.0)),
    (dict(no_labels=True), dict(part_labels=False)), (dict(no_legend=True), dict(legend=False))])
def test_overlays_look_as_asked(bench, tmp_path, given, drawn):
    save(tmp_path / 'plain.png', np.full((200, 200, 3), 128, np.uint8))  # large enough for labels
    assert parse(bench, tmp_path / 'plain.png', out=tmp_path, save='overlay', **given) == 0
    model = init_model(bench / 'config.py', bench / 'weights.pth')
    sample, = inference_topdown(model, tmp_path / 'plain.png')
    labels = LabelSet.of(model.dataset_meta)
    image = cv2.imread(str(tmp_path / 'plain.png'))
    expected, default = (encode_jpeg(draw_parsing(image, sample, label_set=labels, **options)) for options in (drawn, {}))
    assert (tmp_path / 'plain_overlay.jpg').read_bytes() == expected
    assert (expected == default) == (given == {})


@pytest.mark.parametrize('option', ['alpha', 'hatch_below', 'score_thr', 'part_score_thr', 'expected_iou_thr'])
def test_fractions_out_of_range_are_refused_by_name(bench, tmp_path, capsys, option):
    with pytest.raises(SystemExit, match='2'):
        parse(bench, 'a.png', out=tmp_path / 'out', **{option: 1.5})
    assert f'--{option.replace("_", "-")}: 1.5 does not lie in [0, 1]' in capsys.readouterr().err


def test_boxes_by_name_or_in_coco_style(bench, tmp_path, capsys):
    plain = tmp_path / 'plain.json'
    plain.write_text(json.dumps({'a.png': [[5, 5, 30, 60], [10, 10, 45, 65]], 'b.jpg': []}))
    coco = tmp_path / 'coco.json'
    coco.write_text(json.dumps(dict(
        images=[dict(id=1, file_name='sub/a.png'), dict(id=2, file_name='b.jpg')],
        annotations=[dict(image_id=1, bbox=[5, 5, 25, 55]), dict(image_id=1, bbox=[10, 10, 35, 55])])))
    for boxes in (plain, coco):
        assert parse(bench, 'a.png', 'b.jpg', out=tmp_path / boxes.stem, boxes=boxes) == 0
        printed = capsys.readouterr().out
        assert 'a.png: 2 people' in printed
        assert 'b.jpg: 0 people' in printed
    assert (tmp_path / 'plain/a.png').read_bytes() == (tmp_path / 'coco/a.png').read_bytes()


def test_a_bad_picture_is_named_and_the_rest_parsed(bench, tmp_path, capsys):
    (bench / 'bad.jpg').write_bytes(b'\xff\xd8 not much')
    assert parse(bench, 'bad.jpg', 'a.png', 'none.png', out=tmp_path) == 1
    printed = capsys.readouterr().err
    assert f'failed: {bench / "bad.jpg"}: not readable as an image' in printed
    assert f'failed: {bench / "none.png"}: no such file' in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.json', 'a.png', 'a_overlay.jpg', 'submission']


@pytest.mark.parametrize('content', ['{"a.png": 3', '[]', '{"a.png": [["x"]]}'])
def test_unreadable_boxes_are_one_line(bench, tmp_path, capsys, content):
    path = tmp_path / 'boxes.json'
    path.write_text(content)
    assert parse(bench, 'a.png', out=tmp_path / 'out', boxes=path) == 1
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert f'mmqanet parse: {path}: not a readable file of boxes' in error


def test_pictures_of_one_name_in_two_folders_have_boxes_of_their_own(bench, tmp_path):
    for folder in ('x', 'y'):
        save(tmp_path / 'in' / folder / 'a.png', picture())
    boxes = tmp_path / 'boxes.json'
    boxes.write_text(json.dumps(dict(
        images=[dict(id=1, file_name='x/a.png'), dict(id=2, file_name='y/a.png')],
        annotations=[dict(image_id=1, bbox=[5, 5, 25, 55]), dict(image_id=2, bbox=[10, 10, 35, 55])])))
    assert parse(bench, tmp_path / 'in', out=tmp_path / 'out', recursive=True, boxes=boxes) == 0
    found = [[person['box'] for person in read(tmp_path / f'out/{folder}/a.json')['people']] for folder in ('x', 'y')]
    assert found == [[[5, 5, 30, 60]], [[10, 10, 45, 65]]]


def test_a_bad_box_names_its_picture(bench, tmp_path, capsys):
    boxes = tmp_path / 'boxes.json'
    boxes.write_text('{"a.png": [[5, 5, 5, 20]]}')
    assert parse(bench, 'a.png', out=tmp_path / 'out', boxes=boxes) == 1
    assert f'failed: {bench / "a.png"}: box [5.0, 5.0, 5.0, 20.0]' in capsys.readouterr().err


def test_nothing_is_overwritten_unasked(bench, tmp_path, capsys):
    before = (bench / 'a.png').read_bytes()
    assert parse(bench, 'a.png', out=bench) == 1
    assert 'would overwrite this picture' in capsys.readouterr().err
    assert (bench / 'a.png').read_bytes() == before
    (tmp_path / 'a.png').write_bytes(before)
    assert parse(bench, 'a.png', tmp_path / 'a.png', out=tmp_path / 'out') == 1
    assert 'would both be written to' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_a_missing_checkpoint_is_one_line(bench, tmp_path, capsys):
    for config, message in (('config.py', 'none.pth: no such checkpoint'), ('none.py', 'none.py: no such config\n')):
        args = ['parse', str(bench / 'a.png'), '--config', str(bench / config), '--checkpoint', 'none.pth']
        assert main([*args, '--out', str(tmp_path)]) == 1
        assert message in capsys.readouterr().err


def test_a_tiny_person_in_a_large_picture_is_found_in_tiles(bench, tmp_path, capsys):
    """A portrait of 60 pixels: the detector sees 9 of them in the whole picture and 42 in a tile."""
    portrait = Image.open(matplotlib.cbook.get_sample_data('grace_hopper.jpg', asfileobj=False)).resize((51, 60))
    large = np.full((2100, 2800, 3), 120, np.uint8)
    large[1640:1700, 2000:2051] = np.asarray(portrait)
    save(tmp_path / 'large.jpg', large)
    for name, options, number in (('whole', {}, 0), ('tiles', dict(tiles=600), 1)):
        out = tmp_path / name
        assert parse(bench, tmp_path / 'large.jpg', out=out, detector='shipped', box_score_thr=0.5, save=[],
                     **options) == 0
        people = read(out / 'large.json')['people']
        assert len(people) == number
    x1, y1, x2, y2 = people[0]['box']
    assert 1985 < x1 < 2020 < 2030 < x2 < 2065
    assert 1625 < y1 < 1660 < 1680 < y2 < 1715


def test_the_command_and_the_call_agree_on_a_photo(bench, tmp_path):
    photo = matplotlib.cbook.get_sample_data('grace_hopper.jpg', asfileobj=False)
    boxes = tmp_path / 'boxes.json'
    boxes.write_text(json.dumps({'grace_hopper.jpg': [[100, 50, 400, 600], [0, 0, 200, 600]]}))
    assert parse(bench, photo, out=tmp_path / 'cli', boxes=boxes, save=['overlay', 'palette', 'submission', 'people']) == 0
    inferencer = HumanParsingInferencer(bench / 'config.py', bench / 'weights.pth', 'cpu')
    called = inferencer(photo, boxes=json.loads(boxes.read_text())['grace_hopper.jpg'], out_dir=tmp_path / 'api')
    written = read(tmp_path / 'cli/grace_hopper.json')
    names = written.pop('files')
    assert set(written.pop('options')) == {
        'model', 'people', 'score_thr', 'part_score_thr', 'expected_iou_thr', 'input', 'overlay'}
    assert written == called['predictions'][0]
    assert len(written['people']) == 2
    assert sorted(sum(names.values(), ['grace_hopper.json'])) == files(tmp_path / 'cli')
    for name in ('grace_hopper.png', 'grace_hopper_overlay.jpg', *names['submission']):
        assert (tmp_path / 'cli' / name).read_bytes() == (tmp_path / 'api' / name).read_bytes(), name


def test_submission_files_and_cut_outs_hold_the_masks_of_the_json(bench, tmp_path):
    assert parse(bench, 'a.png', out=tmp_path, save=['submission', 'people', 'parts']) == 0
    person, = read(tmp_path / 'a.json')['people']
    submission = read_submission(tmp_path / 'submission', 'a', num_classes=20)
    assert submission.person_scores == pytest.approx([person['quality']], abs=1e-5)
    assert len(person['parts']) > 3
    image, whole = np.array(Image.open(bench / 'a.png')), np.zeros((70, 50), bool)
    for index, part in enumerate(person['parts']):
        mask = decode_rle(part['rle'])
        whole |= mask
        assert (submission.part == index + 1).astype(bool).tolist() == mask.tolist()
        assert submission.part_scores[index] == pytest.approx(part['quality'], abs=1e-5)
        check_cut_out(tmp_path / f'parts/a/1_{part["name"]}.png', image, mask)
    check_cut_out(tmp_path / 'people/a/1.png', image, whole)
    assert not (tmp_path / 'a_overlay.jpg').exists()


def check_cut_out(path, image, mask):
    ys, xs = np.nonzero(mask)
    window = np.s_[ys.min():ys.max() + 1, xs.min():xs.max() + 1]
    pixels = np.array(Image.open(path))
    assert (pixels[..., 3] == 255 * mask[window]).all()
    assert (pixels[..., :3] == image[window] * mask[window][..., None]).all()


def test_folders_keep_their_structure(bench, tmp_path):
    for name in ('x.png', 'one/x.png', 'one/two/y.png', 'out/old.png'):
        save(tmp_path / name, picture())
    assert parse(bench, tmp_path, out=tmp_path / 'out', recursive=True, save=['palette']) == 0
    assert files(tmp_path / 'out') == [
        'old.png', 'one/two/y.json', 'one/two/y.png', 'one/x.json', 'one/x.png', 'x.json', 'x.png']
    assert read(tmp_path / 'out/one/two/y.json')['name'] == 'one/two/y'


def test_only_whole_results_are_skipped_on_resuming(bench, tmp_path, capsys):
    names = ['whole.png', 'cut.png', 'gone.png', 'never.png', 'clip.avi']
    for name in names[:-1]:
        save(tmp_path / 'in' / name, picture())
    save_video(tmp_path / 'in/clip.avi')
    out = tmp_path / 'out'
    assert parse(tmp_path / 'in', *names, out=out, **model(bench)) == 0
    first = {name: (out / name).read_bytes() for name in files(out)}
    (out / 'cut.json').write_bytes(first['cut.json'][:200])
    (out / 'gone_overlay.jpg').unlink()
    (out / 'never.json').unlink()
    capsys.readouterr()
    assert parse(tmp_path / 'in', *names, out=out, resume=True, **model(bench)) == 0
    printed = capsys.readouterr().out
    assert '2 of 5 inputs are done already' in printed
    assert [name for name in names if f'{name}: ' in printed] == ['cut.png', 'gone.png', 'never.png']
    assert {name: (out / name).read_bytes() for name in files(out)} == first
    parse(tmp_path / 'in', *names, out=out, resume=True, save=['people'], **model(bench))
    assert '1 of 5 inputs are done already' in capsys.readouterr().out


def model(bench):
    return dict(config=bench / 'config.py', checkpoint=bench / 'weights.pth')


def test_videos_become_videos_and_lines(bench, tmp_path, capsys):
    video = save_video(tmp_path / 'v.avi', frames=30)
    assert parse(bench, video, out=tmp_path / 'out', max_frames=5, batch_size=2) == 0
    assert files(tmp_path / 'out') == ['v.json', 'v.jsonl', 'v.mp4']
    assert f'v.avi: 5 frames, 5 people in them -> {tmp_path / "out/v.mp4"}' in capsys.readouterr().out
    lines = [json.loads(line) for line in (tmp_path / 'out/v.jsonl').read_text().splitlines()]
    for index, line in enumerate(lines):
        jsonschema.validate(line, schema())
        assert (line['frame'], line['seconds'], line['width']) == (index, index / 10, 44)
    assert len(lines) == 5
    content = video.read_bytes()
    video.write_bytes(content[:len(content) * 9 // 10])
    assert parse(bench, video, 'a.png', out=tmp_path / 'cut') == 1
    assert f'failed: {video}: the video breaks off after ' in capsys.readouterr().err
    assert {'a.json', 'v.jsonl', 'v.mp4'} <= set(files(tmp_path / 'cut'))
    assert not [name for name in files(tmp_path / 'cut') if '.part' in name]


def test_a_camera_is_read_until_told_to_stop(bench, tmp_path, monkeypatch, capsys):
    class Camera:
        def __init__(self, index):
            self.there = index == 7

        def isOpened(self):
            return self.there

        def get(self, _):
            return 0.0

        def read(self):
            return True, picture()

        def release(self):
            self.there = False

    monkeypatch.setattr('mmqanet.apis.videos.cv2.VideoCapture', Camera)
    common = ['--out', str(tmp_path), '--checkpoint', str(bench / 'weights.pth'), '--max-frames', '3']
    assert main(['parse', '7', *common]) == 0
    assert len((tmp_path / 'camera7.jsonl').read_text().splitlines()) == 3
    assert main(['parse', '8', *common]) == 1
    assert 'failed: camera 8: there is no such camera' in capsys.readouterr().err


def odd_pictures():
    grey = picture()[..., 0]
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        'one': (Image.fromarray(picture(1, 1)), {}), 'grey': (Image.fromarray(grey), {}),
        'rgba': (Image.fromarray(np.dstack([picture(), grey])), {}),
        'deep': (Image.fromarray(grey.astype(np.uint16) * 257), {}),
        'turned': (Image.fromarray(picture()), dict(exif=exif)),
    }


@pytest.mark.parametrize('name', odd_pictures())
def test_odd_pictures_are_parsed(bench, tmp_path, name):
    image, options = odd_pictures()[name]
    image.save(tmp_path / 'odd.png', **options)
    assert parse(bench, tmp_path / 'odd.png', out=tmp_path / 'out') == 0
    size = dict(one=(1, 1), turned=(90, 70)).get(name, (70, 90))
    described = read(tmp_path / 'out/odd.json')
    assert (described['width'], described['height']) == size
    assert Image.open(tmp_path / 'out/odd.png').size == size


def test_nobody_in_the_picture(bench, tmp_path, capsys):
    boxes = tmp_path / 'boxes.json'
    boxes.write_text('{"a.png": []}')
    kinds = ['overlay', 'palette', 'submission', 'people']
    assert parse(bench, 'a.png', out=tmp_path / 'out', boxes=boxes, save=kinds) == 0
    described = read(tmp_path / 'out/a.json')
    assert described['people'] == []
    assert (described['files']['submission'], described['files']['people']) == ([], [])
    assert 'a.png: 0 people' in capsys.readouterr().out
    assert parse(bench, 'a.png', out=tmp_path / 'out', boxes=boxes, resume=True) == 0
    assert '1 of 1 inputs are done already' in capsys.readouterr().out


def test_names_stay_in_the_output_folder(bench, tmp_path, capsys):
    climbing = save(tmp_path / 'in/a.png', picture()).rename(tmp_path / 'in/...png')
    assert parse(bench, climbing, 'a.png', out=tmp_path / 'out', save=['people']) == 1
    assert f"failed: {climbing}: results called '..' would lead out of the output folder" in capsys.readouterr().err
    assert files(tmp_path) == ['in/...png', 'out/a.json', 'out/people/a/1.png']


def test_an_output_that_cannot_be_written_is_one_line(bench, tmp_path, capsys):
    (tmp_path / 'file').write_text('in the way')
    assert parse(bench, 'a.png', out=tmp_path / 'file') == 1
    error = capsys.readouterr().err
    assert error.startswith(f'mmqanet parse: {tmp_path / "file"}: this folder cannot be written to')
    assert error.count('\n') == 1
    (tmp_path / 'out/a.json').mkdir(parents=True)
    (tmp_path / 'out/v.mp4').mkdir()
    video = save_video(tmp_path / 'v.avi')
    assert parse(bench, 'a.png', video, 'b.jpg', out=tmp_path / 'out') == 1
    error = capsys.readouterr().err
    for name in ('a.json', 'v.mp4'):
        assert f'failed: {tmp_path / "out" / name}: cannot be written' in error
    assert error.count('failed: ') == 2
    assert (tmp_path / 'out/b.json').is_file()
    assert not [name for name in files(tmp_path / 'out') if '.part' in name]


def test_weights_of_another_config_and_none_at_all_are_one_line(bench, tmp_path, capsys, monkeypatch):
    torch.save(dict(state_dict=dict(other=torch.ones(1))), tmp_path / 'other.pth')
    assert main(['parse', str(bench / 'a.png'), '--config', str(bench / 'config.py'), '--checkpoint',
                 str(tmp_path / 'other.pth'), '--out', str(tmp_path / 'out')]) == 1
    assert 'other.pth: weights of another config' in capsys.readouterr().err
    monkeypatch.setattr('mmqanet.apis.inferencer.SHIPPED_PARSER', tmp_path / 'parser.pth')
    assert main(['parse', str(bench / 'a.png'), '--out', str(tmp_path / 'out')]) == 1
    error = capsys.readouterr().err
    assert 'mmqanet parse: this installation of mmqanet ships no parser weights' in error
    assert error.count('\n') == 1
    assert not (tmp_path / 'out').exists()


def test_an_interrupted_run_leaves_whole_files(bench, tmp_path, monkeypatch):
    taken = []

    def interrupt(self, parsed, file):
        taken.append(parsed)
        if len(taken) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr('mmqanet.cli.progress.ParsingProgress.done', interrupt)
    assert parse(bench, save_video(tmp_path / 'v.avi', frames=20), out=tmp_path / 'out') == 130
    assert files(tmp_path / 'out') == ['v.json', 'v.jsonl', 'v.mp4']
    assert len((tmp_path / 'out/v.jsonl').read_text().splitlines()) == 3


def test_the_module_is_the_command(bench, tmp_path):
    command = ['parse', bench / 'a.png', tmp_path / 'none.png', '--checkpoint', bench / 'weights.pth', '--out',
               tmp_path / 'out', '--score-thr', '0.999', '--tta', '1']
    done = subprocess.run([sys.executable, '-m', 'mmqanet', *command], capture_output=True, text=True,
                          env=dict(os.environ, OMP_NUM_THREADS='1'))
    assert done.returncode == 1
    assert done.stderr == f'failed: {tmp_path / "none.png"}: no such file\n'
    assert read(tmp_path / 'out/a.json')['people'] == []


def test_track_numbers_the_people_of_a_video_and_resumes_by_its_options(bench, tmp_path, capsys):
    video = save_video(tmp_path / 'v.avi', frames=3)
    out = tmp_path / 'out'
    assert parse(bench, video, out=out, boxes='image', track=True, save='people') == 0
    lines = [json.loads(line) for line in (out / 'v.jsonl').read_text().splitlines()]
    assert {person['track'] for line in lines for person in line['people']} == {1}
    assert sorted(files(out)) == ['people/v/1.png', 'v.json', 'v.jsonl', 'v.mp4']
    capsys.readouterr()
    assert parse(bench, video, out=out, boxes='image', track=True, save='people', resume=True) == 0
    assert '1 of 1 inputs are done already' in capsys.readouterr().out
    assert parse(bench, video, out=out, boxes='image', track=True, track_lost=2, resume=True, save=True) == 0
    assert 'track.lost_seconds was 1.0, is 2.0' in capsys.readouterr().out
    with pytest.raises(SystemExit, match='2'):
        parse(bench, video, out=out, track=True, track_lost=-1)
    assert '-1 is no time of 0 or more seconds' in capsys.readouterr().err
