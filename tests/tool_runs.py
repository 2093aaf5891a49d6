"""The commands of ``tools/``, run in the test's process on a parser that is small enough to know nothing."""
import importlib.util
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
CONFIG = """
_base_ = '{repo}/configs/toy/qanet_r18_toy.py'
model = dict(
    backbone=dict(base_channels=8), neck=dict(in_channels=[8, 16, 32, 64], out_channels=8),
    parsing_head=dict(in_channels=8), iou_head=dict(in_channels=8, hidden_channels=8))
train_dataloader = dict(dataset=dict(data_root='{data}/'))
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(data_root='{data}/'))
test_dataloader = val_dataloader
"""


def write_small_config(path: Path, data: Path) -> None:
    """A config of a small parser of the toy people of ``data``."""
    path.write_text(CONFIG.format(repo=REPO, data=data))


def run(tool: str, *arguments, monkeypatch) -> None:
    """``tools/**/TOOL.py`` with these arguments."""
    path, = (REPO / 'tools').rglob(f'{tool}.py')
    spec = importlib.util.spec_from_file_location(tool, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr('sys.argv', [tool, *map(str, arguments)])
    module.main()
