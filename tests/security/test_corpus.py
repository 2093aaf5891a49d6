"""No file of the corpus executes anything, deletes anything, crashes the process, or ends in more than one clear line.

Every attempt is made in a process of its own kind: one worker takes them in turn and is started anew when it dies. Anything
that is executed leaves a marker: payloads write one, and so do the modules and programs that lie in the worker's folder.
"""
import re
import shutil
from collections import Counter
from pathlib import Path

import call_attacks
import config_attacks
import data_attacks
import matlab_attacks
import pickle_attacks
import pytest
import weight_attacks
from attack import VICTIMS, make_victims
from hostile_pickles import as_pickle, call, write

ATTACKS = [attack for module in (call_attacks, pickle_attacks, config_attacks, weight_attacks, data_attacks, matlab_attacks)
           for attack in module.attacks()]


@pytest.fixture(scope='module')
def results(folder, worker):
    """What came of every attempt: outcome, message, and the markers that it left."""
    found = {}
    for index, attack in enumerate(ATTACKS):
        place = folder / str(index)
        place.mkdir()
        for name in ('good.pth', 'victim.pth', 'victim'):
            (place / name).symlink_to(folder / name)
        path = place / attack.name
        attack.make(path, folder / 'markers' / f'marker{index}')
        found[attack.id] = result = worker.attempt(attack.action, path)
        result['markers'] = sorted(marker.name for marker in (folder / 'markers').iterdir())
        result['lost'] = [name for name in VICTIMS if not (folder / name).is_file()]
        make_victims(folder)
        for marker in (folder / 'markers').iterdir():
            marker.unlink()
        shutil.rmtree(place)
    return found


def test_the_corpus_is_large():
    assert len(ATTACKS) >= 150
    assert len({attack.id for attack in ATTACKS}) == len(ATTACKS)
    assert min(Counter(attack.kind for attack in ATTACKS).values()) >= 10


def test_the_page_counts_them():
    page = (Path(__file__).parents[2] / 'docs/security.md').read_text()
    counts = Counter(attack.kind for attack in ATTACKS) | Counter(all=len(ATTACKS))
    rows = re.findall(r'^\| ([\w ]+) \| (\d+) \| \2 \|', page, re.MULTILINE)
    assert {kind: int(number) for kind, number in rows} == counts


@pytest.mark.parametrize('attack', ATTACKS, ids=lambda attack: attack.id)
def test_an_attack_is_held(attack, results):
    result = results[attack.id]
    assert not result['markers'], f'it executed something: {result}'
    assert not result['lost'], f'it deleted something: {result}'
    assert result['outcome'] == 'refused' or (attack.passes and result['outcome'] == 'passed'), result
    if result['outcome'] == 'refused':
        assert '\n' not in result['message']
        assert result['message'].isprintable(), result['message']


def test_a_marker_tells(folder, worker):
    """The means of this test work: an unsafe load leaves a marker, a crash is noticed and the next attempt is made."""
    marker = folder / 'markers/check'
    evil = write(folder / 'check.pth', as_pickle(call('builtins', 'open', str(marker), 'w')))
    assert worker.attempt('unsafe', evil)['outcome'] == 'raised'
    assert marker.is_file()
    assert worker.attempt('load', evil)['outcome'] == 'refused'
    crash = write(folder / 'crash.pth', as_pickle(call('os', '_exit', 3)))
    assert worker.attempt('unsafe', crash)['outcome'] == 'died'
    assert worker.attempt('load', evil)['outcome'] == 'refused'
    marker.unlink()
