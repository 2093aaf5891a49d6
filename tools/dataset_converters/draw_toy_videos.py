"""Draw videos of toy people who walk past each other, with labels in the layout of VIP's archive (docs/data/vip.md).

    python tools/dataset_converters/draw_toy_videos.py toy_videos --videos 4 --frames 75 --people 4

writes ``toy_videos/videosN.mp4`` and, of every 25th frame, image and labels to ``toy_videos/VIP_Fine``. Ids of people are
the same in all frames of a video, unlike VIP's. The same arguments give the same labels.
"""
import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmqanet.apis.video_writing import VideoWriter
from mmqanet.errors import InputError
from mmqanet.preparation.converters.command import exit_status
from mmqanet.preparation.toy.motion import draw_video
from mmqanet.preparation.toy.scene import parse_size
from mmqanet.preparation.toy.vip_layout import frame_name, write_frame, write_lists
from mmqanet.utils.console import say


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, metavar='ROOT', help='folder to write')
    parser.add_argument('--videos', type=int, default=4, help='how many; the last quarter, at least one, is for validation')
    parser.add_argument('--frames', type=int, default=75, help='frames of each video')
    parser.add_argument('--every', type=int, default=25, help='label every Nth frame')
    parser.add_argument('--people', type=int, default=3, help='people in each video')
    parser.add_argument('--fps', type=float, default=25.0, help='frames a second')
    parser.add_argument('--size', default='480x360', metavar='WxH', help='size in pixels')
    parser.add_argument('--seed', type=int, default=0, help='another seed gives other videos')
    args = parser.parse_args(argv)

    def run() -> int:
        for path in draw(args):
            say(str(path))
        return 0

    return exit_status(run)


def draw(args: argparse.Namespace) -> Iterator[Path]:
    """Write the videos and the labelled frames; yields each video's path when it is whole."""
    for name in ('videos', 'every'):
        if getattr(args, name) < 1:
            raise InputError(f'--{name} must be at least 1')
    labelled: dict[str, list[str]] = dict(train=[], val=[])
    num_val = max(args.videos // 4, 1)
    for number in range(1, args.videos + 1):
        video = f'videos{number}'
        frames = labelled['train' if number <= args.videos - num_val else 'val']
        args.root.mkdir(parents=True, exist_ok=True)
        writer = VideoWriter(args.root / f'{video}.mp4', fps=args.fps)
        scenes = draw_video(np.random.default_rng([args.seed, number]), frames=args.frames, size=parse_size(args.size),
                            people=args.people, fps=args.fps)
        for index, scene in enumerate(scenes):
            writer.add(scene.image)
            if index % args.every == 0:
                frames.append(frame_name(video, index))
                write_frame(args.root / 'VIP_Fine', frames[-1], scene)
        writer.close()
        yield writer.path
    write_lists(args.root / 'VIP_Fine', labelled)


if __name__ == '__main__':
    sys.exit(main())
