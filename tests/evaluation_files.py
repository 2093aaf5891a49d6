"""Scenes written to disk as a prepared split and as a submission."""
from pathlib import Path

import numpy as np
from PIL import Image
from scenes import Scene

from mmqanet.evaluation.submission import make_submission, write_submission


def write_truth(folder: Path, scene: Scene) -> None:
    for key, kind in (('category', 'Category_ids'), ('human', 'Human_ids'), ('instance', 'Instance_ids')):
        path = folder / kind / f'{scene.name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        labels = getattr(scene, key)
        Image.fromarray(labels.astype(np.uint8 if labels.max(initial=0) < 256 else np.uint16)).save(path)
    path.with_suffix('.txt').write_text(''.join(f'{part} {label} {human}\n' for part, label, human in scene.gt_parts))


def write_prediction(folder: Path, scene: Scene) -> None:
    if not len(scene.people):
        return
    write_submission(folder, scene.name, make_submission(scene.merged()[0], scene.whole()))
