"""The page in a real browser: uploads, what is shown, downloads, a broken file; nothing is asked of other machines."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from pictures import picture, save

pytest.importorskip('gradio')
sync_api = pytest.importorskip('playwright.sync_api')
from mmqanet.apis import HumanParsingInferencer  # noqa: E402
from mmqanet.ui.app import build_app  # noqa: E402

BROWSER = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
if BROWSER is None:
    pytest.skip('no Chromium is installed', allow_module_level=True)

REPO = Path(__file__).resolve().parents[2]


def command(small_parser, port):
    return [sys.executable, '-m', 'mmqanet', 'ui', '--config', str(small_parser / 'config.py'), '--checkpoint',
            str(small_parser / 'weights.pth'), '--device', 'cpu', '--no-browser', '--port', str(port)]


@pytest.fixture(scope='module')
def address(small_parser):
    """Where the page is served."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    with subprocess.Popen(command(small_parser, port), stdout=subprocess.PIPE, text=True, cwd=REPO,
                          env=dict(os.environ, PYTHONPATH=str(REPO))) as process:
        watchdog = threading.Timer(300, process.kill)
        watchdog.start()
        told = process.stdout.readline()
        watchdog.cancel()
        yield re.search(r'http://\S+', told)[0]
        process.terminate()


@pytest.fixture(scope='module')
def address_without_people(small_parser, tmp_path_factory):
    """Where a page is served whose detector finds nobody."""
    class Blind:
        def detect(self, images):
            return [(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)) for _ in images]

    inferencer = HumanParsingInferencer(small_parser / 'config.py', small_parser / 'weights.pth', 'cpu', detector=Blind())
    app = build_app(inferencer, workspace=tmp_path_factory.mktemp('nobody'))
    yield app.launch(server_name='127.0.0.1', quiet=True, prevent_thread_lock=True)[1]
    app.close()


@pytest.fixture(scope='module')
def page(address, address_without_people):
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=['--no-sandbox'])
        tab = browser.new_page(viewport=dict(width=1200, height=800))
        tab.set_default_timeout(90_000)
        tab.hosts = set()
        tab.on('request', lambda request: tab.hosts.add(urlsplit(request.url).hostname))
        tab.goto(address)
        yield tab
        browser.close()


def upload(page, *paths):
    page.reload()
    page.locator('input[type=file]').first.set_input_files([str(path) for path in paths])


def test_photos_are_shown_to_explore(page, tmp_path):
    upload(page, save(tmp_path / 'first.png', picture(70, 50)), save(tmp_path / 'second.png', picture(60, 60, seed=1)))
    frame = page.frame_locator('iframe[title="Parsed photos"]')
    frame.locator('article').nth(1).wait_for()
    assert sorted(frame.locator('article b').all_inner_texts()) == ['first', 'second']
    page.get_by_text('2 people in 2 photos.').wait_for()
    view = frame.locator('button[aria-label="Enlarge first"]')
    view.hover(position=dict(x=view.bounding_box()['width'] / 2, y=40))
    assert re.search(r'pixel score 0\.\d\d', frame.locator('#tip').inner_text())
    frame.locator('#parts').fill('1')
    assert ', 0 of ' in frame.locator('h1').inner_text()
    with page.expect_download() as started:
        page.get_by_role('button', name='JSON').click()
    assert started.value.suggested_filename == 'json.zip'


def test_one_photo_is_downloaded_as_it_is(page, tmp_path):
    upload(page, save(tmp_path / 'first.png', picture(70, 50)))
    page.get_by_text('1 person in 1 photo.').wait_for()
    with page.expect_download() as started:
        page.get_by_role('button', name='JSON').click()
    assert json.loads(Path(started.value.path()).read_text())['name'] == 'first'


def test_a_broken_file_is_told(page, tmp_path):
    (tmp_path / 'broken.png').write_bytes(b'nothing')
    upload(page, tmp_path / 'broken.png')
    page.get_by_text('Nothing could be parsed.').wait_for()
    assert page.get_by_text('broken.png: not readable as an image').first.is_visible()
    assert page.locator('iframe').count() == 0


def test_a_picture_of_nobody_is_shown_and_told(page, address, address_without_people, tmp_path):
    page.goto(address_without_people)
    upload(page, save(tmp_path / 'empty.png', picture(70, 50)))
    page.get_by_text('Nobody was found.').wait_for()
    frame = page.frame_locator('iframe[title="Parsed photos"]')
    assert frame.locator('article b').all_inner_texts() == ['empty']
    assert page.get_by_role('button', name='JSON').is_visible()
    assert page.get_by_role('button', name='Cut-outs').count() == 0
    page.goto(address)


def test_nothing_is_asked_of_other_machines(page):
    assert page.hosts == {'127.0.0.1'}


def test_a_port_that_is_taken_is_one_line(small_parser, address):
    done = subprocess.run(command(small_parser, urlsplit(address).port), capture_output=True, text=True, cwd=REPO,
                          env=dict(os.environ, PYTHONPATH=str(REPO)))
    assert done.returncode == 1
    told = done.stderr.strip().splitlines()[-1]
    assert told.startswith(f'mmqanet ui: --port {urlsplit(address).port}: cannot be listened at')
    assert 'Traceback' not in done.stderr
