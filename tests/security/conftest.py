"""The process that makes the attempts, and the folder it stands in."""
import json
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attack import make_victims
from hostile_pickles import as_pickle, call

HERE = Path(__file__).resolve().parent
SECONDS = 120  # for one attempt, the first of which imports everything, on a machine that does much else
#: Modules that a worker in the folder of the corpus could import by accident, and programs that it could start.
MODULES = ('evil', 'Evil', 'FCOS', 'QANet', 'ResNetV1c', 'CIHPDataset', 'SyncBN', 'nms', 'model')
PROGRAMS = ('gs', 'gswin64c', 'ffmpeg', 'convert', 'inkscape')


class Worker:
    """The process that makes the attempts, started anew for the next one when it dies."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.start()

    def start(self) -> None:
        found = [str(HERE.parents[1]), str(HERE), '.', os.environ.get('PYTHONPATH', '')]
        environment = dict(
            os.environ, PYTHONPATH=os.pathsep.join(found), OMP_NUM_THREADS='1',
            PATH=f'{self.folder}{os.pathsep}{os.environ["PATH"]}', PYTHONDONTWRITEBYTECODE='1')
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / 'attack_worker.py')], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, cwd=self.folder, env=environment, text=True, start_new_session=True)

    def attempt(self, action: str, path: Path) -> dict:
        self.process.stdin.write(json.dumps([action, str(path)]) + '\n')
        self.process.stdin.flush()
        answer = self.process.stdout.readline() if select.select([self.process.stdout], [], [], SECONDS)[0] else None
        if answer:
            return json.loads(answer)
        self.close()
        self.start()
        return dict(outcome='hung' if answer is None else 'died', message='')

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope='session')
def folder(tmp_path_factory, small_parser):
    """Where the worker stands: a good checkpoint, files that must stay, and things that leave a marker when they run."""
    folder = tmp_path_factory.mktemp('corpus')
    shutil.copy(small_parser / 'weights.pth', folder / 'good.pth')
    make_victims(folder)
    (folder / 'markers').mkdir()
    for name in MODULES:
        (folder / name).mkdir()
        for file in ('__init__', 'registry'):
            (folder / name / f'{file}.py').write_text(f"open({str(folder / 'markers' / name)!r}, 'w').close()\n")
    for name in PROGRAMS:
        (folder / name).write_text(f'#!/bin/sh\ntouch {folder / "markers" / name}\n')
        (folder / name).chmod(0o755)
    evil = as_pickle(call('builtins', 'open', str(folder / 'markers/pickle'), 'w'))
    for name in ('evil.pkl', 'evil.pth', 'evil.npy'):
        (folder / name).write_bytes(evil)
    return folder


@pytest.fixture(scope='session')
def worker(folder):
    worker = Worker(folder)
    yield worker
    worker.close()
