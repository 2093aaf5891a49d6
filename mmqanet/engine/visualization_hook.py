"""Overlays of the predictions while a model is tested."""
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmqanet.datasets.transforms.loading import read_image
from mmqanet.files import write_bytes
from mmqanet.registry import HOOKS
from mmqanet.visualization import draw_parsing, jpeg


@HOOKS.register_module()
class ParsingVisualizationHook(Hook):
    """Write ``OUT_DIR/NAME.jpg`` for every tested image.

    Args:
        out_dir (str): folder to write to; sub-folders of the data set are kept.
    """

    def __init__(self, *, out_dir: str):
        self.out_dir = Path(out_dir)

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict, outputs: list) -> None:
        meta = runner.test_dataloader.dataset.metainfo
        for sample in outputs:
            image = read_image(sample.img_path)
            overlay = draw_parsing(image, sample, palette=meta['palette'], classes=meta['classes'])
            write_bytes(self.out_dir / f'{sample.name}.jpg', jpeg(overlay))
