"""Small random scenes: annotated people, and predictions that are near them, duplicated, invented or missing."""
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.structures import InstanceData, PixelData

from mmqanet.evaluation.records import People
from mmqanet.functional.image_parsing import ImageParsing
from mmqanet.functional.merging import merge_people
from mmqanet.functional.people import CroppedPeople
from mmqanet.structures import ParsingDataSample
from mmqanet.structures.image_truth import ImageTruth

IGNORE = 255


@dataclass(frozen=True)
class Scene:
    """One image: ground truth, and N predicted people as whole-image maps with their scores."""

    name: str
    num_classes: int
    category: np.ndarray
    human: np.ndarray
    instance: np.ndarray
    gt_parts: np.ndarray
    people: np.ndarray
    bbox_scores: np.ndarray
    qualities: np.ndarray
    part_qualities: np.ndarray

    def whole(self) -> CroppedPeople:
        return CroppedPeople.whole(self.people, self.category.shape)

    def merged(self) -> tuple[ImageParsing, np.ndarray]:
        """The image, and the people that the parsing NMS leaves."""
        return merge_people(self.whole(), bbox_scores=self.bbox_scores, qualities=self.qualities,
                            part_qualities=self.part_qualities)

    def truth(self) -> ImageTruth:
        return ImageTruth(category=self.category, human=self.human, part=self.instance, parts=self.gt_parts)

    def prediction(self) -> dict[str, ImageParsing | People | None]:
        """What ``record_image`` compares with the truth."""
        if not len(self.people):
            return dict(parsing=None, people=None)
        parsing, kept = self.merged()
        kept = np.sort(kept)
        return dict(parsing=parsing, people=People(self.whole().take(kept), self.qualities[kept]))

    def sample(self) -> ParsingDataSample:
        """As the model hands it over, people cut to crops."""
        parsing, kept = self.merged()
        label_maps, offsets = cut(self.people)
        sample = ParsingDataSample(metainfo=dict(name=self.name, ori_shape=self.category.shape))
        sample.gt_maps = PixelData(**{key: torch.tensor(values)[None] for key, values in dict(
            category=self.category, human=self.human, part=self.instance).items()})
        sample.gt_parts = torch.tensor(self.gt_parts)
        sample.pred_instances = InstanceData(
            label_maps=[torch.tensor(label_map) for label_map in label_maps], offsets=torch.tensor(offsets),
            bbox_scores=torch.tensor(self.bbox_scores), qualities=torch.tensor(self.qualities),
            part_qualities=torch.tensor(self.part_qualities),
            kept=torch.tensor(np.isin(np.arange(len(self.people)), kept)))
        sample.pred_maps = PixelData(
            category=torch.tensor(parsing.category)[None], human=torch.tensor(parsing.human)[None],
            part=torch.tensor(parsing.part)[None])
        sample.pred_parts = InstanceData(
            labels=torch.tensor(parsing.part_labels), scores=torch.tensor(parsing.part_scores),
            people=torch.tensor(parsing.part_people))
        return sample


def cut(people: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Each whole-image map as a crop around its labelled pixels (one pixel where there is none), with offsets."""
    label_maps, offsets = [], []
    for labels in people:
        ys, xs = np.nonzero(labels)
        y1, y2, x1, x2 = (ys.min(), ys.max() + 1, xs.min(), xs.max() + 1) if len(ys) else (0, 1, 0, 1)
        label_maps.append(np.ascontiguousarray(labels[y1:y2, x1:x2]))
        offsets.append((y1, x1))
    return label_maps, np.array(offsets, dtype=np.int64).reshape(-1, 2)


def random_scene(seed: int, *, num_classes: int = 5, size: tuple[int, int] = (14, 18), max_people: int = 3,
                 ties: bool = False) -> Scene:
    """A scene with up to ``max_people`` annotated people; ``ties`` rounds scores so that some are equal."""
    rng = np.random.default_rng(seed)
    category, human = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
    figures = [_figure(rng, size, num_classes) for _ in range(rng.integers(0, max_people + 1))]
    for index, figure in enumerate(figures, 1):
        category[figure > 0], human[figure > 0] = figure[figure > 0], index
    instance = num_classes * (human.astype(np.int32) - 1) + category
    instance[human == 0] = 0
    if rng.random() < 0.3:  # ignored pixels lie over people and background alike
        y, x = rng.integers(0, size[0] - 3), rng.integers(0, size[1] - 3)
        category[y:y + 3, x:x + 3], instance[y:y + 3, x:x + 3] = IGNORE, 0
    parts = [(i, category[instance == i][0], human[instance == i][0]) for i in np.unique(instance) if i]

    people = [_jitter(rng, figure, num_classes) for figure in figures for _ in range(rng.choice([0, 1, 1, 2]))]
    people += [_figure(rng, size, num_classes) for _ in range(rng.choice([0, 0, 1]))]
    people += [np.zeros(size, dtype=np.uint8) for _ in range(rng.choice([0, 0, 0, 1]))]
    order = rng.permutation(len(people))
    number = len(people)
    bbox_scores, qualities = rng.random(number), rng.random(number) ** 2
    qualities[rng.random(number) < 0.1] *= 0.01
    part_qualities = rng.random((number, num_classes - 1))
    if ties:
        qualities, part_qualities = qualities.round(1), part_qualities.round(1)
    return Scene(
        name=f'video{seed % 3}/{seed:06d}', num_classes=num_classes, category=category, human=human,
        instance=instance.astype(np.int32), gt_parts=np.array(parts, dtype=np.int32).reshape(-1, 3),
        people=np.array([people[i] for i in order], dtype=np.uint8).reshape(-1, *size), bbox_scores=bbox_scores,
        qualities=qualities, part_qualities=part_qualities)


def random_scenes(count: int, *, first_seed: int = 0, ties: bool = False) -> list[Scene]:
    return [random_scene(first_seed + index, ties=ties) for index in range(count)]


def perfect_scene(seed: int) -> Scene:
    """A scene whose prediction is its annotation: people as annotated, scores of 1."""
    scene = random_scene(seed)
    while not (scene.human.any() and (scene.category != IGNORE).all()):
        seed += 1000
        scene = random_scene(seed)
    ids = [i for i in np.unique(scene.human) if i]
    people = np.array([scene.category * (scene.human == i) for i in ids])
    return Scene(**{**vars(scene), 'people': people, 'bbox_scores': np.ones(len(ids)), 'qualities': np.ones(len(ids)),
                    'part_qualities': np.ones((len(ids), scene.num_classes - 1))})


def _figure(rng: np.random.Generator, size: tuple[int, int], num_classes: int) -> np.ndarray:
    """A standing rectangle of horizontal bands, each of a random class (0 makes a gap)."""
    figure = np.zeros(size, dtype=np.uint8)
    height, width = rng.integers(5, size[0]), rng.integers(3, size[1] // 2)
    y, x = rng.integers(0, size[0] - height + 1), rng.integers(0, size[1] - width + 1)
    bands = rng.integers(0, num_classes, 4)
    figure[y:y + height, x:x + width] = bands[np.arange(height) * 4 // height][:, None]
    return figure


def _jitter(rng: np.random.Generator, figure: np.ndarray, num_classes: int) -> np.ndarray:
    """The figure shifted by up to two pixels, with a few wrong ones."""
    moved = np.roll(figure, rng.integers(-2, 3, 2) * (rng.random() < 0.4), axis=(0, 1))
    wrong = rng.random(figure.shape) < rng.choice([0, 0, 0.02, 0.3])
    return np.where(wrong, rng.integers(0, num_classes, figure.shape), moved).astype(np.uint8)
