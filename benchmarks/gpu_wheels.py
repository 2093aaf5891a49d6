"""Collect the wheels that ``benchmarks/gpu.py`` needs on a machine with a GPU and without a network.

    python benchmarks/gpu_wheels.py --out .whl [--python 3.12] [--there torch numpy scipy ...]

takes the versions that are installed here and leaves out what is there already, with all that only this needs. A package
without a wheel for that Python is built here, mmcv without its compiled operators. On that machine:

    python3 -m pip install -q --no-index --no-deps --target /tmp/site .whl/*.whl
    PYTHONPATH=/tmp/site:$PWD python3 benchmarks/gpu.py --out DIR
"""
import argparse
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NEEDED = ('onedl-mmcv', 'onedl-mmengine', 'onedl-mmsegmentation', 'rich', 'scipy', 'matplotlib', 'opencv-python', 'pytest')
THERE = ('torch', 'torchvision', 'numpy', 'scipy', 'matplotlib', 'pillow', 'pytest', 'opencv-python',
         'opencv-python-headless', 'packaging', 'rich', 'pyyaml')
PLATFORMS = tuple(f'manylinux_2_{minor}_x86_64' for minor in (28, 27, 24, 17)) + ('manylinux2014_x86_64',)


def closure(names: Sequence[str], *, there: Sequence[str]) -> dict[str, str]:
    """Names and installed versions of distributions and of all that they need, except for those that are there.

    Raises:
        SystemExit: one of them is not installed here.
    """
    skipped = {canonicalize_name(name) for name in there}
    found: dict[str, str] = {}
    left = [Requirement(name) for name in names]
    while left:
        need = left.pop()
        name = canonicalize_name(need.name)
        if name in skipped or name in found:
            continue
        try:
            distribution = importlib.metadata.distribution(need.name)
        except importlib.metadata.PackageNotFoundError:
            raise SystemExit(f'gpu_wheels: {need.name} is not installed here, so its version is not known') from None
        found[name] = distribution.version
        left += [inner for text in distribution.requires or () if _applies(inner := Requirement(text))]
    return found


def _applies(need: Requirement) -> bool:
    return need.marker is None or need.marker.evaluate({'extra': ''})


def fetch(name: str, version: str, folder: Path, python: str) -> None:
    """Download a wheel for Linux on x86-64, or build one without compiled code."""
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '-q']
    platforms = [option for platform in PLATFORMS for option in ('--platform', platform)]
    download = [*pip, 'download', '--no-deps', '--only-binary=:all:', '--python-version', python, '--implementation', 'cp',
                *platforms, '-d', str(folder), f'{name}=={version}']
    if subprocess.run(download, capture_output=True).returncode == 0:
        return
    build = [*pip, 'wheel', '--no-deps', '--no-binary', name, '-w', str(folder), f'{name}=={version}']
    done = subprocess.run(build, capture_output=True, text=True, env=dict(os.environ, MMCV_WITH_OPS='0'))
    if done.returncode:
        reason = (done.stderr.strip() or 'no reason given').splitlines()[-1]
        raise SystemExit(f'gpu_wheels: no wheel of {name} {version} ({reason})')


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--python', default='3.12', help='version of Python there')
    parser.add_argument('--there', nargs='*', default=list(THERE), metavar='NAME', help='packages that are there already')
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    for name, version in sorted(closure(NEEDED, there=args.there).items()):
        fetch(name, version, args.out, args.python)
        print(f'{name} {version}', flush=True)
    size = sum(path.stat().st_size for path in args.out.glob('*.whl'))
    print(f'{size / 2**20:.1f} MiB in {args.out}')


if __name__ == '__main__':
    main()
