"""The visualizer of the mm libraries for parsings: draws a data sample and hands the picture to the backends."""
from collections.abc import Sequence

import cv2
import numpy as np
from mmengine.visualization import Visualizer

from mmqanet.errors import InputError
from mmqanet.registry import VISUALIZERS
from mmqanet.structures import LabelSet, ParsingDataSample
from mmqanet.utils.files import PathLike
from mmqanet.utils.images import write_picture
from mmqanet.visualization.arrays import annotated, predicted
from mmqanet.visualization.overlay import check_options, draw_panels


@VISUALIZERS.register_module()
class ParsingLocalVisualizer(Visualizer):
    """Draw annotated and predicted people; unlike everything else in mmqanet it takes and gives RGB, as its siblings do.

    Args:
        name (str): of this instance, for ``get_instance``.
        image (np.ndarray, optional): (H, W, 3) uint8 RGB, for the drawing methods of the base class.
        vis_backends (list, optional): where pictures go, e.g. ``[dict(type='TensorboardVisBackend')]``.
        save_dir (str, optional): folder of the backends.
        alpha (float): weight of the part colours, in [0, 1].
        part_labels (bool): write names and qualities beside the parts.
        quality_thr (float): hatch parts of a lower quality, in [0, 1].
        legend (bool): name the classes in a column at the right.

    ``dataset_meta`` (``classes``, ``palette``) has to be set before anything is drawn; the runner's hook does.
    """

    def __init__(self, name: str = 'visualizer', *, image: np.ndarray | None = None,
                 vis_backends: Sequence[dict] | dict | None = None, save_dir: str | None = None, alpha: float = 0.6,
                 part_labels: bool = True, quality_thr: float = 0.0, legend: bool = True) -> None:
        super().__init__(name, image=image, vis_backends=vis_backends, save_dir=save_dir)
        check_options(alpha=alpha, quality_thr=quality_thr)
        self.alpha, self.part_labels, self.quality_thr, self.legend = alpha, part_labels, quality_thr, legend

    def add_datasample(self, name: str, image: np.ndarray, data_sample: ParsingDataSample | None = None,
                       draw_gt: bool = True, draw_pred: bool = True, show: bool = False, wait_time: float = 0,
                       out_file: PathLike | None = None, step: int = 0) -> None:
        """Draw a sample: the annotation next to the prediction, or the one of them that it has.

        The picture goes into the window (``show``), the file (``out_file``), or, with neither, to the backends.

        Args:
            name: of the picture.
            image: (H, W, 3) uint8 RGB.
            data_sample: with ``gt_maps``, ``pred_maps`` or both; ``None`` shows the image alone.
            draw_gt, draw_pred: leave out the one or the other.
            show: open a window, for ``wait_time`` seconds (0: until a key is pressed).
            out_file: a JPEG or PNG file.
            step: of the training, for the backends.
        """
        picture = self.draw(image, data_sample, draw_gt=draw_gt, draw_pred=draw_pred)
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_file is not None:
            write_picture(out_file, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        if not show and out_file is None:
            # Slashes would be folders, which the local backend does not make.
            self.add_image(name.replace('/', '-'), picture, step)

    def draw(self, image: np.ndarray, data_sample: ParsingDataSample | None, *, draw_gt: bool = True,
             draw_pred: bool = True, dataset_meta: dict | None = None) -> np.ndarray:
        """The picture of a sample, (H', W', 3) uint8 RGB.

        Args:
            image, data_sample, draw_gt, draw_pred: as in :meth:`add_datasample`.
            dataset_meta: ``classes`` and ``palette``; those set before by default (of which mmengine keeps none but in
                the main process).

        Raises:
            InputError: no classes are known, or the sample does not fit them or the image.
        """
        meta = dataset_meta or self._dataset_meta
        panels = {}
        if data_sample is not None and draw_gt and 'gt_maps' in data_sample and 'category' in data_sample.gt_maps:
            panels['annotation'] = annotated(data_sample)
        if data_sample is not None and draw_pred and 'pred_maps' in data_sample:
            panels['prediction'] = predicted(data_sample)
        if not panels:
            return image.copy()
        if meta is None:
            raise InputError('dataset_meta of the visualizer is not set: it needs the classes and their palette')
        if len(panels) == 1:
            panels = {'': next(iter(panels.values()))}
        drawn = draw_panels(
            cv2.cvtColor(image, cv2.COLOR_RGB2BGR), panels, label_set=LabelSet.of(meta), alpha=self.alpha,
            legend=self.legend, part_labels=self.part_labels, quality_thr=self.quality_thr)
        return cv2.cvtColor(drawn, cv2.COLOR_BGR2RGB)

