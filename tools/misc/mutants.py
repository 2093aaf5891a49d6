#!/usr/bin/env python
"""Change the package in small ways, one at a time, and see whether its tests notice (needs cosmic-ray).

    pip install cosmic-ray
    python tools/misc/mutants.py --number 170 --seed 1

Places are drawn at random, from every room of the package its share of them, and one change is made at each. Annotations are
left out, for their changes do nothing or keep a module from being imported. Every mutant meets the nearest tests of its
module (changed_tests.py) in a copy of the last commit. Those that survive are listed with their change: some are equivalent
to the original, the others are holes in the tests. The order is random, so that a run that was cut off is a fair sample; it
goes on where it stopped. With ``--again`` the survivors meet all tests that concern their module, of the last commit. A test
that fails without any change counts as one that notices: see that they pass.
"""
import argparse
import ast
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from difflib import unified_diff
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

from changed_tests import REPO, concerned_tests

try:
    from cosmic_ray.ast import ast_nodes, get_ast_from_path
    from cosmic_ray.mutating import use_mutation
    from cosmic_ray.plugins import get_operator, operator_names
except ImportError:
    sys.exit('cosmic-ray is missing: pip install cosmic-ray')

ALIVE = ('', 'survived', 'moved')
#: Imported once: every mutant's tests run in a fork of this process, which imports nothing of the package itself.
PRELOADED = ('numpy', 'torch', 'cv2', 'scipy.ndimage', 'mmengine.runner', 'mmcv', 'mmseg.models', 'pytest', 'rich.console')


@dataclass(frozen=True)
class Mutant:
    """A change of a module (path below the checkout): the operator of cosmic-ray, and at which of its places."""

    room: str
    module: str
    line: int
    column: int
    operator: str
    occurrence: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('rooms', nargs='*', metavar='ROOM', help='folders below mmqanet/ (default: all that have tests)')
    parser.add_argument('--only', nargs='+', default=['*'], metavar='PATTERN',
                        help="draw from these modules alone, below mmqanet/: 'deployment/*' 'models/heads/uv_head.py'")
    parser.add_argument('--number', type=int, default=170, metavar='N', help='mutants of all rooms (default: 170)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the draw')
    parser.add_argument('--again', action='store_true', help='try the survivors again, with the last commit')
    parser.add_argument('--timeout', type=float, default=240, metavar='SECONDS',
                        help='when the tests of a mutant count as stuck (default: 240)')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/mutants'), metavar='DIR', help='folder of the results')
    args = parser.parse_args()
    tested = {path.name for path in (REPO / 'tests').iterdir() if path.is_dir()}
    every_room = sorted(path.name for path in (REPO / 'mmqanet').iterdir() if path.name in tested)
    if unknown := set(args.rooms) - set(every_room):
        parser.error(f'no room with tests in mmqanet/: {", ".join(sorted(unknown))}')
    copy, known = args.out.resolve() / 'checkout', args.out.resolve() / f'seed_{args.seed}.json'
    update_copy(copy, renew=args.again)
    if not known.exists():
        drawn = draw(copy, every_room, patterns=args.only, number=args.number, seed=args.seed)
        known.write_text(json.dumps([dict(mutant=asdict(mutant), outcome='', change=[]) for mutant in drawn]))
    for name in PRELOADED:
        import_module(name)
    results = json.loads(known.read_text())
    asked = [result for result in results if result['mutant']['room'] in (args.rooms or every_room)]
    for result in [result for result in asked if result['outcome'] in (ALIVE if args.again else ('',))]:
        result.update(examine(copy, Mutant(**result['mutant']), near=not args.again, expected=result['change'],
                              timeout=args.timeout))
        known.write_text(json.dumps(results, indent=1))
    report(asked)


def update_copy(copy: Path, *, renew: bool) -> None:
    """A checkout of the last commit, as the first run made it or, to ``renew`` it, as it is now."""
    if not copy.is_dir():
        subprocess.run(['git', 'clone', '-q', str(REPO), str(copy)], check=True)
    elif renew:
        subprocess.run(['git', 'fetch', '-q', str(REPO), 'HEAD'], cwd=copy, check=True)
        subprocess.run(['git', 'reset', '-q', '--hard', 'FETCH_HEAD'], cwd=copy, check=True)


def draw(copy: Path, rooms: list[str], *, patterns: list[str], number: int, seed: int) -> list[Mutant]:
    """About ``number`` mutants of the modules that match a pattern: each room its share by lines of code, one a place."""
    modules = {room: drawn_from(copy, room, patterns) for room in rooms}
    modules = {room: paths for room, paths in modules.items() if paths}
    sizes = {room: sum(len(path.read_text().splitlines()) for path in paths) for room, paths in modules.items()}
    drawn = []
    for room, paths in modules.items():
        rng = random.Random(f'{seed} {room}')
        places = sorted({(path, *place) for path in paths for place in places_of(path)})
        share = max(round(number * sizes[room] / sum(sizes.values())), 1)
        for path, line, column in rng.sample(places, min(share, len(places))):
            nodes = list(ast_nodes(get_ast_from_path(path)))
            changes = [(name, occurrence) for names in families().values() for name in names
                       for occurrence, place in enumerate(starts(name, nodes)) if place == (line, column)]
            drawn.append(Mutant(room, str(path.relative_to(copy)), line, column, *rng.choice(changes)))
    random.Random(seed).shuffle(drawn)
    return drawn


