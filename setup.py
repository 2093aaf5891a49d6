"""Package metadata lives in setup.cfg; this file only puts configs and tools into the wheel for mim."""
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM_PARTS = ('tools', 'configs', 'model-index.yml')
CHECKOUT_ONLY = ('demo.py', 'setup_env.sh')  # they work on a clone, not inside site-packages


class BuildWithMim(build_py):
    """Copy what mim looks for to ``mmqanet/.mim`` of the built package (an editable install needs no copy)."""

    def run(self) -> None:
        """Build, then copy configs, tools and the index of models."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / 'mmqanet' / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for part in MIM_PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, target / part, ignore=shutil.ignore_patterns('__pycache__', '*.pyc', *CHECKOUT_ONLY))
            else:
                shutil.copy2(source, target / part)


setup(cmdclass={'build_py': BuildWithMim})
