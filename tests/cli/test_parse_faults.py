"""What people meet when they parse their own files: earlier results, odd names and folders, cut videos, no display."""
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from pictures import picture, save, save_uneven_video, save_video
from PIL import Image

from mmqanet.apis import windows
from mmqanet.apis.outputs import ResultWriter
from mmqanet.cli import parse as command
from mmqanet.cli.main import main


def parse(root, *inputs, out, **options):
    """Run the command with the small parser of ``root``; the exit status."""
    args = ['parse', *map(str, inputs), '--config', str(root / 'config.py'), '--checkpoint', str(root / 'weights.pth'),
            '--out', str(out), '--device', 'cpu']
    for key, value in options.items():
        values = value if isinstance(value, list) else [] if value is True else [value]
        args += [f'--{key.replace("_", "-")}', *map(str, values)]
    return main(args)


def below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*') if path.is_file())


@pytest.fixture
def photo(tmp_path):
    return save(tmp_path / 'in/a.png', picture(60, 44))


def nobody(tmp_path):
    boxes = tmp_path / 'nobody.json'
    boxes.write_text('{"a.png": []}')
    return boxes


def test_files_of_an_earlier_run_that_this_one_does_not_write_go(small_parser, tmp_path, photo):
    out = tmp_path / 'out'
    assert parse(small_parser, photo, out=out, save=['overlay', 'palette', 'submission', 'people', 'parts']) == 0
    before = below(out)
    assert {'a_overlay.jpg', 'a.png'} <= set(before)
    assert any(name.startswith('submission/') for name in before)
    assert any(name.startswith('parts/') for name in before)
    (out / 'mine.txt').write_text('a file of the user')
    assert parse(small_parser, photo, out=out, save=['submission', 'people', 'parts'], boxes=nobody(tmp_path)) == 0
    assert below(out) == ['a.json', 'mine.txt']


def test_earlier_results_below_the_input_are_no_photos(small_parser, tmp_path, photo, capsys):
    assert parse(small_parser, photo, out=photo.parent / 'out') == 0
    assert parse(small_parser, photo.parent, out=tmp_path / 'again', recursive=True) == 0
    assert [name for name in below(tmp_path / 'again') if name.endswith('.json')] == ['a.json']
    assert 'results of an earlier run' in capsys.readouterr().err


def test_resume_makes_anew_what_other_options_made(small_parser, tmp_path, photo, capsys):
    out = tmp_path / 'out'
    assert parse(small_parser, photo, out=out) == 0
    assert parse(small_parser, photo, out=out, resume=True) == 0
    assert '1 of 1 inputs are done already' in capsys.readouterr().out
    assert parse(small_parser, photo, out=out, resume=True, boxes=nobody(tmp_path)) == 0
    told = capsys.readouterr().out
    assert '0 of 1 inputs are done already' in told
    assert 'made anew: 1 input, as people differs' in told
    assert json.loads((out / 'a.json').read_text())['people'] == []


@pytest.mark.parametrize('kind', ['boxes', 'config', 'checkpoint'])
def test_files_given_are_never_overwritten(small_parser, tmp_path, photo, kind, capsys):
    """Each is called as a result would be."""
    out = tmp_path / 'out'
    out.mkdir()
    given = {'config': small_parser / 'config.py', 'checkpoint': small_parser / 'weights.pth', 'boxes': nobody(tmp_path)}
    target = out / 'a.json'
    target.write_bytes(given[kind].read_bytes())
    given[kind] = target
    content = target.read_bytes()
    status = main(['parse', str(photo), '--out', str(out), '--device', 'cpu',
                   *(word for key, path in given.items() for word in (f'--{key}', str(path)))])
    assert status == 1
    assert 'a.json: the output would overwrite this file, which was given' in capsys.readouterr().err
    assert target.read_bytes() == content


def test_links_in_the_output_folder_are_not_followed_outwards(small_parser, tmp_path, photo, capsys):
    out, elsewhere = tmp_path / 'out', tmp_path / 'elsewhere'
    out.mkdir()
    elsewhere.mkdir()
    (out / 'submission').symlink_to(elsewhere)
    assert parse(small_parser, photo, out=out) == 1
    assert 'a link leads out of the output folder' in capsys.readouterr().err
    assert below(elsewhere) == []


def test_a_file_given_twice_is_parsed_once(small_parser, tmp_path, photo):
    assert parse(small_parser, photo, photo.parent / '../in/a.png', out=tmp_path / 'out') == 0
    assert [name for name in below(tmp_path / 'out') if name.endswith('.json')] == ['a.json']


