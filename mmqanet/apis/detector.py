"""From Python: a person detector, mmdet's or the light one, built once; it says where the people of an image are."""
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.transforms import LoadAnnotations, LoadImageFromFile, Resize
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import DefaultScope

from mmqanet.apis.sources import ModelSource
from mmqanet.apis.tiled_detection import check_tiles, detect_in_tiles
from mmqanet.datasets.transforms.loading import LoadImage
from mmqanet.engine.config import require_mmdet, scope_of
from mmqanet.errors import InputError
from mmqanet.evaluation import person_label
from mmqanet.models.detectors.light_fcos import LightFCOS, is_light_fcos
from mmqanet.registry import TRANSFORMS

SCORE_THR = 0.3  # from which score on a detector's people count, as in CIHP's category maps (docs/metrics.md)
READERS = (LoadImage, LoadImageFromFile, LoadAnnotations)  # steps that read files; mmdet's and mmseg's derive from these
warnings.filterwarnings('ignore', 'torch.meshgrid', UserWarning)  # a remark on mmdet's code, of no use to those who run it
PER_PIXEL = 4  # places of a box's side: finer ones are an engine's last digits, which would move the pixels of a crop
SLIMMEST = 40  # an image whose sides differ by more shows nobody, and a pipeline may shrink it to nothing


