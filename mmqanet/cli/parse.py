"""``mmqanet parse``: label the people of pictures, folders, videos and cameras, and write what was found."""
import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmqanet.cli.arguments import CROP_HELP, at_least_one, crop_option, fraction, output_path, seconds
from mmqanet.cli.boxes import read_boxes
from mmqanet.cli.ray_engine import add_ray_options, run_ray
from mmqanet.errors import InputError, printable
from mmqanet.utils.commands import INTERRUPTED, TERMINATED, Terminated
from mmqanet.utils.console import complain, say
from mmqanet.utils.wording import count_of

# Of mmqanet.apis.layout, which --help need not import.
KINDS = ('overlay', 'palette', 'submission', 'people', 'parts', 'second', 'iuv', 'texture')
SUMMARIES = ('coco', 'labelstudio', 'report')
TILE = 1024  # pixels
SMOOTH_SECONDS = 0.05  # about one frame, which costs the least accuracy (docs/video.md)
LONGEST_INDEX = 4  # digits of a camera
DESCRIPTION = """
Write for every picture NAME.json (people and parts with their qualities and masks), NAME_overlay.jpg, NAME.png (palette PNG,
class per pixel) and submission/ (the challenge servers' files); for every video NAME.mp4 and NAME.jsonl, a line a frame.
Without options the model and detector of the package are used. With a model of your own and neither --boxes nor --detector,
the model finds the people if it is of that kind; else each picture is one person.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the sub-command ``parse`` with its options."""
    parser = subparsers.add_parser(
        'parse', help='label body parts and garments in pictures and videos', description=DESCRIPTION)
    parser.add_argument('inputs', nargs='+', metavar='INPUT', help='picture, video or folder, or the index of a camera')
    parser.add_argument('--out', default='parsed', type=output_path, metavar='DIR',
                        help='folder to write to (default: parsed)')
    parser.add_argument('--recursive', action='store_true', help='also look into the folders of folders; --out keeps them')
    parser.add_argument('--resume', action='store_true', help='skip what an earlier run into --out has finished')
    parser.add_argument('--max-frames', type=at_least_one, metavar='N', help='stop videos and cameras after N frames')
    parser.add_argument('--max-file-size', type=at_least_one, default=1024, metavar='MIB',
                        help='refuse larger files of pictures (default: 1024)')
    parser.add_argument('--show', action='store_true', help='also show the overlays in a window')
    add_model_options(parser)
    add_ray_options(parser)
    second = parser.add_argument_group('second stage')
    second.add_argument('--second-stage', nargs='+', metavar='FILE', help='parse parts of the people by a second model, '
                        'such as heads by one of faces: its config and weights, or weights that carry their config')
    second.add_argument('--second-parts', nargs='+', metavar='CLASS', help='classes of the first model that its boxes are '
                        'around (default: those of a head)')
    people = parser.add_argument_group('people')
    people.add_argument(
        '--boxes', metavar='JSON', help='boxes of the people: {"file name": [[x1, y1, x2, y2], ...]} or a COCO-style JSON '
        'with images and annotations; the word "image" makes each picture one person')
    people.add_argument('--detector', metavar='CONFIG', help='config of an mmdet detector, a checkpoint that carries its '
                        'config, or "shipped", which needs no mmdet')
    people.add_argument('--detector-checkpoint', metavar='CKPT',
                        help="the detector's weights; enough alone where they carry their config")
    people.add_argument('--box-score-thr', type=fraction, metavar='S', help='least score of the people that the detector '
                        'finds (default: 0.3, of the shipped one 0.25)')
    people.add_argument('--tiles', nargs='?', type=at_least_one, const=TILE, metavar='SIDE', help='let the detector look at '
                        'overlapping tiles of large pictures as well, for small people; SIDE is in pixels '
                        f'(default: {TILE})')
    people.add_argument('--score-thr', type=fraction, default=0.0, metavar='Q', help='leave out people of a lower quality')
    people.add_argument('--part-score-thr', type=fraction, default=0.0, metavar='Q',
                        help='leave out parts of a lower quality')
    people.add_argument('--expected-iou-thr', type=fraction, default=0.0, metavar='I',
                        help='leave out parts of a lower expected IoU, where the qualities are calibrated')
    video = parser.add_argument_group('video')
    video.add_argument('--track', action='store_true', help='follow people: everybody has a number that stays through a '
                       'video; with "--save people" the best cut-out of each is written')
    video.add_argument('--track-lost', type=seconds, default=1.0, metavar='S',
                       help='how long a track waits for somebody who is out of sight (default: 1 second)')
    video.add_argument('--smooth', nargs='?', type=seconds, const=SMOOTH_SECONDS, default=0.0, metavar='S',
                       help='average the probabilities of followed people over time, so that parts flicker less; after S '
                       f'seconds a frame has half the weight (default: {SMOOTH_SECONDS})')
    parser.add_argument('--save', nargs='*', choices=KINDS + SUMMARIES, metavar='KIND',
                        help=f'what to write of pictures besides the JSON: {", ".join(KINDS)} (default: the first three; '
                        'people and parts are RGBA cut-outs; second, default with --second-stage, is its drawing and '
                        'palette PNG; iuv, default with dense pose, is its picture for programs; texture comes with '
                        '--texture); of all pictures together: coco (data sets of people and of parts), labelstudio '
                        '(tasks with pre-annotations) and report (one HTML file to explore)')
    parser.add_argument('--texture', metavar='ATLAS', help='of dense pose: also paint the people with this picture of 24 '
                        'charts')
    overlay = parser.add_argument_group('overlay')
    overlay.add_argument('--alpha', type=fraction, default=0.6, metavar='A', help='weight of part colours (default: 0.6)')
    overlay.add_argument('--hatch-below', type=fraction, default=0.0, metavar='Q', help='hatch parts of a lower quality')
    overlay.add_argument('--no-labels', action='store_true', help='no names and qualities beside the parts')
    overlay.add_argument('--no-legend', action='store_true', help='no column that names the classes')
    parser.add_argument('--batch-size', type=at_least_one, default=4, metavar='N', help='pictures at a time (default: 4)')
    parser.add_argument('--max-memory', type=at_least_one, metavar='MIB', help='memory that the process may take (Linux): '
                        'pictures are read, parsed and written one after the other, and one that needs more fails alone')
    parser.add_argument('--max-crops', type=at_least_one, metavar='N', help='people that pass the network at once')
    parser.set_defaults(run=run)


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which model parses, and how."""
    model = parser.add_argument_group('model')
    model.add_argument('--config', metavar='CONFIG', help='config file, or the name of a model of model-index.yml')
    model.add_argument('--checkpoint', metavar='CKPT', help='its weights; enough alone where they carry their config')
    model.add_argument('--ensemble', nargs='+', metavar='CKPT', default=[], help='parse with several models, whose '
                       'probabilities are averaged: checkpoints that carry their configs, of the same classes')
    model.add_argument('--ensemble-weights', nargs='+', type=float, metavar='W', help='weights (default: 1 each)')
    model.add_argument('--one-at-a-time', action='store_true', help='keep the network of one member at a time on the device')
    model.add_argument('--device', help='e.g. cpu or cuda:0 (default: a GPU where there is one)')
    model.add_argument('--tta', nargs='*', type=float, metavar='SCALE',
                       help="average over the mirror image and the scales given, or the config's tta_scales")
    model.add_argument('--crop', type=crop_option, metavar='HOW', help=CROP_HELP)
    model.add_argument('--no-tta', action='store_true', help='no mirror image, even where the config has it')
    model.add_argument('--classes', metavar='NAME', help='label set to predict; of the shipped model: merged16 (its '
                       'default), full (face, arms, legs, left and right) or atr (the 18 of ATR)')
    model.add_argument('--precision', choices=['float32', 'bfloat16', 'auto'], help='number format of the features; '
                       'auto: bfloat16 on a processor that has instructions for it, which is faster and moves some '
                       'borders by a pixel (default: float32)')
    model.add_argument('--backend', choices=['torch', 'onnx', 'openvino'], default='torch',
                       help='what computes the networks; onnx and openvino, extras, are for CPUs and the light detector '
                       '(default: torch)')


def run(args: argparse.Namespace) -> int:
    """Parse everything; what fails is named and does not stop the rest. Exit status 1 if anything failed, 130 on Ctrl-C."""
    if args.engine == 'ray':
        return run_ray(args, tta=test_time_augmentation(args))
    from mmqanet.apis import HumanParsingInferencer  # here, so that --help answers at once
    from mmqanet.apis.inputs import find_inputs
    from mmqanet.apis.output_plan import OutputPlan
    from mmqanet.apis.outputs import ResultWriter
    from mmqanet.apis.picture_files import OverlayStyle
    from mmqanet.utils.images import read_image
    from mmqanet.utils.memory import limit_memory

    out = Path(args.out)
    style = OverlayStyle(alpha=args.alpha, quality_thr=args.hatch_below, part_labels=not args.no_labels,
                         legend=not args.no_legend)
    if args.boxes and args.box_score_thr is not None:
        raise InputError('--box-score-thr is for people that the detector finds: --boxes needs none')
    if args.boxes and args.tiles is not None:
        raise InputError('--tiles is for people that the detector finds: --boxes needs none')
    boxes = read_boxes(args.boxes) if args.boxes not in (None, 'image') else args.boxes
    items = find_inputs([camera_or_path(given) for given in args.inputs], recursive=args.recursive, outside=out,
                        max_frames=args.max_frames, max_bytes=args.max_file_size * 2**20, repeat=False,
                        tell=complain)
    second = second_stage(args)
    save = list(KINDS[:3]) if args.save is None else args.save
    kinds = [*save, *(kind for kind, wanted in (('second', second and save), ('texture', args.texture))
                      if wanted and kind not in save)]
    files = (args.texture, args.boxes, args.config, args.checkpoint, args.detector, args.detector_checkpoint, *second,
             *args.ensemble)
    given = [path for path in files if path]
    OutputPlan(out, kinds, given=given).claim(items)
    problem = find_problem_of_showing(args.show)
    inferencer = HumanParsingInferencer(
        args.config, args.checkpoint, args.device, detector=args.detector, detector_weights=args.detector_checkpoint,
        box_score_thr=args.box_score_thr, tiles=args.tiles, tta=test_time_augmentation(args), max_crops=args.max_crops,
        crop=args.crop, classes=args.classes, precision=args.precision,
        backend=args.backend, second_stage=load_second_stage(second, args) if second else None,
        ensemble=members_of(args), one_at_a_time=args.one_at_a_time or None, tell=complain)
    if args.save is None and inferencer.model.gives_surface:
        kinds.append('iuv')
    if not inferencer.model.gives_surface and {'iuv', 'texture'} & set(kinds):
        raise InputError(f'--save iuv, --texture: a {type(inferencer.model).__name__} is no parser of dense pose')
    if args.max_memory:
        limit_memory(args.max_memory * 2**20)
    call = dict(boxes=boxes, score_thr=args.score_thr, part_score_thr=args.part_score_thr,
                expected_iou_thr=args.expected_iou_thr,
                track=tracking(args))
    writer = ResultWriter(
        out, label_set=inferencer.label_set, kinds=kinds, style=style, options=inferencer.options(**call),
        given=[*given, *inferencer.given], resumes=args.resume, atlas=read_image(args.texture) if args.texture else None)
    left = left_to_do(items, writer) if args.resume else items
    stream = inferencer.stream(left, args.batch_size, **call)
    status = write_all(stream, writer, total=sum(item.count() for item in left) or None, show=args.show and not problem)
    if status in (0, 1):
        for path in writer.summarize(items):
            say(str(path))
    return status or int(problem)


def second_stage(args: argparse.Namespace) -> list[str]:
    """The config and weights of the second model, or the weights alone; empty without one."""
    given = args.second_stage or []
    if len(given) > 2:
        raise InputError(f'--second-stage: a config and its weights, or weights that carry theirs, not {len(given)} files')
    if args.second_parts and not given:
        raise InputError('--second-parts needs --second-stage')
    return given


def load_second_stage(given: Sequence[str], args: argparse.Namespace) -> Any:
    """The second model."""
    from mmengine.device import get_device

    from mmqanet.apis.second_stage import SecondStage

    config, checkpoint = (None, *given) if len(given) == 1 else given
    return SecondStage.load(config, checkpoint, args.device or get_device(), parts=args.second_parts)


def tracking(args: argparse.Namespace) -> Any:
    """The inferencer's ``track``."""
    from mmqanet.apis.tracking import Tracking

    if args.smooth and not args.track:
        raise InputError('--smooth needs --track')
    return Tracking(lost_seconds=args.track_lost, smooth_seconds=args.smooth) if args.track else False


