"""Looking at a data set: one picture a sample, the whole image and what the training transforms make of it."""
from typing import Any

import numpy as np

from mmqanet.analysis.browsed_images import whole_images
from mmqanet.datasets import HumanParsingDataset, SeededIndex
from mmqanet.datasets.transforms import BoxesToCrops
from mmqanet.errors import DataError, InputError
from mmqanet.functional.geometry import PersonCrop
from mmqanet.registry import DATASETS
from mmqanet.structures import ParsingDataSample
from mmqanet.visualization.samples import CropSample, draw_sample
from mmqanet.visualization.surface_points import PlacedPoints


class Browser:
    """Draws the samples of a data set as its config describes it.

    Args:
        cfg: of a :class:`HumanParsingDataset`. Its boxes that cannot be cropped are left out and counted, as with
            ``on_invalid='skip'``; what the pipeline finds broken is an error whatever the config says.

    Raises:
        InputError: another type of data set.
        DataError: its JSON is missing or broken.
    """

    def __init__(self, cfg: dict[str, Any]) -> None:
        kind = DATASETS.get(cfg['type'])
        if not (isinstance(kind, type) and issubclass(kind, HumanParsingDataset)):
            raise InputError(f'data set {cfg["type"]}: only HumanParsingDataset and those built on it can be browsed')
        self.dataset = DATASETS.build(dict(cfg, on_invalid='skip'))
        self.dataset.on_invalid = 'error'
        self._images = whole_images(cfg, kind)

    def draw(self, draw: SeededIndex) -> tuple[str, np.ndarray]:
        """Draw the sample of an index on the random stream that comes with it.

        Returns:
            A name for its file, without suffix, and the picture (H, W, 3) uint8 BGR.

        Raises:
            DataError: the sample is broken; names the file and the annotation.
        """
        crop = None
        info = self.dataset.get_data_info(draw)
        name, title = info['name'], info['img_path']
        if self.dataset.per_person:
            packed = self.dataset.prepare_data(draw)
            crop = self._crop_of(packed['inputs'], packed['data_samples'])
            name, title = f'{name}_{info["ann_ids"][0]}', f'{title}, annotation {info["ann_ids"][0]}'
        whole = self._images.read(info['img_id'])
        picture = draw_sample(whole.image, whole.category, whole.human, whole.boxes, label_set=self._images.label_set,
                              title=title, crop=crop, points=whole.points)
        return name.replace('/', '_'), picture

    def _crop_of(self, inputs: Any, sample: ParsingDataSample) -> CropSample:
        crop: PersonCrop = sample.crops[0]
        cropping = next((step for step in self.dataset.pipeline.transforms if isinstance(step, BoxesToCrops)), None)
        if cropping is None or 'gt_sem_seg' not in sample:
            raise DataError('the pipeline makes no crop with labels: BoxesToCrops and PackParsingInputs are needed')
        plain = PersonCrop.from_box(sample.gt_instances.bboxes[0], output_size=crop.output_size, padding=cropping.padding)
        points = PlacedPoints()
        if 'gt_points' in sample:
            points = self._images.place(sample.gt_points.xy.numpy(), sample.gt_points.charts.numpy())
        return CropSample(image=np.ascontiguousarray(inputs[0].numpy().transpose(1, 2, 0)),
                          labels=sample.gt_sem_seg.data[0].numpy(), person=max(int(sample.gt_instances.parsing_ids[0]), 1),
                          crop=crop, plain=plain, points=points)
