"""No file of the corpus executes anything, deletes anything, crashes the process, or ends in more than one clear line.

Every attempt is made in a process of its own kind: one worker takes them in turn and is started anew when it dies. Anything
that is executed leaves a marker: payloads write one, and so do the modules and programs that lie in the worker's folder.
"""
import re
import shutil
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import call_attacks
import config_attacks
import data_attacks
import dense_pose_attacks
import ensemble_attacks
import export_attacks
import layout_attacks
import matlab_attacks
import name_attacks
import pickle_attacks
import pytest
import table_attacks
import video_attacks
import weight_attacks
from attack import MIXED, OUT, VICTIMS, make_victims, state
from hostile_pickles import as_pickle, call, write

MODULES = (
    call_attacks, pickle_attacks, config_attacks, weight_attacks, data_attacks, matlab_attacks, dense_pose_attacks,
    export_attacks, table_attacks, layout_attacks, name_attacks, ensemble_attacks,
    video_attacks)
ATTACKS = [attack for module in MODULES for attack in module.attacks()]


def tried(attack, index, folder, worker) -> dict:
    """What came of an attempt: outcome, message, the markers that it left, and the files that it changed or left."""
    place = folder / str(index)
    place.mkdir()
    for name in ('good.pth', 'victim.pth', 'victim'):
        (place / name).symlink_to(folder / name)
    path = place / attack.name
    attack.make(path, folder / 'markers' / f'marker{index}')
    before = state(place)
    result = worker.attempt(attack.action, path)
    after = state(place)
    result['changed'] = sorted(name for name, digest in before.items() if after.get(name) != digest)
    result['strewn'] = [name for name in sorted(after.keys() - before.keys())
                        if attack.action.split()[0] in ('command', 'batch') and not name.startswith(f'{MIXED}/')]
    result['strewn'] += [str(left) for left in (place / OUT).rglob('.*')]
    result['markers'] = sorted(marker.name for marker in (folder / 'markers').iterdir())
    result['lost'] = [name for name in VICTIMS if not (folder / name).is_file()]
    make_victims(folder)
    for marker in (folder / 'markers').iterdir():
        marker.unlink()
    shutil.rmtree(place)
    return result


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
def test_an_attack_is_held(attack, folder, worker):
    if attack.needs and find_spec(attack.needs) is None:
        pytest.skip(f'{attack.needs} is not installed')
    result = tried(attack, ATTACKS.index(attack), folder, worker)
    assert not result['markers'], f'it executed something: {result}'
    assert not result['lost'], f'it deleted something: {result}'
    assert not result['changed'], f'it changed a file that was given: {result}'
    assert not result['strewn'], f'it left files where none belong: {result}'
    assert result['outcome'] == 'refused' or (attack.passes and result['outcome'] == 'passed'), result
    if result['outcome'] == 'refused':
        assert '\n' not in result['message']
        assert result['message'].isprintable(), result['message']
        assert attack.says in result.get('told', result['message']), result


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