def find_problem_of_showing(wanted: bool) -> bool:
    """Whether windows are wanted and cannot be opened, which is said."""
    from mmqanet.apis.windows import window_problem

    problem = window_problem() if wanted else None
    if problem is not None:
        complain(f'--show: {problem}; the results are written only')
    return problem is not None


def left_to_do(items: Sequence[Any], writer: Any) -> list[Any]:
    """The inputs whose results are not there as this run would write them; what has changed is said."""
    changes = [(item, writer.changes(item)) for item in items]
    left = [item for item, changed in changes if changed is None or changed]
    say(f'{len(items) - len(left)} of {len(items)} inputs are done already')
    for reason, number in Counter('; '.join(changed) for _, changed in changes if changed).items():
        say(f'made anew: {count_of(number, "input")}, as {reason}')
    return left


def write_all(stream: Any, writer: Any, *, total: int | None, show: bool) -> int:
    """Write the results of a stream, which is computed ahead in a thread meanwhile; the exit status."""
    from mmqanet.apis.batches import in_flight, result_weight
    from mmqanet.cli.progress import ParsingProgress
    from mmqanet.cli.result_loop import ResultLoop
    from mmqanet.utils.prefetch import prefetch

    status = 0
    results = prefetch(stream, depth=2, budget=in_flight(), weigh=result_weight)
    with ParsingProgress(total) as progress:
        loop = ResultLoop(writer, progress, show=show)
        try:
            for result in results:
                loop.take(result)
        except KeyboardInterrupt as interrupt:
            status = TERMINATED if isinstance(interrupt, Terminated) else INTERRUPTED
        finally:
            results.close()
            loop.finish_video(complete=not status)
    say(f'{progress.summary()} -> {printable(str(writer.folder))}')
    return status or int(progress.failed > 0)


def camera_or_path(given: str) -> int | str:
    """The index of a camera where the argument is a small number and no file is called so."""
    is_index = given.isascii() and given.isdecimal() and len(given) <= LONGEST_INDEX
    return int(given) if is_index and not os.path.exists(given) else given


def members_of(args: argparse.Namespace) -> list[dict[str, Any]]:
    """The inferencer's ``ensemble``."""
    weights = args.ensemble_weights or [1.0] * len(args.ensemble)
    if len(weights) != len(args.ensemble):
        raise InputError(f'--ensemble-weights: {len(weights)} of them for {count_of(len(args.ensemble), "member")}')
    return [dict(checkpoint=path, weight=weight) for path, weight in zip(args.ensemble, weights)]


def test_time_augmentation(args: argparse.Namespace) -> bool | list[float] | None:
    """The inferencer's ``tta``."""
    if args.no_tta:
        if args.tta is not None:
            raise InputError('--tta and --no-tta contradict each other')
        return False
    return True if args.tta == [] else args.tta
