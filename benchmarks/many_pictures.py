"""Pictures a second of ``mmqanet parse`` and of its workers on Ray, and the bytes that they write.

    OMP_NUM_THREADS=1 python benchmarks/many_pictures.py [--pictures 24] [--people 2] [--workers 1 2] [--rounds 2]

All parse the same pictures with the shipped models, turn about, and each is a command of its own that is timed from start to
end by the clock on the wall. The start is timed by as many pictures as there are workers; pictures a second are those of
the rest of the time. The fastest round counts. ``parse`` writes JSON alone, the workers their tables. Bytes a picture are
told of the tables and of every kind of file. On a busy machine only processor times and bytes are of use: the load of the
machine is printed. ``--rounds 0`` leaves the commands out that are timed by the clock on the wall.
"""
import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from common import REPO, header
from parsing import make_picture

KINDS = ('overlay', 'palette', 'submission', 'people', 'parts')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--pictures', type=int, default=24, metavar='N')
    parser.add_argument('--people', type=int, default=2, metavar='N', help='in each')
    parser.add_argument('--workers', type=int, nargs='+', default=[1, 2], metavar='N')
    parser.add_argument('--rounds', type=int, default=2, metavar='N')
    args = parser.parse_args()
    print(header('many pictures'))
    engines = {'parse': (1, ['--save'])}
    for count in args.workers:
        engines[f'ray, {count} workers'] = count, ['--engine', 'ray', '--ray-workers', str(count)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        draw_pictures(folder / 'all', args.pictures, args.people)
        for count in {count for count, _ in engines.values()}:
            draw_pictures(folder / f'first{count}', count, args.people)
        rates: dict[str, list[tuple[float, float, float]]] = {name: [] for name in engines}
        for turn in range(args.rounds):
            for name, (count, options) in engines.items():
                start, _ = run(folder / f'first{count}', folder / f'{turn}{name}first', options)
                whole, processor = run(folder / 'all', folder / f'{turn}{name}', options)
                rates[name].append(((args.pictures - count) / (whole - start), start, processor / args.pictures))
                print(f'{name:16} {rates[name][-1][0]:5.2f} pictures/s, start {start:.1f} s, load {os.getloadavg()[0]:.1f}',
                      flush=True)
        for name, found in rates.items() if args.rounds else ():
            rate, start, processor = max(found)
            print(f'best of {name:16} {rate:5.2f} pictures/s, start {start:.1f} s'
                  + (f', {processor:.2f} s of processor time a picture, start included' if name == 'parse' else ''))
        seconds, memory = time_worker(folder / 'all', folder / 'alone')
        print(f'a worker: {seconds / args.pictures:.2f} s of processor time a picture, at most {memory / 1e9:.2f} GB')
        print(f'tables: {size(folder / "alone") / args.pictures:,.0f} bytes a picture')
        run(folder / 'all', folder / 'files', ['--save', *KINDS])
        for kind, files in kinds_of(folder / 'files').items():
            print(f'{kind}: {sum(path.stat().st_size for path in files) / args.pictures:,.0f} bytes a picture')


def draw_pictures(folder: Path, number: int, people: int) -> None:
    """Write as many pictures, with the people at other places in each."""
    folder.mkdir()
    image, _ = make_picture(people)
    for index in range(number):
        cv2.imwrite(str(folder / f'{index:04}.jpg'), np.roll(image, (7 * index, 53 * index), axis=(0, 1)))


def run(pictures: Path, out: Path, options: list[str]) -> tuple[float, float]:
    """Seconds of a command: by the clock, and of the processor (without what its workers use)."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, '-m', 'mmqanet', 'parse', str(pictures), '--device', 'cpu', '--out', str(out), *options],
                   check=True, stdout=subprocess.DEVNULL, cwd=REPO, env=dict(os.environ, PYTHONPATH=str(REPO)))
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def time_worker(pictures: Path, out: Path) -> tuple[float, int]:
    """Processor seconds of a worker in this process after its start, and the most bytes of memory that the process had."""
    from mmqanet.apis.batch.parsing import ParseIntoTables
    from mmqanet.apis.batch.store import RunFolder
    from mmqanet.utils.picture_sources import list_sources, read_source

    rows = [row for address in list_sources([str(pictures)]) for row in read_source(address)]
    batch = {key: [getattr(row, key) for row in rows] for key in ('picture', 'content', 'error')}
    RunFolder(str(out)).start({})
    worker = ParseIntoTables(str(out), dict(device='cpu'), {}, 4)
    worker.parse.rows({key: values[:1] for key, values in batch.items()})
    start = time.process_time()
    worker(batch)
    return time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob('*') if path.is_file())


def kinds_of(folder: Path) -> dict[str, list[Path]]:
    """The files of each kind."""
    patterns = dict(json='*.json', overlay='*_overlay.jpg', palette='*.png', submission='submission/**/*.*',
                    people='people/*/*.png', parts='parts/*/*.png')
    return {kind: list(folder.glob(pattern)) for kind, pattern in patterns.items()}


if __name__ == '__main__':
    main()