def test_folders_hold_pictures_of_all_suffixes_and_links(small_parser, tmp_path, capsys):
    folder = tmp_path / 'in'
    for name in ('a.jfif', 'b.jpe'):
        save(folder / 'x.jpg', picture(30, 20)).rename(folder / name)
    save(folder / 'c.tga', picture(30, 20))
    save(folder / 'd.png', picture(30, 20)).rename(folder / 'd.pnm')
    save(tmp_path / 'other/e.png', picture(30, 20))
    (folder / 'linked').symlink_to(tmp_path / 'other')
    (folder / 'loop').symlink_to(folder)
    (folder / '._a.jfif').write_bytes(b'Mac OS')
    (folder / 'notes.txt').write_text('x')
    os.mkfifo(folder / 'pipe.png')
    assert parse(small_parser, folder, out=tmp_path / 'out', recursive=True, save=True) == 0
    assert below(tmp_path / 'out') == ['a.json', 'b.json', 'c.json', 'd.json', 'linked/e.json']
    told = capsys.readouterr().err
    for remark in ('loop: left out, leads to a folder that is read already', 'pipe.png: left out, is a pipe',
                   'left out 1 file of another kind (.txt 1)'):
        assert remark in told


@pytest.mark.skipif(sys.platform != 'linux', reason='names of any bytes are a matter of Linux')
def test_names_of_any_bytes_and_escape_sequences(small_parser, tmp_path, capsys):
    folder = tmp_path / 'in'
    os.rename(save(folder / 'x.png', picture(30, 20)), os.fsencode(folder) + b'/b_\xff.png')
    save(folder / 'c\x1b[31m.png', picture(30, 20))
    os.rename(save_video(folder / 'v.avi', frames=2), os.fsencode(folder) + b'/v_\xff.avi')
    assert parse(small_parser, folder, out=tmp_path / 'out', save=['palette']) == 0
    written = below(tmp_path / 'out')
    assert [name for name in written if name.endswith('.png')] == ['b_%FF.png', 'c\x1b[31m.png']
    assert 'v_%FF.mp4' in written
    told = capsys.readouterr().out
    assert '\x1b' not in told
    assert r'b_\xff.png' in told


@pytest.mark.parametrize('argv', [['parse', 'photo.png', '--out', 'a\0'], ['export', '--out', 'a\0'],
                                  ['evaluate', '--pred', 'a', '--gt', 'b', '--num-classes', '3', '--json', 'a\0']])
def test_an_output_whose_name_holds_a_nul_is_refused(argv, capsys):
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"{argv[-2]}: 'a\\x00' names no file or folder")


def test_a_name_that_is_too_long_leaves_nothing_half(small_parser, tmp_path, capsys):
    name = 'n' * 248
    save(tmp_path / 'in/x.png', picture(30, 20)).rename(tmp_path / f'in/{name}.png')
    save(tmp_path / 'in/short.png', picture(30, 20))
    assert parse(small_parser, tmp_path / 'in', out=tmp_path / 'out') == 1
    assert 'would be too long' in capsys.readouterr().err
    assert not any('nnn' in path for path in below(tmp_path / 'out'))
    assert 'short.json' in below(tmp_path / 'out')


def test_a_video_is_whole_or_not_there(small_parser, tmp_path, monkeypatch, capsys):
    """Ctrl-C at the third frame: what was made says that it is not complete, and a resumed run makes it anew."""
    video, out = save_video(tmp_path / 'v.avi'), tmp_path / 'out'
    written = []
    write = ResultWriter.write

    def interrupt(self, parsed, drawing=None):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(parsed)
        return write(self, parsed, drawing)

    with monkeypatch.context() as patch:
        patch.setattr(ResultWriter, 'write', interrupt)
        assert parse(small_parser, video, out=out) == 130
    record = out / 'v.json'
    assert not record.exists() or json.loads(record.read_text())['complete'] is False
    assert not [path for path in below(out) if path.rpartition('/')[2].startswith('.')]
    capsys.readouterr()
    assert parse(small_parser, video, out=out, resume=True) == 0
    assert '0 of 1 inputs are done already' in capsys.readouterr().out
    assert len((out / 'v.jsonl').read_text().splitlines()) == 6
    assert parse(small_parser, video, out=out, resume=True) == 0
    assert '1 of 1 inputs are done already' in capsys.readouterr().out


def test_without_a_display_the_results_are_written_all_the_same(small_parser, tmp_path, photo, monkeypatch, capsys):
    monkeypatch.setattr('mmqanet.apis.windows.window_problem', lambda: 'no window can be opened here')
    assert parse(small_parser, photo, out=tmp_path / 'out', show=True) == 1
    assert '--show: no window can be opened here; the results are written only' in capsys.readouterr().err
    assert 'a_overlay.jpg' in below(tmp_path / 'out')


