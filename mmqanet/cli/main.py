"""The ``mmqanet`` command. Each subcommand lives in a module of its own that offers ``add_parser``."""
import argparse
import sys
from importlib import import_module

from mmqanet.errors import MMQANetError
from mmqanet.version import __version__

SUBCOMMANDS = ('parse', 'evaluate')


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='mmqanet', description='Human parsing with trustworthy scores.')
    parser.add_argument('--version', action='version', version=f'mmqanet {__version__}')
    subparsers = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for name in SUBCOMMANDS:
        import_module(f'mmqanet.cli.{name}').add_parser(subparsers)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand; an error that mmqanet raises on purpose becomes one line and exit status 1."""
    args = build_parser().parse_args(argv)
    try:
        return args.run(args)
    except MMQANetError as error:
        print(f'mmqanet {args.command}: {error}', file=sys.stderr)
        return 1
