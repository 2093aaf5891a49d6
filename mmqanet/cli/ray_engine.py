"""``mmqanet parse --engine ray``: tables of people, parsed on a cluster of Ray."""
import argparse
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmqanet.cli.arguments import at_least_one
from mmqanet.errors import InputError
from mmqanet.utils.console import say
from mmqanet.utils.wording import count_of

PAUSE = 60  # seconds between two lines on how far a run is
# Options that this engine does not have.
ELSEWHERE = ('show', 'track', 'smooth', 'max_frames', 'max_memory', 'second_stage', 'ensemble')
KINDS = ('overlay', 'palette', 'submission', 'people', 'parts')  # of files that it writes, if asked for


def add_ray_options(parser: argparse.ArgumentParser) -> None:
    """Which engine parses, and how Ray is used."""
    engine = parser.add_argument_group(
        'engine', 'With "--engine ray" inputs are pictures, folders, Parquet tables and WebDataset shards at any address '
        'that fsspec knows, --out takes Parquet tables, and the same command goes on with a run that was broken off.')
    engine.add_argument('--engine', choices=['local', 'ray'], default='local', help='this process, or workers of Ray '
                        "(pip install 'mmqanet[ray]') (default: local)")
    engine.add_argument('--ray-address', metavar='ADDRESS', help='address of a cluster (default: workers on this machine)')
    engine.add_argument('--ray-workers', type=at_least_one, default=1, metavar='N',
                        help='workers, each with a model of its own (default: 1)')
    engine.add_argument('--ray-cpus', type=positive, default=1.0, metavar='N', help='cores of a worker (default: 1)')
    engine.add_argument('--ray-gpus', type=share, default=0.0, metavar='N', help='GPUs of a worker, or a part of one, '
                        'such as 0.5 (default: 0)')
    engine.add_argument('--pictures-per-table', type=at_least_one, metavar='N',
                        help='pictures that a worker parses before it writes them (default: --batch-size); more make fewer '
                        'files, and more to repeat when a worker dies')
    engine.add_argument('--image-column', metavar='NAME', help='column of Parquet tables with the files of the pictures '
                        '(default: image, bytes, jpg, jpeg, png, webp or content)')


def run_ray(args: argparse.Namespace, *, tta: Any) -> int:
    """Parse what is not in the tables yet; exit status 1 if anything failed."""
    _refuse(args)
    from mmqanet.apis import HumanParsingInferencer  # here, so that --help answers at once

    try:
        from mmqanet.apis.batch.engine import Cluster, Job, connect, run_job
        from mmqanet.apis.batch.files import bases_of
        from mmqanet.apis.batch.store import FILES
        from mmqanet.utils.picture_sources import list_sources
    except ImportError as error:
        raise InputError(f"--engine ray needs the package {error.name}: pip install 'mmqanet[ray]'") from None

    cluster = Cluster(address=args.ray_address, workers=args.ray_workers, cpus=args.ray_cpus, gpus=args.ray_gpus)
    out = absolute(args.out)
    inputs = [absolute(given) for given in args.inputs]
    sources = list_sources(inputs, recursive=args.recursive, outside=out)
    config, checkpoint, detector, detector_checkpoint = (
        absolute(given) if given and os.path.exists(given) else given
        for given in (args.config, args.checkpoint, args.detector, args.detector_checkpoint))
    model = dict(
        model=config, weights=checkpoint, device=args.device or ('cuda:0' if args.ray_gpus else 'cpu'),
        detector=detector, detector_weights=detector_checkpoint, box_score_thr=args.box_score_thr, tiles=args.tiles, tta=tta,
        max_crops=args.max_crops, crop=args.crop, classes=args.classes, precision=args.precision, backend=args.backend)
    call = dict(boxes=args.boxes, score_thr=args.score_thr, part_score_thr=args.part_score_thr,
                expected_iou_thr=args.expected_iou_thr)
    options = HumanParsingInferencer(**dict(model, device='cpu')).options(**call)
    files = _files(args, Path(out) / FILES, bases_of(inputs, sources), options)
    if files is not None:
        files.check(sources)
        options = dict(options, save=files.kinds, overlay=asdict(files.style))
    connect(cluster)
    job = Job(sources=sources, out=out, model=model, call=call, batch_size=args.batch_size,
              pictures_per_table=args.pictures_per_table, column=args.image_column, files=files)
    total, last = Counter[str](), time.monotonic()
    for counts in run_job(job, cluster, options=options):
        total += counts
        if time.monotonic() - last >= PAUSE:
            last = time.monotonic()
            say(f'so far {_told(total)}')
    say(f'{_told(total)} -> {args.out}')
    return int(total['errors'] > 0)


def _told(total: Counter[str]) -> str:
    return ', '.join([count_of(total['pictures'], 'picture'), count_of(total['people'], 'person', 'people'),
                      count_of(total['errors'], 'error')])


def _files(args: argparse.Namespace, folder: Path, bases: Sequence[str], options: Mapping[str, Any]) -> Any:
    """What is written of each picture beside the tables; ``None`` without --save."""
    from mmqanet.apis.batch.files import PictureFiles
    from mmqanet.apis.picture_files import OverlayStyle

    if not args.save:
        return None
    style = OverlayStyle(alpha=args.alpha, quality_thr=args.hatch_below, part_labels=not args.no_labels,
                         legend=not args.no_legend)
    return PictureFiles(folder=folder, bases=bases, kinds=sorted(set(args.save)), style=style, options=options)


def absolute(address: str) -> str:
    """The address for processes in other folders: the absolute path of a local file or folder."""
    return address if '://' in address else os.path.abspath(address)


def positive(given: str) -> float:
    """A number above 0, as a type of argparse."""
    value = share(given)
    if not value:
        raise argparse.ArgumentTypeError('0 is not above 0')
    return value


def share(given: str) -> float:
    """A number from 0 to 1024, as a type of argparse."""
    value = float(given)
    if not 0 <= value <= 1024:
        raise argparse.ArgumentTypeError(f'{given} does not lie in [0, 1024]')
    return value


def _refuse(args: argparse.Namespace) -> None:
    given = next((name for name in ELSEWHERE if getattr(args, name, None)), None)
    if given is not None:
        raise InputError(f'--{given.replace("_", "-")} is not for --engine ray')
    unknown = next((kind for kind in args.save or () if kind not in KINDS), None)
    if unknown is not None:
        raise InputError(f'--save {unknown} is not for --engine ray, which writes {", ".join(KINDS)}')
    if args.save and '://' in args.out:
        raise InputError(f'--save with --engine ray needs an --out that is a folder on a disk, not {args.out}')
    if args.boxes not in (None, 'image'):
        raise InputError('--boxes with --engine ray can only be "image"')
