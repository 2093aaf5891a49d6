"""Visitors of the page at the same time: nobody's photo is lost or shown to another, and those too many are told."""
import json
import re
import socket
import threading
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest
from pictures import picture, save

pytest.importorskip('gradio')
httpx = pytest.importorskip('httpx')

from mmqanet.apis import HumanParsingInferencer  # noqa: E402
from mmqanet.cli.main import main  # noqa: E402
from mmqanet.ui import app as page  # noqa: E402

USERS = 10


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as free:
        return free.getsockname()[1]


@pytest.fixture(scope='module')
def inferencer(small_parser):
    return HumanParsingInferencer(small_parser / 'config.py', small_parser / 'weights.pth', 'cpu')


@pytest.fixture
def server(inferencer, tmp_path):
    """A function that serves the page; it gives the address."""
    served = []

    def serve():
        app = page.build_app(inferencer, workspace=tmp_path)
        served.append(app)
        return app.launch(server_name='127.0.0.1', quiet=True, prevent_thread_lock=True)[1]

    yield serve
    for app in served:
        app.close()


class Visitor:
    """Speaks as the page in a browser does."""

    def __init__(self, address, name):
        self.name = name
        self.client = httpx.Client(base_url=f'{address}gradio_api/', timeout=120)

    def drop(self, path):
        """Upload a photo and ask for its parsing; the answer of the server."""
        with path.open('rb') as file:
            place, = self.client.post('upload', files=dict(files=file)).json()
        given = [dict(path=place, orig_name=path.name, meta=dict(_type='gradio.FileData'))]
        return self.client.post('queue/join', json=dict(data=[given], fn_index=0, session_hash=self.name))

    def wait(self):
        """What the page shows in the end: the report in the frame, and the line about it."""
        with self.client.stream('GET', 'queue/data', params=dict(session_hash=self.name)) as events:
            for line in events.iter_lines():
                event = json.loads(line.removeprefix('data: ')) if line else {}
                if event.get('msg') == 'process_completed':
                    viewer, told, *_ = event['output']['data']
                    return unescape(re.search(r'srcdoc="(.*?)" style', viewer, re.S)[1]), told
        raise AssertionError('no answer')


def test_ten_users_at_once_get_their_own_photos(server, tmp_path):
    address, start = server(), threading.Barrier(USERS)

    def visit(index):
        photo = save(tmp_path / f'uploads/photo{index}.png', picture(40 + index, 60 + index, seed=index))
        visitor = Visitor(address, f'user{index}')
        start.wait(timeout=60)
        assert visitor.drop(photo).status_code == 200
        report, told = visitor.wait()
        return [(shown['name'], shown['height'], shown['width']) for shown in map(json.loads, re.findall(
            r'class="picture">(.*?)</script>', report))], told

    with ThreadPoolExecutor(USERS) as users:
        answers = list(users.map(visit, range(USERS)))
    assert answers == [([(f'photo{index}', 40 + index, 60 + index)], '**1 person in 1 photo.**') for index in range(USERS)]


def test_one_too_many_is_told_and_the_others_are_served(server, tmp_path, monkeypatch):
    began, go_on = threading.Event(), threading.Event()

    def slow(*args):
        began.set()
        assert go_on.wait(timeout=60)
        return parse(*args)

    parse = page.parse_photos
    monkeypatch.setattr(page, 'MOST_WAITING', 1)
    monkeypatch.setattr(page, 'parse_photos', slow)
    photo = save(tmp_path / 'uploads/photo.png', picture(40, 60))
    address = server()
    first, second, third = (Visitor(address, name) for name in ('first', 'second', 'third'))
    assert first.drop(photo).status_code == 200
    assert began.wait(timeout=60)
    assert second.drop(photo).status_code == 200
    refused = third.drop(photo)
    assert refused.status_code == 503
    assert 'Queue is full' in refused.text
    go_on.set()
    assert first.wait()[1] == second.wait()[1] == '**1 person in 1 photo.**'


def test_a_machine_without_browser_is_told_the_address(inferencer, monkeypatch, capsys):
    gradio = page.import_gradio()
    monkeypatch.setattr(webbrowser, 'open', lambda address: False)
    monkeypatch.setattr(gradio.Blocks, 'block_thread', lambda app: app.close())
    page.serve(inferencer, host='127.0.0.1', port=free_port(), share=False, show_browser=True)
    told = capsys.readouterr().out
    assert re.search(r'The page is at http://127\.0\.0\.1:\d+', told)
    assert 'No browser could be opened on this machine' in told


def test_the_command_hands_all_options_of_the_model_on(monkeypatch):
    given = {}
    monkeypatch.setattr('mmqanet.apis.HumanParsingInferencer', lambda *args, **options: given.update(options))
    monkeypatch.setattr(page, 'serve', lambda *args, **options: None)
    options = '--backend onnx --ensemble a.pth b.pth --ensemble-weights 1 2 --one-at-a-time'
    assert main(['ui', *options.split(), '--port', str(free_port())]) == 0
    assert given['backend'] == 'onnx'
    assert given['ensemble'] == [dict(checkpoint='a.pth', weight=1), dict(checkpoint='b.pth', weight=2)]
    assert given['one_at_a_time']