class PersonDetector:
    """Finds people with the light FCOS or any detector of mmdet; keeps nothing between calls, so threads may share one.

    Args:
        model (nn.Module): a detector of mmdet, or a :class:`LightFCOS`, in evaluation mode, with a ``dataset_meta`` that
            names its ``classes``.
        pipeline: from an ``img`` to packed inputs.
        score_thr: least score of a person, in [0, 1].
        max_people: at most so many of an image, the best first.
        batch_size: images through the network at once.
        tiles: side in pixels of overlapping tiles in which people of larger images are looked for as well, so that small
            ones are found; ``None`` looks at whole images only. A tile may have ``max_people`` of its own.

    Raises:
        InputError: an argument is out of range, or no class of the detector is called person.
    """

    def __init__(self, model: Any, pipeline: Callable[[dict], dict], *, score_thr: float = SCORE_THR, max_people: int = 100,
                 batch_size: int = 8, tiles: int | None = None) -> None:
        if not 0 <= score_thr <= 1 or max_people < 1 or batch_size < 1:
            raise InputError(f'score_thr must lie in [0, 1], max_people and batch_size must be at least 1, '
                             f'not {score_thr}, {max_people}, {batch_size}')
        self.model = model
        self.pipeline = pipeline
        self.score_thr = score_thr
        self.max_people = max_people
        self.batch_size = batch_size
        self.tiles = None if tiles is None else check_tiles(tiles)
        self.label = person_label(model.dataset_meta['classes'])

    def __call__(self, images: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        """The same as :meth:`detect`."""
        return self.detect(images)

    def detect(self, images: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Find the people of images, also in tiles where the detector has such.

        Images of one size go through the network together and never share a padded batch with others: what is found in an
        image does not depend on its neighbours.

        Args:
            images: (H, W, 3) uint8 BGR each.

        Returns:
            list: for each image ``boxes`` (N, 4) float32, xyxy in quarters of a pixel, within the image and with an area,
            and ``scores`` (N,) float32 in [0, 1], descending.

        Raises:
            InputError: an image is of another shape or type; names its index.
        """
        found = self._detect_whole(images)
        if self.tiles is None:
            return found
        return [detect_in_tiles(self._detect_whole, image, whole, side=self.tiles, batch_size=self.batch_size)
                for image, whole in zip(images, found)]

    def _detect_whole(self, images: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        """The people of images as they are."""
        found = [(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))] * len(images)
        groups = defaultdict(list)
        for index, image in enumerate(images):
            _check_image(image, index)
            if max(image.shape[:2]) <= SLIMMEST * min(image.shape[:2]):
                packed = self.pipeline(dict(
                    img=image, img_id=index, img_path='', ori_shape=image.shape[:2], img_shape=image.shape[:2],
                    height=image.shape[0], width=image.shape[1]))
                groups[packed['inputs'].shape].append((index, packed))
        for group in groups.values():
            for start in range(0, len(group), self.batch_size):
                indices, batch = zip(*group[start:start + self.batch_size])
                with torch.no_grad():
                    samples = self.model.test_step(pseudo_collate(batch))
                for index, sample in zip(indices, samples):
                    found[index] = self._people(sample.pred_instances, images[index].shape)
        return found

    def _people(self, instances: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Boxes and scores of the people among what a detector found in an image of ``shape`` (H, W, ...)."""
        height, width = shape[:2]
        boxes = np.asarray(instances.bboxes.detach().float().cpu()).clip(0, [width, height, width, height])
        boxes = np.rint(boxes * PER_PIXEL) / PER_PIXEL
        scores = np.asarray(instances.scores.detach().float().cpu()).clip(0, 1)
        good = (np.asarray(instances.labels.cpu()) == self.label) & (scores >= self.score_thr)
        good &= (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        boxes, scores = boxes[good].astype(np.float32), scores[good].astype(np.float32)
        best = np.argsort(-scores, kind='stable')[:self.max_people]
        return boxes[best], scores[best]


def with_score_thr(detector: Any, score_thr: float) -> Any:
    """The same detector with a lower score threshold; one of another class, or with a lower one already, as it is."""
    if not isinstance(detector, PersonDetector) or detector.score_thr <= score_thr:
        return detector
    lowered = copy(detector)
    lowered.score_thr = score_thr
    return lowered


def above(found: tuple[Any, Any], detector: Any) -> tuple[Any, Any]:
    """Of boxes (N, 4) and scores (N,) those that reach the threshold of a detector."""
    if not isinstance(detector, PersonDetector):
        return found
    boxes, scores = found
    return boxes[scores >= detector.score_thr], scores[scores >= detector.score_thr]


def init_detector(
    config: str | Path | Config | None,
    checkpoint: str | Path | None = None,
    *,
    device: str = 'cpu',
    score_thr: float = SCORE_THR,
    max_people: int = 100,
    batch_size: int = 8,
    tiles: int | None = None,
) -> PersonDetector:
    """Build a person detector from any config of mmdet that has a test set.

    A light FCOS, as ``fcos_efficientnet-lite0_person_*`` and the shipped one are, runs as :class:`LightFCOS` on plain torch,
    whose ``test_step`` knows no data samples; all others need mmdet and mmcv's compiled operators.

    Args:
        config: a config file, a ``Config``, or ``None`` for the config that ``checkpoint`` carries.
        checkpoint: its weights, as ``tools/train.py`` or mmdet write them; ``None`` leaves the network untrained.
        device: e.g. ``'cpu'`` or ``'cuda:0'``.
        score_thr, max_people, batch_size, tiles: of :class:`PersonDetector`.

    Raises:
        DataError: the checkpoint is missing, broken or would execute code.
        InputError: mmdet or mmcv's compiled operators are missing; the checkpoint belongs to another config; no class of the
            detector is called person; there is no such config or device.
    """
    source = ModelSource.find(config, checkpoint, purpose='detection')
    source.cfg.setdefault('default_scope', 'mmdet')
    with source.building():
        model, pipeline = _build(source)
    classes = (source.meta.get('dataset_meta') or {}).get('classes') or source.meta.get('CLASSES')
    model.dataset_meta.update(dict(classes=classes) if classes else {})
    model = source.load(model, device)
    return PersonDetector(model, pipeline, score_thr=score_thr, max_people=max_people, batch_size=batch_size,
                          tiles=tiles)


def _build(source: ModelSource) -> tuple[Any, Callable[[dict], dict]]:
    """The untrained network of a config, and its pipeline from an ``img`` on."""
    cfg = source.cfg
    dataset = cfg.test_dataloader.dataset
    steps = [dict(step) for step in dataset.get('pipeline', ()) if not _reads(step['type'])]
    classes = (dataset.get('metainfo') or {}).get('classes')
    if classes and _is_plain(steps) and is_light_fcos(cfg.model):
        model: Any = LightFCOS(cfg.model)
        model.cfg = cfg
        model.dataset_meta = dict(classes=classes)
        return model, Compose([Resize(scale=tuple(steps[0]['scale']), keep_ratio=True), _pack])
    require_mmdet()
    model = source.build()
    with DefaultScope.overwrite_default_scope(scope_of(cfg)):
        model.dataset_meta = dict(classes=_classes(dataset))
        built = [MMENGINE_TRANSFORMS.build(step) for step in steps]
        return model, Compose([step for step in built if not isinstance(step, READERS)])


def _reads(name: str) -> bool:
    """Whether a step is a reader of mmqanet's or mmcv's; mmdet is not asked, as the light detector runs without it."""
    plain = name.split('.')[-1]
    return issubclass(TRANSFORMS.module_dict.get(plain) or MMENGINE_TRANSFORMS.module_dict.get(plain) or object, READERS)


def _is_plain(steps: Sequence[dict]) -> bool:
    """Whether a test pipeline resizes, keeping proportions, and does nothing else."""
    if [step['type'] for step in steps] != ['Resize', 'PackDetInputs']:
        return False
    options = {key: value for key, value in steps[0].items() if key not in ('type', 'scale')}
    return options == dict(keep_ratio=True) and isinstance(steps[0].get('scale'), tuple | list)


def _pack(results: dict) -> dict:
    """What :meth:`LightFCOS.test_step` reads of an image."""
    image = np.ascontiguousarray(results['img'].transpose(2, 0, 1))
    # An array, since collating takes tuples apart.
    return dict(inputs=torch.from_numpy(image), scale_factor=np.asarray(results['scale_factor']))


def _classes(dataset: dict) -> Sequence[str]:
    """The classes of a data set by its config, in whose scope this is called; its files are not read."""
    if 'classes' in (dataset.get('metainfo') or {}):
        return dataset['metainfo']['classes']
    if 'dataset' in dataset:
        return _classes(dataset['dataset'])
    with MMENGINE_DATASETS.switch_scope_and_registry(None) as registry:
        return getattr(registry.get(dataset['type']), 'METAINFO', {}).get('classes', ())


def _check_image(image: Any, index: int) -> None:
    if not (isinstance(image, np.ndarray) and image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8
            and image.size):
        what = f'{image.shape} {image.dtype}' if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f'image {index} must be (H, W, 3) uint8, not {what}')
