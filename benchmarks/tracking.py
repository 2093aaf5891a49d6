"""How often identities change: toy people who walk past each other, with true masks, so that tracking alone is to blame.

    python benchmarks/tracking.py --videos 10 --frames 60 --people 4
"""
import argparse

import numpy as np
from common import header

from mmqanet.apis.tracking import Tracking
from mmqanet.apis.tracking.tracker import PersonTracker
from mmqanet.functional.association import PartColours, Sighting
from mmqanet.preparation.toy.motion import draw_video
from mmqanet.preparation.toy.parts import NUM_CLASSES
from mmqanet.preparation.toy.scene import ToyScene
from mmqanet.utils.console import say


def main(argv: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--videos', type=int, default=10)
    parser.add_argument('--frames', type=int, default=60, help='of each, at 25 frames a second')
    parser.add_argument('--people', type=int, default=4)
    parser.add_argument('--in-sight', type=float, default=0.35, help='people of whom a smaller share is seen are not found')
    args = parser.parse_args(argv)
    say(header('Changes of identity, toy people with true masks'))
    videos = [list(draw_video(np.random.default_rng([5, number]), frames=args.frames, size=(240, 180), people=args.people))
              for number in range(args.videos)]
    for every in (1, 3):
        for name, rules in (('by place', Tracking(look_thr=1.0)), ('by place and look', Tracking())):
            counts = sum(np.array(follow(video[::every], rules, every / 25, args.in_sight)) for video in videos)
            say('a frame of {}, {}: {} changes in {} sightings, {} tracks of {} people'.format(every, name, *counts))


def follow(video: list[ToyScene], rules: Tracking, step: float, in_sight: float) -> tuple[int, int, int, int]:
    """Changes of identity, sightings, tracks and people of a video."""
    areas = np.stack([np.bincount(scene.human.ravel(), minlength=256) for scene in video])
    usual = np.percentile(areas, 90, axis=0)
    tracker, last, used, changes, sightings = PersonTracker(rules), {}, set(), 0, 0
    for index, scene in enumerate(video):
        ids = [number for number in range(1, 256) if areas[index, number] >= max(in_sight * usual[number], 1)]
        numbers, _ = tracker.update([sighting(scene, number) for number in ids], [], index * step)
        changes += sum(last.get(person, number) != number for person, number in zip(ids, numbers))
        last.update(zip(ids, numbers))
        used.update(numbers)
        sightings += len(ids)
    return changes, sightings, len(used), len(last)


def sighting(scene: ToyScene, number: int) -> Sighting:
    """The visible pixels of a person."""
    mask = scene.human == number
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    window = np.s_[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)
    look = PartColours.of(scene.image[window], scene.category[window] * mask[window], NUM_CLASSES)
    return Sighting(box, mask[window], np.array([rows[0], columns[0]]), look)


if __name__ == '__main__':
    main()