def drawn_from(copy: Path, room: str, patterns: list[str]) -> list[Path]:
    """The modules of a room that match a pattern, such as ``'models/on_mmdet/*'``."""
    package = copy / 'mmqanet'
    return sorted(path for path in (package / room).rglob('*.py') if path.name != '__init__.py'
                  and any(fnmatch(str(path.relative_to(package)), pattern) for pattern in patterns))


def families() -> dict[str, list[str]]:
    """Operators by what they replace: those of a family differ in what they replace it with."""
    found: dict[str, list[str]] = {}
    for name in sorted(operator_names()):
        if not get_operator(name).arguments():
            found.setdefault(name.rpartition('_')[0] or name, []).append(name)
    return found


def places_of(path: Path) -> Iterator[tuple[int, int]]:
    """(line, column) of what can be changed in a module."""
    annotated, nodes = annotations(path), list(ast_nodes(get_ast_from_path(path)))
    for family in families().values():
        for name in (family[0], family[-1]):
            for place in starts(name, nodes):
                if not any(first <= place < last for first, last in annotated):
                    yield place


def starts(name: str, nodes: list) -> list[tuple[int, int]]:
    """Where an operator of cosmic-ray can be applied, in its order of occurrences."""
    operator = get_operator(name)()
    return [tuple(start) for node in nodes for start, _ in operator.mutation_positions(node)]


def annotations(path: Path) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """(line, column) of the start and the end of every annotation of a module."""
    nodes = []
    for node in ast.walk(ast.parse(path.read_text())):
        nodes += [getattr(node, 'annotation', None), getattr(node, 'returns', None)]
    return [((node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or 0))
            for node in nodes if isinstance(node, ast.expr)]


def examine(copy: Path, mutant: Mutant, *, near: bool, expected: list[str], timeout: float) -> dict:
    """Change the copy, test it (with the ``near`` tests or all that concern the module), change it back.

    Where a change is ``expected`` and would be another, the module has been edited: such mutants have moved.
    """
    path, start = copy / mutant.module, time.monotonic()
    if not path.exists():
        return dict(outcome='moved')
    before = path.read_text()
    with use_mutation(path, get_operator(mutant.operator)(), mutant.occurrence):
        after = path.read_text()
        lines = list(unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=''))[2:]
        change = [f'{line[0]} {line[1:].strip()}' for line in lines if line[0] in '+-']
        if expected and change != expected:
            return dict(outcome='moved')
        tests = concerned_tests([Path(mutant.module)], copy, near=near)
        outcome = run_tests(copy, tests, timeout=timeout) if is_python(after) else 'invalid'
    print(f'{outcome:8} {time.monotonic() - start:4.0f} s  {mutant.module}:{mutant.line}  {" ".join(change)}', flush=True)
    return dict(outcome=outcome, change=change)


def is_python(text: str) -> bool:
    """Whether a change left a program: cosmic-ray takes the star in a signature for a product."""
    try:
        compile(text, 'mutant', 'exec')
    except SyntaxError:
        return False
    return True


def run_tests(copy: Path, tests: list[str], *, timeout: float) -> str:
    """Run tests of the copy up to the first failure: ``'survived'``, ``'caught'`` or, taking too long, ``'stuck'``."""
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        os.chdir(copy)
        os.environ.update(PYTHONPATH=str(copy), PYTHONDONTWRITEBYTECODE='1', MMQANET_SHARED=str(REPO.parent / 'shared'))
        sys.dont_write_bytecode = True
        sys.path[:1] = [str(copy)]
        sys.argv = ['pytest']
        null = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(null, stream)
        code = import_module('pytest').main(['-q', '-x', '-p', 'no:cacheprovider', *tests])
        os._exit(int(code))
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)  # what the tests left behind
            return 'caught' if status else 'survived'
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 'stuck'


def report(results: list[dict]) -> None:
    results = [result for result in results if result['outcome'] != 'invalid']
    for result in results:
        if result['outcome'] in ALIVE:
            print('\n'.join([f'\n{result["mutant"]["module"]}:{result["mutant"]["line"]}', *result['change']]))
    print()
    rooms = sorted({result['mutant']['room'] for result in results})
    for room in [*rooms, 'all']:
        outcomes = [result['outcome'] for result in results if room in (result['mutant']['room'], 'all')]
        print(f'{room:16} {sum(outcome not in ALIVE for outcome in outcomes):4} of {len(outcomes):4} caught')


if __name__ == '__main__':
    main()
