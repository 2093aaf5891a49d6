"""The ``mmqanet`` command. Each subcommand lives in a module of its own that offers ``add_parser``."""
import argparse
from importlib import import_module

from mmqanet.utils.commands import run_command
from mmqanet.utils.console import complain, open_standard_files
from mmqanet.version import __version__

SUBCOMMANDS = ('parse', 'evaluate', 'evaluate-densepose', 'pack-submission', 'export', 'ui')


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command ``mmqanet`` with its sub-commands."""
    parser = argparse.ArgumentParser(prog='mmqanet', description='Human parsing with trustworthy scores.')
    parser.add_argument('--version', action='version', version=f'mmqanet {__version__}')
    subparsers = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for name in SUBCOMMANDS:
        import_module(f'mmqanet.cli.{name.replace("-", "_")}').add_parser(subparsers)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand; the exit status and what is said of it are those of :func:`run_command`."""
    open_standard_files()
    args = build_parser().parse_args(argv)
    status, problem = run_command(lambda: args.run(args))
    if problem:
        complain(f'mmqanet {args.command}: {problem}')
    return status
