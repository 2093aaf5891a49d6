#!/usr/bin/env python
"""Run the tests that concern the modules changed since the last commit, the nearest first; stop at the first failure.

    python tools/misc/changed_tests.py

Nearest is the file of tests that bears the module's name, then what imports the module, then the other tests of its room.
"""
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
NAMESAKE, IMPORTS, ELSEWHERE, ROOM = range(4)  # of a file of tests: how near it is to a module
LEFT_OUT = {'security'}  # tests of many attacks on the whole, which take long


def main() -> int:
    changed = subprocess.run(['git', 'diff', '--name-only', 'HEAD', '--', 'mmqanet'], cwd=REPO, check=True,
                             capture_output=True, text=True).stdout.split()
    tests = concerned_tests([Path(name) for name in changed if name.endswith('.py')])
    if not tests:
        print('no module has changed')
        return 0
    command = [sys.executable, '-m', 'pytest', '-q', '-x', '-p', 'no:cacheprovider', *tests]
    return subprocess.run(command, cwd=REPO).returncode


def concerned_tests(modules: Sequence[Path], repo: Path = REPO, *, near: bool = False) -> list[str]:
    """Files of tests for modules (paths below ``repo``), each once, the nearest first.

    With ``near`` they are those of the modules' own rooms that bear their names or import them; where there is none, those
    of the folder that mirrors the modules'.
    """
    ranked: dict[str, tuple[int, int, int]] = {}
    for path in sorted((repo / 'tests').rglob('test_*.py')):
        inside = path.relative_to(repo / 'tests')
        far = [found for found in (distance(module, inside, path.read_text()) for module in modules) if found is not None]
        if far and inside.parts[0] not in LEFT_OUT:
            ranked[str(path.relative_to(repo))] = min(far)
    names = sorted(ranked, key=lambda name: ranked[name])
    if near:
        nearest = min((ranked[name] for name in names), default=None)
        names = [name for name in names if ranked[name][0] <= IMPORTS] or [
            name for name in names if ranked[name] == nearest]
    return names


def distance(module: Path, test: Path, text: str) -> tuple[int, int, int] | None:
    """How far a file of tests (below ``tests/``) is from a module, or None where it does not concern it."""
    folder = module.relative_to('mmqanet').parent
    same = next((level for level in range(len(folder.parts), 0, -1) if folder.parts[:level] == test.parts[:-1][:level]), 0)
    name = '.'.join(module.with_suffix('').parts)
    package, _, stem = name.rpartition('.')
    imports = name in text or any(f'from {package} import' in line and stem in line for line in text.splitlines())
    if same == 0 and not imports:
        return None
    if same and test.stem == f'test_{stem}':
        return NAMESAKE, -same, 0
    kind = (IMPORTS if same else ELSEWHERE) if imports else ROOM
    return kind, -same, len(test.parts) - 1 - same


if __name__ == '__main__':
    sys.exit(main())
