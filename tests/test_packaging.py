"""The wheel: a working package that carries configs and tools where mim looks for them."""
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PARTS = ('mmqanet', 'configs', 'tools', 'requirements')
FILES = ('setup.py', 'setup.cfg', 'pyproject.toml', 'MANIFEST.in', 'README.md', 'LICENSE', 'model-index.yml')
WEIGHTS = ('parser.pth', 'detector.pth', 'manifest.json', 'README.md')


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    source, out = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('wheel')
    for part in PARTS:
        shutil.copytree(REPO / part, source / part, ignore=shutil.ignore_patterns('__pycache__'))
    for file in FILES:
        shutil.copy2(REPO / file, source)
    (source / 'mmqanet/weights').mkdir(exist_ok=True)
    for file in WEIGHTS:
        (source / 'mmqanet/weights' / file).write_text(file)
    subprocess.run(
        [sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '--no-build-isolation', '-w', str(out), str(source)],
        check=True, capture_output=True)
    return zipfile.ZipFile(next(out.glob('mmqanet-*.whl')))


def test_the_wheel_holds_every_module(wheel):
    modules = {str(path.relative_to(REPO)) for path in (REPO / 'mmqanet').rglob('*.py')}
    assert modules <= set(wheel.namelist())


def test_the_wheel_holds_the_schema_of_the_json_files(wheel):
    assert wheel.read('mmqanet/schemas/parsing.schema.json') == (REPO / 'mmqanet/schemas/parsing.schema.json').read_bytes()


def test_the_wheel_holds_the_weights_with_their_manifest_and_card(wheel):
    for file in WEIGHTS:
        assert wheel.read(f'mmqanet/weights/{file}') == file.encode()


def test_the_wheel_holds_configs_and_tools_for_mim(wheel):
    wanted = {f'mmqanet/.mim/{path.relative_to(REPO)}' for part in ('configs', 'tools')
              for path in (REPO / part).rglob('*') if path.suffix in ('.py', '.sh', '.yml')
              and path.name not in ('demo.py', 'setup_env.sh')}
    assert len(wanted) > 20
    assert wanted | {'mmqanet/.mim/model-index.yml'} <= set(wheel.namelist())


def test_the_wheel_names_its_requirements_and_command(wheel):
    folder = next(name.split('/')[0] for name in wheel.namelist() if '.dist-info/' in name)
    metadata = wheel.read(f'{folder}/METADATA').decode()
    assert 'Requires-Dist: onedl-mmsegmentation>=1.4.2' in metadata
    assert 'extra == "detection"' in metadata or "extra == 'detection'" in metadata
    assert not any(word in metadata.lower() for word in ('torchvision', 'timm'))
    assert 'mmqanet = mmqanet.cli.main:main' in wheel.read(f'{folder}/entry_points.txt').decode()
