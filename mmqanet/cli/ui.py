"""``mmqanet ui``: a page in the browser to parse photos and explore the results."""
import argparse

from mmqanet.cli.parse import add_model_options, fraction
from mmqanet.utils.console import complain

DESCRIPTION = """
Serve a page: drop photos or take one with the camera, explore the people and parts that were found, hide the doubtful with
sliders, download label maps, cut-outs and JSON. The page is for this machine alone, and nothing leaves it, unless --host or
--share say otherwise. Without options the model and detector of the package are used.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser('ui', help='explore parses of your photos in the browser', description=DESCRIPTION)
    parser.add_argument('--host', default='127.0.0.1', metavar='ADDRESS', help='address to listen at (default: 127.0.0.1, '
                        'which only this machine sees; 0.0.0.0: the network)')
    parser.add_argument('--port', type=port_number, default=7860, metavar='N', help='port to listen at (default: 7860)')
    parser.add_argument('--share', action='store_true', help='also make a public link, through a server of the makers of '
                        'Gradio')
    parser.add_argument('--no-browser', action='store_true', help='do not open the page')
    add_model_options(parser)
    parser.add_argument('--detector', metavar='CONFIG', help='as in `mmqanet parse`')
    parser.add_argument('--detector-checkpoint', metavar='CKPT', help='as in `mmqanet parse`')
    parser.add_argument('--box-score-thr', type=fraction, metavar='S', help='least score of the people that the detector '
                        'finds')
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from mmqanet.apis import HumanParsingInferencer  # here, so that --help answers at once
    from mmqanet.cli.parse import members_of, test_time_augmentation
    from mmqanet.ui.app import check_address, import_gradio, serve

    import_gradio()
    check_address(args.host, args.port)
    inferencer = HumanParsingInferencer(
        args.config, args.checkpoint, args.device, detector=args.detector, detector_weights=args.detector_checkpoint,
        box_score_thr=args.box_score_thr, tta=test_time_augmentation(args), crop=args.crop, classes=args.classes,
        precision=args.precision, backend=args.backend, ensemble=members_of(args),
        one_at_a_time=args.one_at_a_time or None, tell=complain)
    serve(inferencer, host=args.host, port=args.port, share=args.share, show_browser=not args.no_browser)
    return 0


def port_number(given: str) -> int:
    """A port, as a type of argparse."""
    if not given.isascii() or not given.isdecimal() or not 0 < int(given[:6]) < 65536:
        raise argparse.ArgumentTypeError(f'{given} is no port, which are numbers from 1 to 65535')
    return int(given)
