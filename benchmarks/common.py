"""What every benchmark prints first: when, where and of what its figures are."""
import platform
import subprocess
import time
from pathlib import Path

import torch

REPO = Path(__file__).resolve().parents[1]


def header(title: str) -> str:
    """Title, date, processor, number of threads, versions and commit, a line each."""
    lines = [title, f'date       {time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}', f'processor  {processor()}']
    if torch.cuda.is_available():
        lines.append(f'gpu        {torch.cuda.get_device_name()}')
    lines.append(f'versions   Python {platform.python_version()}, torch {torch.__version__}')
    lines.append(f'commit     {commit()}')
    return '\n'.join(lines)


def processor() -> str:
    """Model of the processor and the number of threads that torch uses of it."""
    try:
        names = [line.split(':', 1)[1].strip() for line in Path('/proc/cpuinfo').read_text().splitlines()
                 if line.startswith('model name')]
    except OSError:
        names = []
    return f'{names[0] if names else platform.processor()}, {torch.get_num_threads()} threads'


def commit() -> str:
    """Short hash of the checkout, marked where tracked files of the package differ from it."""
    def git(*arguments: str) -> str:
        return subprocess.run(['git', '-C', str(REPO), *arguments], capture_output=True, text=True).stdout.strip()

    changed = git('status', '--porcelain', '--untracked-files=no', '--', 'mmqanet', 'benchmarks')
    return (git('rev-parse', '--short', 'HEAD') or 'unknown') + (' with changes' if changed else '')
