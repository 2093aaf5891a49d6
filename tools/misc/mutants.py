#!/usr/bin/env python
"""Change the package in small ways, one at a time, and see whether its tests notice (needs cosmic-ray).

    pip install cosmic-ray
    python tools/misc/mutants.py --number 160 --seed 1

Mutants are drawn at random, from every room of the package its share of them, and each is run against the tests of its room,
in copies of the checkout. Those that survive are listed with their change: some are equivalent to the original, the others
are holes in the tests. A run that was cut off goes on where it stopped.
"""
import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from mmqanet.engine.launch import run_tool
from mmqanet.errors import InputError

REPO = Path(__file__).resolve().parents[2]
# Rooms whose tests stand elsewhere, or whose behaviour others test as well.
TESTS = dict(cli='tests/cli', structures='tests/models tests/apis', preparation='tests/preparation')
CONFIG = """
[cosmic-ray]
module-path = {modules}
timeout = 300.0
excluded-modules = []
test-command = "{python} -m pytest -q -x -p no:cacheprovider {tests}"
[cosmic-ray.distributor]
name = "local"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('rooms', nargs='*', metavar='ROOM', help='folders below mmqanet/ (default: all that have tests)')
    parser.add_argument('--number', type=int, default=160, metavar='N', help='mutants in all (default: 160)')
    parser.add_argument('--seed', type=int, default=0, help='of the draw')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/mutants'), metavar='DIR', help='folder of the sessions')
    args = parser.parse_args()
    tested = {path.name for path in (REPO / 'tests').iterdir() if path.is_dir()}
    rooms = args.rooms or sorted(path.name for path in (REPO / 'mmqanet').iterdir() if path.name in tested)
    unknown = [room for room in rooms if not (REPO / 'mmqanet' / room).is_dir()]
    if unknown:
        raise InputError(f'{unknown[0]}: no such room in mmqanet/')
    copy = args.out.resolve() / 'checkout'
    if not copy.is_dir():
        subprocess.run(['git', 'clone', '-q', str(REPO), str(copy)], check=True)
    sizes = {room: sum(len(path.read_text().splitlines()) for path in modules(copy, room)) for room in rooms}
    for room in rooms:
        session = args.out.resolve() / f'{room}.sqlite'
        if not session.exists():
            number = max(round(args.number * sizes[room] / sum(sizes.values())), 1)
            prepare(copy, room, session, number=number, seed=args.seed)
        run(copy, 'exec', session)
    report({room: list(results(args.out / f'{room}.sqlite')) for room in rooms})


def modules(checkout: Path, room: str) -> list[Path]:
    return sorted(path for path in (checkout / 'mmqanet' / room).rglob('*.py') if path.name != '__init__.py')


def prepare(copy: Path, room: str, session: Path, *, number: int, seed: int) -> None:
    """Make a session of all mutants of a room and keep ``number`` of them, drawn at random."""
    config = session.with_suffix('.toml')
    names = [str(path.relative_to(copy)) for path in modules(copy, room)]
    tests = TESTS.get(room, f'tests/{room}')
    config.write_text(CONFIG.format(modules=json.dumps(names), python=sys.executable, tests=tests))
    run(copy, 'init', session)
    with sqlite3.connect(session) as database:
        jobs = sorted(row[0] for row in database.execute('SELECT job_id FROM work_items'))
        kept = set(random.Random(f'{seed} {room}').sample(jobs, min(number, len(jobs))))
        for table in ('mutation_specs', 'work_items'):
            database.executemany(f'DELETE FROM {table} WHERE job_id = ?', [(job,) for job in jobs if job not in kept])


def run(copy: Path, command: str, session: Path) -> None:
    if shutil.which('cosmic-ray', path=str(Path(sys.executable).parent)) is None:
        raise InputError('cosmic-ray is missing: pip install cosmic-ray')
    # Commands that tests start must import the copy too; reference values lie beside the checkout.
    environment = dict(os.environ, PYTHONPATH=str(copy), MMQANET_SHARED=str(REPO.parent / 'shared'))
    program = Path(sys.executable).parent / 'cosmic-ray'
    subprocess.run([program, command, session.with_suffix('.toml'), session], cwd=copy, env=environment, check=True)


def results(session: Path) -> Iterator[tuple[str, str]]:
    """(outcome, change) of every mutant of a session."""
    with sqlite3.connect(session) as database:
        rows = database.execute('SELECT m.module_path, m.start_pos_row, m.operator_name, r.test_outcome, r.diff '
                                'FROM mutation_specs m LEFT JOIN work_results r USING (job_id)')
        for path, line, operator, outcome, diff in rows:
            changed = [row for row in (diff or '').splitlines() if row[:1] in '+-' and row[:3] not in ('+++', '---')]
            yield outcome or 'not run', '\n'.join([f'{path}:{line} ({operator})', *changed])


def report(found: dict[str, list[tuple[str, str]]]) -> None:
    everything = [row for rows in found.values() for row in rows]
    for outcome, change in everything:
        if outcome.lower().endswith('survived'):
            print(f'\nsurvived: {change}')
    print()
    for room, rows in {**found, 'all': everything}.items():
        killed = sum(outcome.lower().endswith('killed') for outcome, _ in rows)
        print(f'{room:16} {killed:4} of {len(rows):4} caught')


if __name__ == '__main__':
    run_tool(main)
