"""A small prepared test set on disk, with predictions near its annotation and scores that know a little about them."""
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from evaluation_files import write_truth
from mmengine.structures import InstanceData, PixelData
from scenes import cut, random_scene

from mmqanet.analysis.ablation import PooledScores
from mmqanet.analysis.predictions import PredictionCache
from mmqanet.structures import ParsingDataSample

THRESHOLDS = (0.2, 0.6)
CLASSES = ('background', 'hat', 'coat', 'skirt', 'shoes')


@dataclass(frozen=True)
class PredictedSet:
    """``samples`` as the post-processor leaves them, the ``cache`` of them, and ``infos`` of the annotation files."""

    samples: list[ParsingDataSample]
    cache: PredictionCache
    infos: list[dict]

    def scores(self) -> PooledScores:
        return PooledScores([self.cache.scores(info['name']) for info in self.infos], THRESHOLDS)


def predicted_sample(seed: int, *, ties: bool) -> ParsingDataSample:
    """Overlapping people with random scores; the boxes of even images are annotated ones, by parsing id, every third image
    has a backdrop."""
    scene = random_scene(seed, max_people=4)
    rng = np.random.default_rng(1000 + seed)
    number, num_classes = len(scene.people), scene.num_classes
    scores = [rng.random(shape).astype(np.float32) for shape in (
        number, number, (number, len(THRESHOLDS)), (number, len(THRESHOLDS), num_classes - 1))]
    box, iou, pixel, part_pixel = (score.round(1) if ties else score for score in scores)
    label_maps, offsets = cut(scene.people)
    ids = rng.integers(1, 4, number) if seed % 2 == 0 else np.zeros(number, dtype=np.int64)
    sample = ParsingDataSample(metainfo=dict(name=scene.name, ori_shape=scene.category.shape))
    sample.gt_instances = InstanceData(parsing_ids=torch.from_numpy(ids))
    sample.gt_maps = PixelData(**{key: torch.tensor(values)[None] for key, values in dict(
        category=scene.category, human=scene.human, part=scene.instance).items()})
    sample.gt_parts = torch.tensor(scene.gt_parts)
    sample.pred_instances = InstanceData(
        bbox_scores=torch.from_numpy(box), iou_scores=torch.from_numpy(iou),
        pixel_scores=torch.from_numpy(pixel[:, 0]), part_pixel_scores=torch.from_numpy(part_pixel[:, 0]),
        sweep_pixel_scores=torch.from_numpy(pixel), sweep_part_pixel_scores=torch.from_numpy(part_pixel),
        label_maps=[torch.from_numpy(label_map) for label_map in label_maps], offsets=torch.from_numpy(offsets))
    if seed % 3 == 0:
        backdrop = rng.integers(0, num_classes, (1, *scene.category.shape), dtype=np.uint8)
        sample.pred_sem_seg = PixelData(data=torch.from_numpy(backdrop))
    return sample


def predicted_set(folder: Path, *, ties: bool = False, number: int = 25) -> PredictedSet:
    cache = PredictionCache(folder / 'cache', {'checkpoint': 'a'})
    samples, infos = [], []
    for seed in range(number):
        sample = predicted_sample(seed, ties=ties)
        write_truth(folder / 'truth', random_scene(seed, max_people=4))
        cache.write(sample.name, sample)
        samples.append(sample)
        infos.append(dict(name=sample.name, **{
            f'{kind}_path': str(folder / f'truth/{kind.title()}_ids/{sample.name}.png')
            for kind in ('category', 'human', 'instance')}))
    return PredictedSet(samples, cache, infos)
