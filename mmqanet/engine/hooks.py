"""Hooks of the runner: pictures of predictions, and random numbers that a resumed run repeats."""
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from numpy.random import SeedSequence
from torch.utils.data import DataLoader

from mmqanet.errors import InputError
from mmqanet.registry import HOOKS
from mmqanet.structures import ParsingDataSample
from mmqanet.utils.files import check_overwrites
from mmqanet.utils.images import read_image, write_picture
from mmqanet.visualization import ParsingLocalVisualizer


@HOOKS.register_module()
class ParsingVisualizationHook(Hook):
    """Draw every n-th image of validation and test, the annotation next to the prediction.

    Pictures go to the backends of the runner's visualizer (files of the work folder, TensorBoard, ...); at test with an
    ``out_dir`` they become ``OUT_DIR/NAME.jpg`` instead. Where data sets are joined, their numbers open the names. How
    pictures look is up to the visualizer of the config.

    Args:
        out_dir (str, optional): folder for the pictures of a test; sub-folders of the data set are kept.
        interval (int): draw image 0, n, 2 n, ... of those that a process sees.
        draw_gt (bool): draw the annotation as well, where there is one.
        draw (bool): ``False`` turns the hook off.
    """

    def __init__(self, *, out_dir: str | None = None, interval: int = 1, draw_gt: bool = True, draw: bool = True) -> None:
        if interval < 1:
            raise InputError(f'interval must be 1 or more, not {interval}')
        self.out_dir = None if out_dir is None else Path(out_dir)
        self.interval, self.draw_gt, self.draw = interval, draw_gt, draw

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: dict, outputs: list) -> None:
        """Hand the images that are due to the backends of the visualizer."""
        if is_main_process():  # the backends of the others take nothing
            for sample in self._due(runner.val_dataloader, batch_idx, outputs):
                self._to_backends(runner, runner.val_dataloader, f'val-{sample.name}', sample)

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict, outputs: list) -> None:
        """Write the images that are due into the folder."""
        for sample in self._due(runner.test_dataloader, batch_idx, outputs):
            if self.out_dir is not None:
                picture = self._picture(runner, runner.test_dataloader, sample)
                path = self.out_dir / f'{_unique_name(runner.test_dataloader.dataset, sample)}.jpg'
                check_overwrites(path, [sample.img_path])
                write_picture(path, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            elif is_main_process():
                self._to_backends(runner, runner.test_dataloader, f'test-{sample.name}', sample)

    def _due(self, loader: DataLoader, batch_idx: int, outputs: list) -> list[ParsingDataSample]:
        """The samples of a batch that are to be drawn."""
        first = batch_idx * (loader.batch_size or 1)  # None: a batch sampler decides
        return [sample for index, sample in enumerate(outputs, first) if self.draw and index % self.interval == 0]

    def _to_backends(self, runner: Runner, loader: DataLoader, name: str, sample: ParsingDataSample) -> None:
        # Slashes would be folders, which the local backend does not make.
        runner.visualizer.add_image(name.replace('/', '-'), self._picture(runner, loader, sample), runner.iter)

    @cached_property
    def _own_visualizer(self) -> ParsingLocalVisualizer:
        """For configs that name another one."""
        return ParsingLocalVisualizer()

    def _picture(self, runner: Runner, loader: DataLoader, sample: ParsingDataSample) -> np.ndarray:
        is_ours = isinstance(runner.visualizer, ParsingLocalVisualizer)
        visualizer = runner.visualizer if is_ours else self._own_visualizer
        image = cv2.cvtColor(read_image(sample.img_path), cv2.COLOR_BGR2RGB)
        return visualizer.draw(image, sample, draw_gt=self.draw_gt, dataset_meta=loader.dataset.metainfo)  # type: ignore[attr-defined]


def _unique_name(dataset: Any, sample: ParsingDataSample) -> str:
    """The name of a sample, with the number of its data set in front where several are joined: their names may be equal."""
    for number, joined in enumerate(getattr(dataset, 'datasets', ()), 1):
        if Path(sample.img_path).is_relative_to(joined.data_prefix['img']):
            return str(Path(sample.name).with_name(f'{number}_{Path(sample.name).name}'))
    return sample.name


@HOOKS.register_module()
class IterSeedHook(Hook):
    """Seed torch's generators from (seed, rank, iteration) before every training iteration.

    Together with ``SeededSampler`` this makes a resumed run equal to one that was never cut off, whatever data loaders,
    validation and checkpoints drew in between, without generator states in the checkpoint.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
        """Seed the generators of this process for the iteration to come."""
        state = SeedSequence([runner.seed, runner.rank, runner.iter]).generate_state(1, dtype='uint64')
        torch.manual_seed(int(state[0] >> 1))
