"""The ``mmqanet`` command. Each subcommand lives in a module of its own that offers ``add_parser``."""
import argparse
from importlib import import_module

from mmqanet.cli.console import INTERRUPTED, TERMINATED, Terminated, console, open_standard_files, signals_unwind
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
    """Run one subcommand; an error that mmqanet raises on purpose becomes one line and exit status 1.

    Ctrl-C ends it with exit status 130, SIGTERM with 143. Exit status 1 as well if the output could not be written.
    """
    open_standard_files()
    console.lost = None
    args = build_parser().parse_args(argv)
    try:
        with signals_unwind():
            status = args.run(args)
    except MMQANetError as error:
        console.complain(f'mmqanet {args.command}: {error}')
        status = 1
    except Terminated:
        status = TERMINATED
    except KeyboardInterrupt:
        status = INTERRUPTED
    if console.lost:
        console.complain(f'mmqanet {args.command}: standard output cannot be written ({console.lost})')
    return status or int(console.lost is not None)
