"""The command line that all converters share."""
import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mmqanet.preparation.converters.base import REPORT, Converter, convert
from mmqanet.preparation.converters.report import SplitReport
from mmqanet.preparation.converters.verify import verify
from mmqanet.utils.commands import INTERRUPTED, TERMINATED, run_command
from mmqanet.utils.console import complain, say
from mmqanet.utils.files import write_bytes

SHOWN = 20  # names of each kind on the terminal; the report in the folder has all


def run_converter(make: Callable[[argparse.Namespace], Converter], *, doc: str | None, source: str, argv: list[str] | None,
                  add_arguments: Callable[[argparse.ArgumentParser], None] = lambda parser: None) -> int:
    """Run a converter's command line: ``SRC DST`` converts, ``--verify DST`` checks.

    Args:
        make: the converter for the parsed arguments, which hold at least ``source``.
        doc: text of the help.
        source: what SRC is, for the help.
        argv: arguments; ``None`` takes the program's.
        add_arguments: adds the options that this converter alone has.

    Returns:
        The exit status: 0 where everything is complete or ``--allow-incomplete`` is given, else 1.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', type=Path, nargs='?', metavar='SRC', help=f'{source}; not needed to verify')
    parser.add_argument('target', type=Path, metavar='DST', help='folder in the prepared layout')
    add_arguments(parser)
    parser.add_argument('--workers', type=int, default=os.cpu_count(), help='processes')
    parser.add_argument('--verify', action='store_true', help='check what was converted to DST, and write nothing')
    parser.add_argument('--allow-incomplete', action='store_true', help='exit with 0 though something is missing or failed')
    args = parser.parse_args(argv)
    if args.source is None and not args.verify:
        parser.error('SRC and DST are needed')
    args.source = args.source or Path()

    def run() -> int:
        reports = (verify if args.verify else convert)(make(args), args.target, workers=args.workers)
        if not args.verify:
            lines = [line for report in reports for line in report.lines()]
            write_bytes(args.target / REPORT, '\n'.join([*lines, '']).encode())
        return tell(reports, allow_incomplete=args.allow_incomplete, report=None if args.verify else args.target / REPORT)

    return exit_status(run)


def exit_status(run: Callable[[], int]) -> int:
    """Run a command (:func:`run_command`); what is wrong is said in one line."""
    status, problem = run_command(run)
    if status in (INTERRUPTED, TERMINATED):
        problem = 'interrupted; run again to go on'
    if problem:
        complain(f'error: {problem}')
    return status


def tell(reports: Sequence[SplitReport], *, allow_incomplete: bool, report: Path | None = None) -> int:
    """Print the reports, in short, and where the full ``report`` lies; gives the exit status."""
    say('\n'.join(line for split in reports for line in split.lines(SHOWN)))
    incomplete = any(split.incomplete for split in reports)
    if incomplete:
        say('not complete' + (f'; all names: {report}' if report else ''))
    return 1 if incomplete and not allow_incomplete else 0