@pytest.mark.skipif(sys.platform != 'linux', reason='elsewhere a window needs no display that is named')
def test_whether_a_window_can_be_opened_is_tried_in_another_process(monkeypatch):
    """Without a display the toolkit behind OpenCV ends the process that asks for a window."""
    for name in ('DISPLAY', 'WAYLAND_DISPLAY', 'QT_QPA_PLATFORM'):
        monkeypatch.delenv(name, raising=False)
    windows.window_problem.cache_clear()
    try:
        assert windows.window_problem() == 'no window can be opened here (is there a display?)'
        windows.window_problem.cache_clear()
        monkeypatch.setattr(windows, 'PROBE', '')
        assert windows.window_problem() is None
    finally:
        windows.window_problem.cache_clear()


def test_a_full_disk_is_one_line_and_the_rest_goes_on(small_parser, tmp_path, photo, monkeypatch, capsys):
    save(tmp_path / 'in/b.png', picture(30, 20))
    replace = os.replace

    def full(source, target, **options):
        if str(target).endswith('a.png'):
            raise OSError(28, 'No space left on device')
        return replace(source, target, **options)

    monkeypatch.setattr(os, 'replace', full)
    assert parse(small_parser, tmp_path / 'in', out=tmp_path / 'out', save=['palette']) == 1
    assert below(tmp_path / 'out') == ['b.json', 'b.png']
    assert 'No space left on device' in capsys.readouterr().err


def test_sparse_giants_are_refused_unread(small_parser, tmp_path, photo, capsys):
    with (tmp_path / 'in/giant.png').open('wb') as file:
        file.truncate(2**40)
    assert parse(small_parser, tmp_path / 'in', out=tmp_path / 'out', save=True) == 1
    assert below(tmp_path / 'out') == ['a.json']
    assert 'giant.png' in capsys.readouterr().err


@pytest.mark.parametrize(('given', 'kind'), [('3', int), ('03000000000000000000', str), ('٣', str), ('a.png', str)])
def test_only_a_small_number_is_a_camera(given, kind):
    assert isinstance(command.camera_or_path(given), kind)


def test_boxes_with_scores_rank_the_people(small_parser, tmp_path, photo):
    boxes = tmp_path / 'boxes.json'
    boxes.write_bytes(b'\xef\xbb\xbf{"a.png": [[2, 2, 40, 58, 0.75]]}')
    assert parse(small_parser, photo, out=tmp_path / 'out', boxes=boxes, save=True) == 0
    person, = json.loads((tmp_path / 'out/a.json').read_text())['people']
    assert person['box'] == [2, 2, 40, 58]
    assert person['scores']['box'] == 0.75


def test_times_are_the_videos_own(small_parser, tmp_path):
    times = [0, 40, 80, 1080, 1120, 3000]
    video = save_uneven_video(tmp_path / 'v.mp4', times)
    assert parse(small_parser, video, out=tmp_path / 'out') == 0
    lines = map(json.loads, (tmp_path / 'out/v.jsonl').read_text().splitlines())
    assert [line['seconds'] for line in lines] == pytest.approx([time / 1000 for time in times], abs=1e-3)


def test_transparent_pixels_are_not_seen(tmp_path):
    from mmqanet.utils.images import read_image

    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2] = (200, 30, 30, 255)
    pixels[2:] = (10, 250, 10, 0)  # invisible green
    Image.fromarray(pixels).save(tmp_path / 'a.png')
    image = read_image(tmp_path / 'a.png')
    assert image[0, 0].tolist() == [30, 30, 200]
    assert image[3, 0].tolist() == [255, 255, 255]
    assert cv2.imread(str(tmp_path / 'a.png'))[3, 0].tolist() == [10, 250, 10]


@pytest.mark.skipif(sys.platform != 'linux', reason='the limit needs Linux')
def test_a_picture_that_needs_more_than_the_limit_fails_alone(small_parser, tmp_path):
    save(tmp_path / 'in/small.png', picture(60, 60))
    Image.new('L', (8000, 6000)).save(tmp_path / 'in/large.png')

    def parse(most):
        options = dict(config=small_parser / 'config.py', checkpoint=small_parser / 'weights.pth', device='cpu', save=None,
                       out=tmp_path / 'out', max_memory=most)
        given = [str(word) for key, value in options.items()
                 for word in (f'--{key.replace("_", "-")}', value) if word is not None]
        command = [sys.executable, '-m', 'mmqanet', 'parse', str(tmp_path / 'in'), *given]
        return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS='1'))

    refused = parse(1)
    assert refused.returncode == 1
    assert '1 MiB of memory are too little' in refused.stderr
    held = int(refused.stderr.split(' are in use')[0].split()[-1])
    limited = parse(held + 200)
    assert limited.returncode == 1
    assert 'large.png: not enough memory to read this picture' in limited.stderr
    assert limited.stderr.count('\n') == 1
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['small.json']
