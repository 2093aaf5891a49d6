"""``mmqanet pack-submission``: the archive that a challenge server takes, out of submission files."""
import argparse
from pathlib import Path

from mmqanet.cli.arguments import output_path
from mmqanet.cli.outputs import refuse_folder
from mmqanet.errors import DataError
from mmqanet.utils.console import say
from mmqanet.utils.files import check_overwrites, read_bytes
from mmqanet.utils.wording import count_of


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the subcommand to an ``argparse`` subparsers object; ``args.run(args)`` runs it."""
    parser = subparsers.add_parser(
        'pack-submission', help='make the archive for a challenge server',
        description='Make the archive that the LIP challenge takes, out of the submission files that "mmqanet parse" and '
                    'tools/test.py write. Track 1 is CIHP, track 2 VIP, whose archive has the video as outermost folder.')
    parser.add_argument('folder', metavar='DIR', help='with global_parsing, instance_parsing, instance_segmentation')
    parser.add_argument('--track', type=int, choices=(1, 2), required=True, help='1: pictures (CIHP), 2: videos (VIP)')
    parser.add_argument('--out', required=True, type=output_path, metavar='ZIP', help='mp_results.zip, vp_results.zip')
    parser.add_argument('--list', metavar='FILE', help='the images that the track wants, a line each, e.g. test_id.txt')
    parser.add_argument('--allow-incomplete', action='store_true',
                        help='pack though images of the list have no files, as where nobody was found')
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the archive; the exit status."""
    from mmqanet.evaluation.packing import pack_submission

    check_overwrites(args.out, [args.list])
    refuse_folder('--out', args.out)
    number = pack_submission(args.folder, args.out, track=args.track, incomplete=args.allow_incomplete,
                             names=read_list(args.list) if args.list else None)
    say(f'{count_of(number, "image")} -> {args.out}')
    return 0


def read_list(path: str) -> list[str]:
    """The first word of each line of a file."""
    try:
        lines = read_bytes(Path(path)).decode('utf-8-sig').splitlines()
    except UnicodeDecodeError:
        raise DataError(f'{path}: not a text file') from None
    names = [line.split()[0] for line in lines if line.strip()]
    if not names:
        raise DataError(f'{path}: names no image')
    return names
