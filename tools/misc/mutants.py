#!/usr/bin/env python
"""Change the package in small ways, one at a time, and see whether its tests notice (needs cosmic-ray).

    pip install cosmic-ray
    python tools/misc/mutants.py --number 160 --seed 1

Places are drawn at random, from every room of the package its share of them, and one change is made at each. Annotations are
left out, for their changes do nothing or keep a module from being imported. Every mutant meets the tests that concern its
module (changed_tests.py) in a copy of the checkout. Those that survive are listed with their change: some are equivalent to
the original, the others are holes in the tests. A run that was cut off goes on where it stopped; with ``--again`` the
survivors meet the tests of the last commit.
"""
import argparse
import ast
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
CONFIG = """
[cosmic-ray]
module-path = {modules}
timeout = 900.0
excluded-modules = []
test-command = "{python} tools/misc/changed_tests.py"
[cosmic-ray.distributor]
name = "local"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('rooms', nargs='*', metavar='ROOM', help='folders below mmqanet/ (default: all that have tests)')
    parser.add_argument('--number', type=int, default=160, metavar='N', help='mutants in all (default: 160)')
    parser.add_argument('--seed', type=int, default=0, help='of the draw')
    parser.add_argument('--again', action='store_true', help='try the survivors again, with the last commit')
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
    elif args.again:
        subprocess.run(['git', 'fetch', '-q', str(REPO), 'HEAD'], cwd=copy, check=True)
        subprocess.run(['git', 'reset', '-q', '--hard', 'FETCH_HEAD'], cwd=copy, check=True)
    sizes = {room: sum(len(path.read_text().splitlines()) for path in modules(copy, room)) for room in rooms}
    for room in rooms:
        session = args.out.resolve() / f'{room}.sqlite'
        if not session.exists():
            number = max(round(args.number * sizes[room] / sum(sizes.values())), 1)
            prepare(copy, room, session, number=number, seed=args.seed)
        elif args.again:
            forget_survivors(session)
        run(copy, 'exec', session)
    report({room: list(results(args.out / f'{room}.sqlite')) for room in rooms})


def modules(checkout: Path, room: str) -> list[Path]:
    return sorted(path for path in (checkout / 'mmqanet' / room).rglob('*.py') if path.name != '__init__.py')


def prepare(copy: Path, room: str, session: Path, *, number: int, seed: int) -> None:
    """Make a session of the mutants of a room: ``number`` places drawn at random, one change at each."""
    config = session.with_suffix('.toml')
    names = [str(path.relative_to(copy)) for path in modules(copy, room)]
    config.write_text(CONFIG.format(modules=json.dumps(names), python=sys.executable))
    run(copy, 'init', session)
    draw = random.Random(f'{seed} {room}')
    annotated = {name: annotations(copy / name) for name in names}
    with sqlite3.connect(session) as database:
        rows = database.execute('SELECT module_path, start_pos_row, start_pos_col, operator_name, occurrence, job_id '
                                'FROM mutation_specs ORDER BY 1, 2, 3, 4, 5').fetchall()
        places: dict[tuple, list[str]] = {}
        for name, line, column, _, _, job in rows:
            if not any(start <= (line, column) < end for start, end in annotated[name]):
                places.setdefault((name, line, column), []).append(job)
        drawn = draw.sample(list(places), min(number, len(places)))
        kept = {draw.choice(places[place]) for place in drawn}
        for table in ('mutation_specs', 'work_items'):
            others = [(row[-1],) for row in rows if row[-1] not in kept]
            database.executemany(f'DELETE FROM {table} WHERE job_id = ?', others)


def annotations(path: Path) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """(line, column) of the start and the end of every annotation of a module."""
    nodes = []
    for node in ast.walk(ast.parse(path.read_text())):
        nodes += [getattr(node, 'annotation', None), getattr(node, 'returns', None)]
    return [((node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or 0))
            for node in nodes if node is not None]


def forget_survivors(session: Path) -> None:
    with sqlite3.connect(session) as database:
        database.execute("DELETE FROM work_results WHERE lower(test_outcome) LIKE '%survived'")


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
