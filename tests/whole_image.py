"""A parser of another kind than the top-down one: it reads whole images and finds the people itself."""
import torch
from mmengine.structures import InstanceData

from mmqanet.models import BaseParser, BoxUse
from mmqanet.registry import MODELS


@MODELS.register_module()
class HalvesParser(BaseParser):
    """Takes the left and the right half of an image for people, whose upper half is class 1 and whose lower half class 2.

    Given boxes it parses those. Everything about it differs from the top-down parser: the names of its options, what it
    reads, what it has for a network.
    """

    box_use = BoxUse.OPTIONAL
    speed_options = ('images_at_once',)

    def __init__(self, *, labels: int, mirror: bool = False, images_at_once: int = 2, postprocessor: dict | None = None):
        super().__init__(data_preprocessor=dict(type='mmengine.BaseDataPreprocessor'), postprocessor=postprocessor)
        self.labels, self.mirror, self.images_at_once = labels, mirror, images_at_once
        self.sureness = torch.nn.Parameter(torch.tensor(6.0))

    @property
    def num_classes(self):
        return self.labels

    @classmethod
    def classes_in(cls, model):
        return model['labels']

    @classmethod
    def set_test_options(cls, model, *, flip=None, max_batch=None, precision=None):
        model.update({} if flip is None else dict(mirror=flip))
        model.update({} if max_batch is None else dict(images_at_once=max_batch))

    def _forward(self, inputs):
        logits = torch.zeros(self.labels, 16, 8)
        logits[1, :8] = logits[2, 8:] = self.sureness
        return logits.softmax(0)

    def loss(self, inputs, data_samples):
        assert all(len(sample.gt_instances.bboxes) for sample in data_samples)
        assert [image.shape[1:] for image in inputs] == [sample.gt_maps.human.shape[1:] for sample in data_samples]
        return dict(loss_sureness=(self.sureness - 5) ** 2)

    @torch.no_grad()
    def predict(self, inputs, data_samples):
        for image, sample in zip(inputs, data_samples):
            people = sample.gt_instances if 'gt_instances' in sample else self._find(*image.shape[1:])
            pasted = [self.postprocessor.paste([self._forward(image)], [box.tolist()], image_shape=sample.ori_shape)
                      for box in people.bboxes]
            self.postprocessor.pack(sample, pasted, bboxes=people.bboxes, bbox_scores=people.bbox_scores,
                                    iou_scores=[1.0] * len(pasted), num_classes=self.num_classes)
        return data_samples

    @staticmethod
    def _find(height: int, width: int) -> InstanceData:
        boxes = torch.tensor([[0, 0, width / 2, height], [width / 2, 0, width, height]])
        return InstanceData(bboxes=boxes, bbox_scores=torch.tensor([0.9, 0.6]))


@MODELS.register_module()
class StubbornHalvesParser(HalvesParser):
    """Takes no boxes."""

    box_use = BoxUse.REFUSED
